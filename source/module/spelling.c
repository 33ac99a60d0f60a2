// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Other spellings of drained directories.
 *
 * A file system may find one directory by several names: in any Unicode normal
 * form, or in any case. The kernel then reports the path as it was looked up,
 * and the record may have another spelling. Device and inode identify the
 * directory. They are compared only for the first component that the record
 * does not have: in most cases once for an open, in the root of the share.
 *
 * A drained directory may be exchanged for another at any time, which changes
 * its parent directory. So the results are valid until the parent changes.
 */

#include "module.h"
#include "drain/timeouts.h"
#include "spelling.h"

static bool is_current(const struct drain_below *below,
		       const struct stat *dir)
{
	return below->settled && below->ino == dir->st_ino &&
	       below->dev == dir->st_dev &&
	       below->changed_sec == dir->st_ctim.tv_sec &&
	       below->changed_nsec == dir->st_ctim.tv_nsec;
}

/* @dir was read before, so a later change invalidates the result */
static void look_up(struct drain_below *below, const struct stat *dir)
{
	const time_t now = time(NULL);
	size_t i;

	below->other_ino = 0;
	below->dev = dir->st_dev;
	below->ino = dir->st_ino;
	below->changed_sec = dir->st_ctim.tv_sec;
	below->changed_nsec = dir->st_ctim.tv_nsec;
	below->settled = now - dir->st_ctim.tv_sec >= DRAIN_CTIME_SECONDS;

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
