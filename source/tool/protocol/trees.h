// SPDX-License-Identifier: GPL-3.0-or-later
/* Find tree connects that bypass the module, from Samba's table of them. */

#ifndef _DRAIN_TOOL_PROTOCOL_TREES_H_
#define _DRAIN_TOOL_PROTOCOL_TREES_H_

#include "drain/samba_compat.h"
#include "drain/address.h"

struct alias_list;
struct drain_record;
struct share_list;
struct survey;
struct tool;

struct open_tree {
	struct server_id server_id;
	uint32_t id;
	uint32_t session;
	const char *share;
	struct drain_addresses client;
	const char *why; /* what is wrong with that: follows the name */
	bool has_module; /* the share has it by now, for who connects again */
};

struct open_tree_list {
	struct open_tree *trees;
	size_t num_trees;
};

/**
 * The tree connections, of all or of those in @among, that may reach what the
 * record covers and that no smbd of the survey guards. NULL after a complaint.
 */
struct open_tree_list *trees_unguarded(TALLOC_CTX *mem_ctx,
				       const struct share_list *shares,
				       const struct drain_record *record,
				       const struct alias_list *aliases,
				       const struct survey *survey,
				       const struct open_tree_list *among);

/**
 * The same after a look or ten, so that those on their way have settled.
 *
 * @param[in,out] survey  The last one that was taken; NULL after a complaint.
 */
struct open_tree_list *trees_settled(TALLOC_CTX *mem_ctx,
				     struct tool *tool,
				     const struct share_list *shares,
				     const struct drain_record *record,
				     const struct alias_list *aliases,
				     struct survey **survey,
				     uint64_t deadline);

/** Who is connected, what disconnects it, and what that does. */
const char *trees_advice(const struct open_tree *tree);

#endif /* _DRAIN_TOOL_PROTOCOL_TREES_H_ */
