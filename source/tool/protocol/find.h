// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the drains in force: all, or the one that a person names. */

#ifndef _DRAIN_TOOL_PROTOCOL_FIND_H_
#define _DRAIN_TOOL_PROTOCOL_FIND_H_

#include "drain/samba_compat.h"

struct drain_list;
struct drain_record;
struct tool;

/**
 * The place that the target names, with the policy of its drain if there is
 * one, else with what that would be. NULL after a complaint.
 */
struct drain_record *find_place(TALLOC_CTX *mem_ctx,
				   struct tool *tool,
				   const char *target);

/** All drains in force. NULL after a complaint. */
struct drain_list *find_all(TALLOC_CTX *mem_ctx, struct tool *tool);

/**
 * The record of the drain that a person means: by name, or by place.
 *
 * @param[out] place  The target, if it can be drained and no drain is in force.
 * @return NULL: there is none, which is no reason to complain, or, with @place
 *         NULL, after a complaint.
 */
struct drain_record *find_drain(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const char *target,
				      struct drain_record **place);

#endif /* _DRAIN_TOOL_PROTOCOL_FIND_H_ */
