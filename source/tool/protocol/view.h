// SPDX-License-Identifier: GPL-3.0-or-later
/* Collect the current state of a drain. */

#ifndef _DRAIN_TOOL_PROTOCOL_VIEW_H_
#define _DRAIN_TOOL_PROTOCOL_VIEW_H_

#include "drain/samba_compat.h"

struct drain_record;
struct survey;
struct survey_smbd;
struct tool;

/* How long smbds may be silent */
#define VIEW_MSEC 2000

/* What a drain looks like now */
struct view {
	const struct drain_record *record;
	struct survey *survey;
	size_t holders;
	size_t num_silent; /* smbds that have not acknowledged it */
	size_t waiting; /* opens */
	uint64_t longest_wait; /* milliseconds */
};

/**
 * Look at a drain.
 *
 * @param[out] view  Its survey hangs off @mem_ctx.
 * @return false after a complaint.
 */
bool view_take(TALLOC_CTX *mem_ctx,
	       struct tool *tool,
	       const struct drain_record *record,
	       struct view *view);

/**
 * The same by what smbds say alone: handles that none answers for are left
 * out. If somebody is to hear of each holder that goes (tool->on_gone), they
 * tell of it from now on.
 */
bool view_ask(TALLOC_CTX *mem_ctx,
	      struct tool *tool,
	      const struct drain_record *record,
	      uint64_t patience,
	      struct view *view);

/** Has it not acknowledged the drain? */
bool view_is_silent(const struct survey_smbd *smbd);

#endif /* _DRAIN_TOOL_PROTOCOL_VIEW_H_ */
