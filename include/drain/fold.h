// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Case folding: the names that a share with "case sensitive = no" compares.
 */

#ifndef _DRAIN_FOLD_H_
#define _DRAIN_FOLD_H_

#include <stdbool.h>
#include <stddef.h>

/* Room for any path that smbd handles, folded */
#define DRAIN_FOLDED_MAX 8192

/**
 * Fold @path. Two folded names are equal if and only if strcasecmp_m() of
 * Samba says that the names are equal.
 *
 * @param[out] folded  Of DRAIN_FOLDED_MAX bytes.
 * @return The length of the result, or -1 if it is too long.
 */
ssize_t drain_fold(const char *path, char *folded);

/** Fold some bytes of a path, for instance one component. */
ssize_t drain_fold_part(const char *path, size_t len, char *folded);

#endif /* _DRAIN_FOLD_H_ */
