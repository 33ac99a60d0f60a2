// SPDX-License-Identifier: GPL-3.0-or-later
/* Begin a drain and wait for it, for begin, run and wait. */

#ifndef _DRAIN_TOOL_PROTOCOL_BEGIN_H_
#define _DRAIN_TOOL_PROTOCOL_BEGIN_H_

#include "drain/samba_compat.h"
#include "protocol/quiesce.h"

struct drain_record;
struct drain_terms;
struct share_list;
struct tool;

/**
 * Arm the drain unless it is armed, and wait. Print an error message on
 * failure.
 */
enum quiesce_result arm_and_wait(struct tool *tool,
				 const struct share_list *shares,
				 const struct drain_terms *terms,
				 const struct drain_record *record,
				 uint64_t deadline);

/** Return true if smbd is running, false after an error message. */
bool begin_smbd_runs(void);

/**
 * Add the record of a new drain. An existing drain whose deadline is due is
 * resumed first.
 *
 * @param[out] rival  The existing drain, if that is why it failed.
 * @return The record, or NULL after an error message, or with @rival set.
 */
struct drain_record *begin_record(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  const struct share_list *shares,
				  const char *target,
				  const struct drain_terms *terms,
				  struct drain_record **rival);

/**
 * With --on-timeout, store the deadline in the record. Return false after an
 * error message.
 */
bool begin_set_deadline(struct tool *tool,
			const struct drain_terms *terms,
			struct drain_record *record);

/**
 * Continue an existing drain, with the deadline of the options and, while it is
 * still arming, their other terms. Return false after an error message.
 */
bool begin_go_on(struct tool *tool,
		 const struct drain_terms *terms,
		 struct drain_record *rival);

/** Print which drain exists already. */
void begin_complain_of(const struct drain_record *rival);

/**
 * Like arm_and_wait(), but print a message on success, and end the program if a
 * signal interrupts the wait.
 */
enum quiesce_result begin_wait(struct tool *tool,
			       const struct share_list *shares,
			       const struct drain_terms *terms,
			       const struct drain_record *record);

/** Return the time until which smbds can acknowledge. */
uint64_t begin_deadline(const struct drain_terms *terms);

#endif /* _DRAIN_TOOL_PROTOCOL_BEGIN_H_ */
