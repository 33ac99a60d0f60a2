// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the drains in force: all, or the one that a person names. */

#ifndef _DRAIN_TOOL_PROTOCOL_FIND_H_
#define _DRAIN_TOOL_PROTOCOL_FIND_H_

#include "drain/samba_compat.h"

struct drain_list;
struct drain_record;
struct tool;

/**
 * Return a record for the target, with the policy of its drain, or with the
 * policy that a drain would have. Return NULL after an error message.
 */
struct drain_record *find_place(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const char *target);

/** Return all drains in force, or NULL after an error message. */
struct drain_list *find_all(TALLOC_CTX *mem_ctx, struct tool *tool);

/**
 * Find the drain of a target, by name or by path.
 *
 * @param[out] place  The target, if it can be drained and no drain is in force.
 * @return The record, or NULL: no drain is in force, or, with @place NULL,
 * after an error message.
 */
struct drain_record *find_drain(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const char *target,
				struct drain_record **place);

#endif /* _DRAIN_TOOL_PROTOCOL_FIND_H_ */
