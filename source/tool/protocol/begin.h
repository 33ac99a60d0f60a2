// SPDX-License-Identifier: GPL-3.0-or-later
/* Begin a drain and wait for it, for begin, run and wait. */

#ifndef _DRAIN_TOOL_PROTOCOL_BEGIN_H_
#define _DRAIN_TOOL_PROTOCOL_BEGIN_H_

#include "drain/samba_compat.h"
#include "protocol/quiesce.h"

struct drain_record;
struct options;
struct share_list;
struct tool;

/** Arm the drain unless it is armed, and wait. Complain if that fails. */
enum quiesce_result arm_and_wait(struct tool *tool,
				 const struct share_list *shares,
				 const struct drain_record *record,
				 uint64_t deadline);

/** Complains when smbd is not running. */
bool begin_smbd_runs(void);

/**
 * Put a new record there. One that should have been resumed at its deadline is
 * no obstacle: that is made up for.
 *
 * @param[out] rival  What drains there already, if that is why it failed.
 * @return The record, or NULL after a complaint.
 */
struct drain_record *begin_record(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  const struct share_list *shares,
				  struct drain_record **rival);

/**
 * With --on-timeout it is the drain's deadline, whoever waits: put it into the
 * record. false after a complaint.
 */
bool begin_set_deadline(struct tool *tool, struct drain_record *record);

/**
 * Go on with a drain that somebody began: with another deadline if the options
 * have one, and with all else that they ask for if it is still arming. false
 * after a complaint.
 */
bool begin_go_on(struct tool *tool, struct drain_record *rival);

/** Say what drains there already. */
void begin_complain_of(const struct drain_record *rival);

/** The same as arm_and_wait(), with a word to the person if all went well. */
enum quiesce_result begin_wait(struct tool *tool,
			       const struct share_list *shares,
			       const struct drain_record *record);

/** How long smbds have to acknowledge. */
uint64_t begin_deadline(const struct options *options);

#endif /* _DRAIN_TOOL_PROTOCOL_BEGIN_H_ */
