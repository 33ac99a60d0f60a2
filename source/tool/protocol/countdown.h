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

/* The holders of a drain, fewer with each that goes */
struct countdown {
	struct drain_id id;
	struct holder_list *list; /* NULL: not there yet */
	bool filling; /* the list is being made */
	struct gone_handle *gone; /* meanwhile */
	size_t num_gone;
};

/** Before its smbds are asked to tell of each that goes. NULL: no memory. */
struct countdown *countdown_new(TALLOC_CTX *mem_ctx,
				const struct drain_record *record);

/** List the holders, anew. false after a complaint: the list is as it was. */
bool countdown_fill(struct countdown *c,
		    struct tool *tool,
		    const struct drain_record *record);

/** For tool->on_gone. false: it is of another drain. */
bool countdown_gone(struct countdown *c,
		    const struct drain_tell_gone *gone,
		    struct server_id src);

/** Those of an smbd that was killed: it did not say goodbye. */
void countdown_drop_dead(struct countdown *c);

#endif /* _DRAIN_TOOL_PROTOCOL_COUNTDOWN_H_ */
