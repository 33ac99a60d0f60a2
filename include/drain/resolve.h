// SPDX-License-Identifier: GPL-3.0-or-later
/* Resolve the target that a person names to the paths that it covers. */

#ifndef _DRAIN_RESOLVE_H_
#define _DRAIN_RESOLVE_H_

#include <talloc.h>

struct drain_record;
struct share_list;

/**
 * Make a record (without id and times) of what a person named: the share
 * exists and can be drained, the path is there, a directory, and inside.
 *
 * @param[out] why  If it is not so: one line that says why, on @mem_ctx.
 */
struct drain_record *shares_make_record(TALLOC_CTX *mem_ctx,
					const struct share_list *list,
					const char *target,
					const char **why);

#endif /* _DRAIN_RESOLVE_H_ */
