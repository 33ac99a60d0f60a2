// SPDX-License-Identifier: GPL-3.0-or-later
/* Show on one line how many holders are left. */

#ifndef _DRAIN_TOOL_PROTOCOL_PROGRESS_H_
#define _DRAIN_TOOL_PROTOCOL_PROGRESS_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

struct progress;

/**
 * Show the holders that are left during a wait, on a terminal and to the
 * service manager. Return NULL if there is neither.
 */
struct progress *progress_start(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record);

/** Remove the line. */
void progress_end(struct progress *progress);

#endif /* _DRAIN_TOOL_PROTOCOL_PROGRESS_H_ */
