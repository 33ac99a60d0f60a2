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
#include <stdint.h>
#include <talloc.h>

struct drain_scope;

/* A directory that is drained */
struct drain_root {
	const struct drain_root *outer; /* the nearest one above, or NULL */
	void **drains; /* at least one */
	size_t num_drains;
};

/* How far a path has been followed down the tree */
struct drain_walk {
	const struct drain_node *node; /* NULL: nothing is drained below */
	const struct drain_root *root; /* the innermost one so far, or NULL */
};

/* A directory as a record spells it, and which one that is on the disk */
struct drain_spelling {
	const char *path; /* absolute */
	uint64_t dev;
	uint64_t ino; /* 0: it is not there, or was not looked up */
};

/*
 * The directories directly below one, on the way to what is drained. All but
 * the paths is for the caller, who looks them up.
 */
struct drain_below {
	struct drain_spelling *spellings;
	size_t num_spellings;
	uint64_t dev; /* the directory above them when they were looked up */
	uint64_t ino;
	int64_t changed_sec;
	int64_t changed_nsec;
	bool settled; /* as long as that directory does not change */
	uint64_t other_dev; /* what is none of them: the last that was asked for */
	uint64_t other_ino;
};

/** An empty tree. NULL: out of memory. */
struct drain_scope *drain_scope_new(TALLOC_CTX *mem_ctx);

/**
 * Say that @drain covers the absolute clean @path. One drain may cover many
 * paths, one path may be covered by many drains. false: out of memory.
 */
bool drain_scope_add(struct drain_scope *scope, const char *path, void *drain);

/**
 * Say how a record spells @path, which has been added: @spelling has as many
 * components. false: out of memory.
 */
bool drain_scope_spell(struct drain_scope *scope,
		       const char *path,
		       const char *spelling);

/** The next component of a path: its start, its length (0: no more). */
size_t drain_scope_name(const char **path);

/** Start at "/". */
struct drain_walk drain_walk_start(const struct drain_scope *scope);

/** Follow the next component of a path. */
void drain_walk_step(struct drain_walk *walk, const char *name, size_t len);

/** Is it at a drained directory or at a directory above one? */
bool drain_walk_above(const struct drain_walk *walk);

/** What is spelled directly below; NULL: nothing. */
struct drain_below *drain_walk_below(const struct drain_walk *walk);

#endif /* _DRAIN_SCOPE_H_ */
