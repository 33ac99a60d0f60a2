// SPDX-License-Identifier: GPL-3.0-or-later
/* Collect the current state of a drain. */

#ifndef _DRAIN_TOOL_PROTOCOL_VIEW_H_
#define _DRAIN_TOOL_PROTOCOL_VIEW_H_

#include "drain/samba_compat.h"

struct drain_record;
struct survey;
struct survey_smbd;
struct tool;

/* How long smbds may take to answer */
#define VIEW_MSEC 2000

/* The present state of a drain */
struct view {
	const struct drain_record *record;
	struct survey *survey;
	size_t holders;
	size_t num_silent; /* smbds that have not acknowledged it */
	size_t waiting; /* deferred opens */
	uint64_t longest_wait; /* milliseconds */
};

/**
 * Collect the state of a drain.
 *
 * @param[out] view  Its survey is allocated on @mem_ctx.
 * @return false after an error message.
 */
bool view_take(TALLOC_CTX *mem_ctx,
	       struct tool *tool,
	       const struct drain_record *record,
	       struct view *view);

/**
 * Like view_take(), but only from the answers of smbds, without untracked
 * handles. If tool->on_gone is set, the smbds report each holder that is gone
 * from now on.
 */
bool view_ask(TALLOC_CTX *mem_ctx,
	      struct tool *tool,
	      const struct drain_record *record,
	      uint64_t patience,
	      struct view *view);

/** Return true if the smbd has not acknowledged the drain. */
bool view_is_silent(const struct survey_smbd *smbd);

#endif /* _DRAIN_TOOL_PROTOCOL_VIEW_H_ */
