// SPDX-License-Identifier: GPL-3.0-or-later
/* Check for work on drains around and inside a target. */

#ifndef _DRAIN_TOOL_PROTOCOL_NEAR_H_
#define _DRAIN_TOOL_PROTOCOL_NEAR_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

enum near_kind {
	NEAR_PUBLISHES, /* the other process publishes */
	NEAR_WORKS, /* the other process publishes or runs a command */
};

/**
 * Check that no other process works in a drain around the target of @record or
 * inside it, and wait some seconds for that. A process must hold its own lock
 * before the check: owner(id) to run a command, publish(id) to publish. Then
 * two processes that check at the same time cannot both succeed. A run that
 * started this process does not count.
 *
 * @param[in] path  Another directory that is about to change; may be NULL.
 * @return false after an error message, or when asked to stop.
 */
bool near_is_quiet(struct tool *tool,
		   const struct drain_record *record,
		   const char *path,
		   enum near_kind kind);

#endif /* _DRAIN_TOOL_PROTOCOL_NEAR_H_ */
