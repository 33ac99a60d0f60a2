// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Scopes: the drains that a path is in. The time to find them depends on the
 * depth of the path, not on the number of drains.
 *
 * A scope is a tree of path components. A node that is drained lists its drains
 * and points to the nearest drained node above it. Names are compared exactly;
 * for shares that ignore case the caller folds them. The tree is rebuilt when
 * the set of drains changes, and otherwise only read.
 */

#ifndef _DRAIN_SCOPE_H_
#define _DRAIN_SCOPE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct drain_scope;

/* A directory that is drained */
struct drain_root {
	const struct drain_root *outer; /* the nearest one above, or NULL */
	void **drains; /* at least one */
	size_t num_drains;
};

/* A position in the tree, after the components of a path so far */
struct drain_walk {
	const struct drain_node *node; /* NULL: nothing is drained below */
	const struct drain_root *root; /* the innermost one so far, or NULL */
};

/* A directory: the spelling of the record, and its inode on disk */
struct drain_spelling {
	const char *path; /* absolute */
	uint64_t dev;
	uint64_t ino; /* 0: it does not exist, or was not looked up */
};

/*
 * The directories directly below another one that are drained or are parents of
 * drained ones. The caller uses all fields but the paths.
 */
struct drain_below {
	struct drain_spelling *spellings;
	size_t num_spellings;
	uint64_t dev; /* their parent when they were looked up */
	uint64_t ino;
	int64_t changed_sec;
	int64_t changed_nsec;
	bool settled; /* true: valid until the parent changes */
	uint64_t other_dev; /* the last file that was none of them */
	uint64_t other_ino;
};

/** Create an empty tree. NULL: out of memory. */
struct drain_scope *drain_scope_new(TALLOC_CTX *mem_ctx);

/**
 * Add an absolute clean path that @drain covers. A drain may cover several
 * paths, and several drains may cover a path.
 *
 * @return false: out of memory.
 */
bool drain_scope_add(struct drain_scope *scope, const char *path, void *drain);

/**
 * Add the spelling that a record has for a folded path that was added. Both
 * have the same number of components.
 *
 * @return false: out of memory.
 */
bool drain_scope_spell(struct drain_scope *scope,
		       const char *path,
		       const char *spelling);

/**
 * Find the next component of a path.
 *
 * @param[inout] path  Set to the start of the component.
 * @return Its length; 0: there are no more.
 */
size_t drain_scope_name(const char **path);

/** Start at "/". */
struct drain_walk drain_walk_start(const struct drain_scope *scope);

/** Follow the next component of a path. */
void drain_walk_step(struct drain_walk *walk, const char *name, size_t len);

/** Test whether the position is a drained directory or a parent of one. */
bool drain_walk_above(const struct drain_walk *walk);

/** Return the directories directly below the position, or NULL. */
struct drain_below *drain_walk_below(const struct drain_walk *walk);

#endif /* _DRAIN_SCOPE_H_ */
