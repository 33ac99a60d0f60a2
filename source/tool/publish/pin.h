// SPDX-License-Identifier: GPL-3.0-or-later
/* Hold directories and links by descriptors while they are exchanged. */

#ifndef _DRAIN_TOOL_PUBLISH_PIN_H_
#define _DRAIN_TOOL_PUBLISH_PIN_H_

#include "drain/samba_compat.h"

/*
 * An entry of a directory, held by descriptors, so that renaming a directory
 * above it, or placing a symbolic link there, cannot divert us
 */
struct pinned {
	const char *path; /* absolute and real */
	const char *name; /* the last component of path; "" for "/" */
	int parent; /* -1 for "/" */
	int fd; /* -1 if missing, or not a directory */
	struct statx in; /* of the parent directory */
	struct statx self; /* if it exists */
};

/**
 * Pin a directory.
 *
 * @param[in] may_be_missing  Only the parent directory must exist.
 * @return NULL after an error message.
 */
struct pinned *pin_directory(TALLOC_CTX *mem_ctx,
			     const char *path,
			     bool may_be_missing);

/** Pin a symbolic link. Return NULL after an error message. */
struct pinned *pin_link(TALLOC_CTX *mem_ctx, const char *path);

/** Look up a name in an open directory. Return false with errno set. */
bool pin_look(int dir, const char *name, struct statx *st);

/** Return true if both are the same file. */
bool pin_same(const struct statx *a, const struct statx *b);

/** Return true if one can be renamed over the other: both are on one mount. */
bool pin_one_mount(const struct statx *a, const struct statx *b);

/**
 * Return why a rename failed. ESTALE: it renamed another file than intended.
 */
const char *pin_error(void);

/**
 * Check that we can change an open directory. Return false after an error
 * message.
 */
bool pin_writable(int dir, const char *path);

/**
 * Check that the entry is still the one that was pinned. Return false after an
 * error message.
 */
bool pin_is_still_there(const struct pinned *pinned);

/**
 * Write the file system of a directory to disk. Return false after an error
 * message.
 */
bool pin_sync(const struct pinned *pinned);

/**
 * Write renames in the parent directory to disk. Return false after an error
 * message.
 */
bool pin_sync_parent(const struct pinned *pinned);

#endif /* _DRAIN_TOOL_PUBLISH_PIN_H_ */
