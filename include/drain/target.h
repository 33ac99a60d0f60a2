/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Targets: what a drain is about, and how paths relate to each other.
 *
 * A target is SHARE or SHARE/PATH. The whole share has the empty path. Paths
 * are compared component by component, never as strings: "pkg/off" is not
 * above "pkg/office".
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
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
 * Parse what a person typed.
 *
 * @param[in]  mem_ctx  The strings of the target hang off this.
 * @param[in]  text     "SHARE", "SHARE/PATH"; a trailing '/' is forgiven.
 * @param[out] target   Filled on success.
 *
 * @return NULL on success, else one clause that says what is wrong, such as
 *         "a share name is missing" (static, never freed).
 */
const char *drain_target_parse(TALLOC_CTX *mem_ctx,
			       const char *text,
			       struct drain_target *target);

/** "pkg" or "pkg/office", as a person would type it. NULL: out of memory. */
char *drain_target_name(TALLOC_CTX *mem_ctx,
			const struct drain_target *target);

/**
 * Is @path @root itself or below it?
 *
 * Both are absolute and clean (as realpath(3) makes them); the comparison is
 * by component and exact. "/" is above everything.
 */
bool drain_path_within(const char *path, const char *root);

/** Is one of two absolute clean paths the other, or above it? */
bool drain_path_overlap(const char *a, const char *b);

/**
 * May a path with %-substitutions (smb.conf(5), VARIABLE SUBSTITUTIONS) come
 * to be @path, a directory above it or one below it? A component with a '%'
 * stands for any, or for none if nothing else is in it; %H, %P, %T and %$(NAME)
 * stand for whole paths, and ".." for any place from there on.
 *
 * @param[in] pattern  Absolute; one that begins with '%' may be anywhere.
 */
bool drain_pattern_overlap(const char *pattern, const char *path);

/**
 * How @path is written in a symbolic link that is in the directory @dir: both
 * absolute, clean and real. "." if it is that one. NULL: out of memory.
 */
char *drain_path_relative(TALLOC_CTX *mem_ctx,
			  const char *path,
			  const char *dir);

/**
 * Join a clean absolute directory and a clean relative path; either an empty
 * @path or "." gives the directory itself. NULL: out of memory.
 */
char *drain_path_join(TALLOC_CTX *mem_ctx, const char *dir, const char *path);

#endif /* _DRAIN_TARGET_H_ */
