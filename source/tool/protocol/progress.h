// SPDX-License-Identifier: GPL-3.0-or-later
/* Show on one line how many holders are left. */

#ifndef _DRAIN_TOOL_PROTOCOL_PROGRESS_H_
#define _DRAIN_TOOL_PROTOCOL_PROGRESS_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

struct progress;

/**
 * Show who is left while we wait: on a terminal, and to the service manager.
 * NULL if neither is there.
 */
struct progress *progress_start(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record);

/** Take the line away. */
void progress_end(struct progress *progress);

#endif /* _DRAIN_TOOL_PROTOCOL_PROGRESS_H_ */
