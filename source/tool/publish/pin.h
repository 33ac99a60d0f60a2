// SPDX-License-Identifier: GPL-3.0-or-later
/* Hold directories and links by descriptors while they are exchanged. */

#ifndef _DRAIN_TOOL_PUBLISH_PIN_H_
#define _DRAIN_TOOL_PUBLISH_PIN_H_

#include "drain/samba_compat.h"

/*
 * An entry of a directory, held by descriptors: whoever renames what is above
 * it, or plants a symbolic link there, does not lead us elsewhere.
 */
struct pinned {
	const char *path; /* absolute and real */
	const char *name; /* in the directory that it is in; "": it is "/" */
	int parent; /* -1: it is "/" */
	int fd; /* -1: it is not there, or no directory */
	struct statx in; /* of the directory that it is in */
	struct statx self; /* if it is there */
};

/**
 * Pin a directory.
 *
 * @param[in] may_be_missing  Then only the one that it is in must be there.
 * @return NULL after a complaint.
 */
struct pinned *pin_directory(TALLOC_CTX *mem_ctx,
			     const char *path,
			     bool may_be_missing);

/** Pin a symbolic link. NULL after a complaint. */
struct pinned *pin_link(TALLOC_CTX *mem_ctx, const char *path);

/** What is under a name in an open directory; false: errno says why. */
bool pin_look(int dir, const char *name, struct statx *st);

/** Are both the same file? */
bool pin_same(const struct statx *a, const struct statx *b);

/** Can the one be renamed to be in the place of the other? */
bool pin_one_mount(const struct statx *a, const struct statx *b);

/** Why a rename failed; ESTALE: it was not what we meant that it renamed. */
const char *pin_error(void);

/** May we change an open directory? Complains. */
bool pin_writable(int dir, const char *path);

/** Is it what it was when it was pinned? Complains. */
bool pin_is_still_there(const struct pinned *pinned);

/** All that was written to the file system of a directory is on disk. */
bool pin_sync(const struct pinned *pinned);

/** What was renamed in the directory that it is in is on disk. Complains. */
bool pin_sync_parent(const struct pinned *pinned);

#endif /* _DRAIN_TOOL_PUBLISH_PIN_H_ */
