// SPDX-License-Identifier: GPL-3.0-or-later
/* Take a drain from arming to armed. */

#ifndef _DRAIN_TOOL_PROTOCOL_ARM_H_
#define _DRAIN_TOOL_PROTOCOL_ARM_H_

#include "drain/samba_compat.h"

struct drain_record;
struct share_list;
struct tool;

/**
 * Arm the drain. Name what stands in the way.
 *
 * @return false: it is not armed.
 */
bool arm(struct tool *tool,
	 const struct share_list *shares,
	 const struct drain_record *record,
	 uint64_t deadline);

/**
 * Does every smbd refuse opens in all that the record covers now, and does
 * nothing reach it past the module? Asked of a drain that covers more than
 * when it was armed.
 *
 * @return false after a complaint.
 */
bool arm_again(struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *record,
	       uint64_t deadline);

/**
 * Does anything in smb.conf, as it is loaded, give access to what the record
 * covers past the module? Each is complained of.
 */
bool arm_is_passed_by(const struct tool *tool,
		      TALLOC_CTX *mem_ctx,
		      const struct share_list *shares,
		      const struct drain_record *record);

/** That it is not armed, and what to do. */
void arm_complain(const struct drain_record *record);

/** What in smb.conf leads nobody knows where; none if all are guarded then. */
size_t arm_unknown(const struct tool *tool);

/**
 * The same without a word, and of a drain that is armed: is everybody on the
 * roster who may have something open in the target? After a recovery smbds of a
 * node that was cut off have to come back to it first.
 */
bool arm_is_known_to_all(struct tool *tool,
			 const struct share_list *shares,
			 const struct drain_record *record);

#endif /* _DRAIN_TOOL_PROTOCOL_ARM_H_ */
