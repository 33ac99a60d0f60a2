// SPDX-License-Identifier: GPL-3.0-or-later
/* Find lost nodes of a cluster, as the ctdbd of this node sees them. */

#ifndef _DRAIN_TOOL_SAMBA_NODES_H_
#define _DRAIN_TOOL_SAMBA_NODES_H_

#include "drain/samba_compat.h"

struct tool;

struct lost_node {
	uint32_t number;
	const char *address;
};

struct lost_node_list {
	struct lost_node *nodes;
	size_t num_nodes;
};

/**
 * The nodes of a cluster whose smbds may serve without that they can be asked.
 * Waits some seconds for a recovery that is going on. NULL on failure, after a
 * complaint.
 */
struct lost_node_list *nodes_lost(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  uint64_t deadline);

/**
 * Is there no recovery, neither under way nor to come?
 *
 * @param[out] generation  Another one after each recovery; without a cluster
 *                         it is always the same.
 */
bool nodes_steady(struct tool *tool, uint32_t *generation);

/**
 * Wait until this node is part of the cluster, for some seconds. Until then
 * whoever opens a database hangs.
 *
 * @return false after a complaint: it is not.
 */
bool nodes_join(struct tool *tool);

/** Is it banned or stopped, or not there, so that its smbds stand still? */
bool nodes_is_out(uint32_t number);

#endif /* _DRAIN_TOOL_SAMBA_NODES_H_ */
