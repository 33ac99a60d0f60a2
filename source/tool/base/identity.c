// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Compare paths by device and inode.
 *
 * A file system may find one directory by several names, in any Unicode normal
 * form or in any case, and realpath(3) keeps the name that it was given. Links
 * give a directory more names.
 */

#include "base/identity.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Compare again below @dir: another file system can be mounted there. */
static bool rest_is_same(const char *dir, const char *path, const char *rest)
{
	char *joined = NULL;
	struct stat a;
	struct stat b;
	bool same;

	if (*rest == '\0' || stat(path, &a) != 0) {
		return true;
	}
	joined = talloc_asprintf(talloc_tos(), "%s%s", dir, rest);
	same = joined == NULL || (stat(joined, &b) == 0 && same_file(&a, &b));
	TALLOC_FREE(joined);
	return same;
}

bool identity_within(const char *path, const char *dir)
{
	char *above = NULL;
	char *end = NULL;
	struct stat wanted;
	struct stat st;
	bool found = false;

	if (stat(dir, &wanted) != 0) {
		return false;
	}
	above = talloc_strdup(talloc_tos(), path);
	if (above == NULL) {
		return true; /* assume the worst */
	}
	for (end = above + strlen(above); !found && end != NULL && end != above;
	     end = strrchr(above, '/')) {
		*end = '\0';
		found = stat(above, &st) == 0 && same_file(&st, &wanted) &&
			rest_is_same(dir, path, path + (end - above));
	}
	TALLOC_FREE(above);
	return found;
}

bool identity_overlap(const char *a, const char *b)
{
	return identity_within(a, b) || identity_within(b, a);
}
