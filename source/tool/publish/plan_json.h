// SPDX-License-Identifier: GPL-3.0-or-later
/* Convert a plan to and from the JSON of a journal. */

#ifndef _DRAIN_TOOL_PUBLISH_PLAN_JSON_H_
#define _DRAIN_TOOL_PUBLISH_PLAN_JSON_H_

#include "drain/samba_compat.h"
#include <jansson.h>

struct drain_plan;

/** Return an array, or NULL if out of memory. */
json_t *plan_to_json(const struct drain_plan *plan);

/**
 * Convert an array to a plan. Return NULL if it is not a plan, or if out of
 * memory.
 */
struct drain_plan *plan_from_json(TALLOC_CTX *mem_ctx, json_t *entries);

#endif /* _DRAIN_TOOL_PUBLISH_PLAN_JSON_H_ */
