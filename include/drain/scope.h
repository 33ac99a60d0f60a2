/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Scopes: which drains a path is in, found in the depth of the path and not in
 * the number of drains.
 *
 * A tree of path components. A node that is the root of drains lists them, and
 * points to the next such node above it. Names are whatever the caller compares
 * by; for shares that ignore case the caller folds paths before they come here.
 * The tree is rebuilt when the set of drains changes and only read otherwise.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_SCOPE_H_
#define _DRAIN_SCOPE_H_

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

struct drain_scope;

/* A directory that is drained */
struct drain_root {
	const struct drain_root *outer; /* the nearest one above, or NULL */
	void **drains; /* at least one */
	size_t num_drains;
};

/** An empty tree. NULL: out of memory. */
struct drain_scope *drain_scope_new(TALLOC_CTX *mem_ctx);

/**
 * Say that @drain covers the absolute clean @path. One drain may cover many
 * paths, one path may be covered by many drains. false: out of memory.
 */
bool drain_scope_add(struct drain_scope *scope, const char *path, void *drain);

/** The innermost drained directory that @path is or is in; NULL: none. */
const struct drain_root *drain_scope_find(const struct drain_scope *scope,
					  const char *path);

/** Is @path a drained directory or a directory above one? */
bool drain_scope_above(const struct drain_scope *scope, const char *path);

#endif /* _DRAIN_SCOPE_H_ */
