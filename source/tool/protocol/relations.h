// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the drains that contain a target, and those of parts of it. */

#ifndef _DRAIN_TOOL_PROTOCOL_RELATIONS_H_
#define _DRAIN_TOOL_PROTOCOL_RELATIONS_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

/* Drains in force, other than a target's own */
struct relations {
	const struct drain_record **outer; /* they cover all of the target */
	size_t num_outer;
	const struct drain_record **inner; /* they cover a part of it */
	size_t num_inner;
};

/**
 * Find the other drains of a target.
 *
 * @param[in] place  The target from shares_resolve(), or its drain.
 * @return NULL after an error message.
 */
struct relations *relations_find(TALLOC_CTX *mem_ctx,
				 struct tool *tool,
				 const struct drain_record *place);

/** Return true if a drain closes the whole target: it is armed or quiescent. */
bool relations_close(const struct relations *relations);

/** Return "closed by the drain of pkg; "smbdrain resume pkg" opens it". */
const char *relations_of_outer(const struct relations *relations);

/**
 * Return "a part of it is drained: pkg/office; "smbdrain resume pkg/office"
 * ...".
 */
const char *relations_of_inner(const struct relations *relations);

/**
 * Print that the target has no drain of its own, and which drains cover it
 * instead.
 */
void relations_complain(const char *target, const struct relations *relations);

#endif /* _DRAIN_TOOL_PROTOCOL_RELATIONS_H_ */
