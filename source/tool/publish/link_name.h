// SPDX-License-Identifier: GPL-3.0-or-later
/* Name a new link until it replaces the old one. */

#ifndef _DRAIN_TOOL_PUBLISH_LINK_NAME_H_
#define _DRAIN_TOOL_PUBLISH_LINK_NAME_H_

#include "drain/samba_compat.h"

struct drain_id;
struct pinned;
struct tool;

/**
 * Return a name for a new link beside the old one, or NULL if out of memory.
 */
char *link_name_new(TALLOC_CTX *mem_ctx, const struct drain_id *id);

/**
 * Remove links with such names that a killed publish has left beside @link.
 *
 * @param own  The drain whose publish(id) the caller holds.
 */
void link_remove_left(struct tool *tool,
		      const struct pinned *link,
		      const struct drain_id *own);

#endif /* _DRAIN_TOOL_PUBLISH_LINK_NAME_H_ */
