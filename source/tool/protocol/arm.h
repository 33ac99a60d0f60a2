// SPDX-License-Identifier: GPL-3.0-or-later
/* Take a drain from arming to armed. */

#ifndef _DRAIN_TOOL_PROTOCOL_ARM_H_
#define _DRAIN_TOOL_PROTOCOL_ARM_H_

#include "drain/samba_compat.h"

struct drain_record;
struct share_list;
struct tool;

/**
 * Arm the drain, or name what prevents it.
 *
 * @return false if it is not armed.
 */
bool arm(struct tool *tool,
	 const struct share_list *shares,
	 const struct drain_record *record,
	 uint64_t deadline);

/**
 * Check again that every smbd refuses opens in all paths of the record, and
 * that no client can reach them without the module. For a drain that covers
 * more paths than when it was armed.
 *
 * @return false after an error message.
 */
bool arm_again(struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *record,
	       uint64_t deadline);

/**
 * Return true if the loaded smb.conf gives access without the module to files
 * that the record covers. Prints an error message for each share.
 */
bool arm_is_passed_by(const struct tool *tool,
		      TALLOC_CTX *mem_ctx,
		      const struct share_list *shares,
		      const struct drain_record *record);

/** Print that the drain is not armed, and what to do. */
void arm_complain(const struct drain_record *record);

/**
 * Return the number of lines in smb.conf whose files cannot be listed, or 0 if
 * shares in such files use the module in any case.
 */
size_t arm_unknown(const struct tool *tool);

/**
 * Return true if every smbd that can have files open in the target is on the
 * roster, for an armed drain. Prints no message. After a recovery, the smbds of
 * a node that was disconnected must join the roster again first.
 */
bool arm_is_known_to_all(struct tool *tool,
			 const struct share_list *shares,
			 const struct drain_record *record);

#endif /* _DRAIN_TOOL_PROTOCOL_ARM_H_ */
