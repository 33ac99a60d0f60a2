// SPDX-License-Identifier: GPL-3.0-or-later
/* Check for work on drains around and inside a target. */

#ifndef _DRAIN_TOOL_PROTOCOL_NEAR_H_
#define _DRAIN_TOOL_PROTOCOL_NEAR_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

enum near_kind {
	NEAR_PUBLISHES, /* the other exchanges files */
	NEAR_WORKS, /* that, or it runs a command */
};

/**
 * Is nobody else doing that in a drain around @record's target, or inside of
 * it? Waits some seconds until that is so. Of two that ask about each other one
 * at least is refused, if each has its own lock before it asks: owner(id) to
 * run a command, publish(id) to publish. Who has started us, a run whose command
 * we are part of, does not count.
 *
 * @param[in] path  Another directory that is about to change; may be NULL.
 * @return false after a complaint, or when told to stop.
 */
bool near_is_quiet(struct tool *tool,
		   const struct drain_record *record,
		   const char *path,
		   enum near_kind kind);

#endif /* _DRAIN_TOOL_PROTOCOL_NEAR_H_ */
