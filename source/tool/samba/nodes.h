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
 * Return the nodes of a cluster whose smbds may serve clients but cannot be
 * asked. Waits some seconds for a recovery to finish. Return NULL after an
 * error message.
 */
struct lost_node_list *nodes_lost(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  uint64_t deadline);

/**
 * Return true if no recovery is in progress or due.
 *
 * @param[out] generation  Changes with each recovery; constant without a
 * cluster.
 */
bool nodes_steady(struct tool *tool, uint32_t *generation);

/**
 * Wait some seconds until this node is part of the cluster. Until then, opening
 * a database blocks.
 *
 * @return false after an error message.
 */
bool nodes_join(struct tool *tool);

/**
 * Return true if the node is banned, stopped or gone, so that its smbds are
 * blocked.
 */
bool nodes_is_out(uint32_t number);

#endif /* _DRAIN_TOOL_SAMBA_NODES_H_ */
