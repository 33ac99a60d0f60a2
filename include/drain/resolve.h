// SPDX-License-Identifier: GPL-3.0-or-later
/* Resolve the target that a person names to the paths that it covers. */

#ifndef _DRAIN_RESOLVE_H_
#define _DRAIN_RESOLVE_H_

#include <talloc.h>

struct drain_record;
struct share_list;

/**
 * Make a record (without id and times) for a target. Check that the share
 * exists and can be drained, and that the path is a directory in it.
 *
 * @param[out] why  The reason in one line, on @mem_ctx, if NULL is returned.
 */
struct drain_record *shares_make_record(TALLOC_CTX *mem_ctx,
					const struct share_list *list,
					const char *target,
					const char **why);

#endif /* _DRAIN_RESOLVE_H_ */
