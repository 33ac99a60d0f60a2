// SPDX-License-Identifier: GPL-3.0-or-later
/* Keep the list of holders of a drain while they close their files. */

#ifndef _DRAIN_TOOL_PROTOCOL_COUNTDOWN_H_
#define _DRAIN_TOOL_PROTOCOL_COUNTDOWN_H_

#include "drain/samba_compat.h"
#include "drain/record.h"

struct drain_tell_gone;
struct holder_list;
struct tool;

struct gone_handle;

/* The holders of a drain that are left */
struct countdown {
	struct drain_id id;
	struct holder_list *list; /* NULL: not listed yet */
	bool filling; /* the list is being made */
	struct gone_handle *gone; /* handles that are closed in the meantime */
	size_t num_gone;
};

/**
 * Create a countdown, before the smbds are asked to report closed handles.
 * Return NULL if out of memory.
 */
struct countdown *countdown_new(TALLOC_CTX *mem_ctx,
				const struct drain_record *record);

/**
 * List the holders again. Return false after an error message, with the list
 * unchanged.
 */
bool countdown_fill(struct countdown *c,
		    struct tool *tool,
		    const struct drain_record *record);

/**
 * Remove a holder, for tool->on_gone. Return false if it belongs to another
 * drain.
 */
bool countdown_gone(struct countdown *c,
		    const struct drain_tell_gone *gone,
		    struct server_id src);

/** Remove the holders of smbds that were killed, which cannot report them. */
void countdown_drop_dead(struct countdown *c);

#endif /* _DRAIN_TOOL_PROTOCOL_COUNTDOWN_H_ */
