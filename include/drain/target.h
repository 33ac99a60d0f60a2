// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Targets of drains, and relations of paths.
 *
 * A target is SHARE or SHARE/PATH. The path of a whole share is empty. Paths
 * are compared by component, not as strings: "pkg/off" is no parent of
 * "pkg/office".
 */

#ifndef _DRAIN_TARGET_H_
#define _DRAIN_TARGET_H_

#include <stdbool.h>
#include <talloc.h>

struct drain_target {
	const char *share;
	/* No leading, trailing or double '/', no "." or ".."; "" is the root */
	const char *path;
};

/**
 * Parse a target from the command line.
 *
 * @param[in]  mem_ctx  Owns the strings of the target.
 * @param[in]  text     "SHARE" or "SHARE/PATH"; a trailing '/' is ignored.
 * @param[out] target   Filled on success.
 *
 * @return NULL on success, else the error as a clause, such as "a share name
 *         is missing" (static).
 */
const char *drain_target_parse(TALLOC_CTX *mem_ctx,
			       const char *text,
			       struct drain_target *target);

/** Format a target: "pkg" or "pkg/office". NULL: out of memory. */
char *drain_target_name(TALLOC_CTX *mem_ctx,
			const struct drain_target *target);

/**
 * Test whether @path is @root or below it.
 *
 * Both are absolute and clean, as from realpath(3). Components are compared
 * exactly.
 */
bool drain_path_within(const char *path, const char *root);

/** Test whether two absolute clean paths are equal, or one is a parent. */
bool drain_path_overlap(const char *a, const char *b);

/**
 * Test whether a path with %-substitutions (smb.conf(5), VARIABLE
 * SUBSTITUTIONS) can expand to @path, a parent of it, or a directory below it.
 * A component with a '%' matches any component, or none if it has only
 * substitutions. %H, %P, %T and %$(NAME) match whole paths. After ".." any path
 * matches.
 *
 * @param[in] pattern  Absolute; one that begins with '%' matches any path.
 */
bool drain_pattern_overlap(const char *pattern, const char *path);

/**
 * Return the text of a symbolic link in the directory @dir that leads to @path.
 * Both are absolute, clean and real. If they are equal, the result is ".".
 *
 * @return NULL: out of memory.
 */
char *drain_path_relative(TALLOC_CTX *mem_ctx,
			  const char *path,
			  const char *dir);

/**
 * Join a clean absolute directory and a clean relative path. An empty @path or
 * "." gives the directory itself.
 *
 * @return NULL: out of memory.
 */
char *drain_path_join(TALLOC_CTX *mem_ctx, const char *dir, const char *path);

#endif /* _DRAIN_TARGET_H_ */
