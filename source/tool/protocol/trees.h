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
	/* what is wrong with it, in words that follow the name */
	const char *why;
	/* the share now uses the module, for clients that reconnect */
	bool has_module;
};

struct open_tree_list {
	struct open_tree *trees;
	size_t num_trees;
};

/**
 * Return the tree connects, of all or of those in @among, that can reach files
 * that the record covers and that no smbd of the survey guards. Return NULL
 * after an error message.
 */
struct open_tree_list *trees_unguarded(TALLOC_CTX *mem_ctx,
				       const struct share_list *shares,
				       const struct drain_record *record,
				       const struct alias_list *aliases,
				       const struct survey *survey,
				       const struct open_tree_list *among);

/**
 * Like trees_unguarded(), but check up to ten times, so that tree connects in
 * progress can settle.
 *
 * @param[in,out] survey  The last survey; NULL after an error message.
 */
struct open_tree_list *trees_settled(TALLOC_CTX *mem_ctx,
				     struct tool *tool,
				     const struct share_list *shares,
				     const struct drain_record *record,
				     const struct alias_list *aliases,
				     struct survey **survey,
				     uint64_t deadline);

/** Return which client is connected, and what disconnects it. */
const char *trees_advice(const struct open_tree *tree);

#endif /* _DRAIN_TOOL_PROTOCOL_TREES_H_ */
