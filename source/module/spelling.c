/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Other spellings of drained directories.
 *
 * A file system may find one directory by several names: in any Unicode normal
 * form, or in any case. The kernel then tells by which one it was looked up, and
 * that need not be the one of the record. Device and inode tell which directory
 * it is. They are compared only where a path leaves those of the records: most
 * often that is once for an open, in the root of the share.
 *
 * What is drained may be exchanged for something else at any time, which changes
 * the directory that it is in. So what was looked up there holds as long as that
 * directory has not changed.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

/* Two changes may have the same time, which some file systems keep in seconds */
#define SPELLING_SETTLED_SECONDS 2

static bool is_current(const struct drain_below *below,
		       const struct stat *dir)
{
	return below->settled && below->ino == dir->st_ino &&
	       below->dev == dir->st_dev &&
	       below->changed_sec == dir->st_ctim.tv_sec &&
	       below->changed_nsec == dir->st_ctim.tv_nsec;
}

/* @dir was looked at before the others, so that later changes are seen */
static void look_up(struct drain_below *below, const struct stat *dir)
{
	const time_t now = time(NULL);
	size_t i;

	below->other_ino = 0;
	below->dev = dir->st_dev;
	below->ino = dir->st_ino;
	below->changed_sec = dir->st_ctim.tv_sec;
	below->changed_nsec = dir->st_ctim.tv_nsec;
	below->settled = now - dir->st_ctim.tv_sec >= SPELLING_SETTLED_SECONDS;

	for (i = 0; i < below->num_spellings; i++) {
		struct drain_spelling *s = &below->spellings[i];
		struct stat st;

		s->ino = 0;
		if (lstat(s->path, &st) == 0) {
			s->dev = st.st_dev;
			s->ino = st.st_ino;
		} else if (errno != ENOENT) {
			below->settled = false;
		}
	}
}

const char *drain_spelling_find(struct drain_below *below,
				const char *dir,
				const char *path)
{
	struct stat above;
	struct stat st;
	size_t i;

	if (lstat(path, &st) != 0 || lstat(dir, &above) != 0) {
		return NULL;
	}
	if (!is_current(below, &above)) {
		look_up(below, &above);
	}
	if (below->other_ino == st.st_ino && below->other_dev == st.st_dev) {
		return NULL;
	}
	for (i = 0; i < below->num_spellings; i++) {
		const struct drain_spelling *s = &below->spellings[i];

		if (s->ino == st.st_ino && s->dev == st.st_dev) {
			return s->path;
		}
	}
	below->other_dev = st.st_dev;
	below->other_ino = st.st_ino;
	return NULL;
}
