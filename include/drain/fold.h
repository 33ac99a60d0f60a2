/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Folding: names as a share that ignores case compares them.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_FOLD_H_
#define _DRAIN_FOLD_H_

#include <stdbool.h>
#include <stddef.h>

/* Room for any path that smbd handles, folded */
#define DRAIN_FOLDED_MAX 8192

/**
 * Fold @path so that two names are equal afterwards if, and only if,
 * strcasecmp_m() of Samba takes them for equal.
 *
 * @param[out] folded  Of DRAIN_FOLDED_MAX bytes.
 * @return The length of the result, or -1 when it is too long.
 */
ssize_t drain_fold(const char *path, char *folded);

/** The same for some bytes of a path, e.g. one component. */
ssize_t drain_fold_part(const char *path, size_t len, char *folded);

#endif /* _DRAIN_FOLD_H_ */
