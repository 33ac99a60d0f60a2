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

#include "drain/samba_compat.h"
#include "drain/fold.h"

/* Not ASCII: as strcasecmp_m() does (lib/util/charset/util_str.c) */
static ssize_t fold_codepoint(const char **src, char *dst, size_t room)
{
	size_t len = 0;
	codepoint_t c = next_codepoint(*src, &len);
	ssize_t n;

	if (c == INVALID_CODEPOINT) {
		if (room == 0) {
			return -1;
		}
		*dst = *(*src)++;
		return 1;
	}
	if (room < 5) {
		return -1;
	}
	n = push_codepoint(dst, toupper_m(c));
	*src += len;
	return n;
}

ssize_t drain_fold_part(const char *path, size_t len, char *folded)
{
	const char *end = path + len;
	size_t used = 0;

	while (path < end) {
		unsigned char c = *path;
		ssize_t n;

		if (used + 1 >= DRAIN_FOLDED_MAX) {
			return -1;
		}
		if (c < 0x80) {
			folded[used++] = (c >= 'a' && c <= 'z') ? c - 32 : c;
			path += 1;
			continue;
		}
		n = fold_codepoint(&path, folded + used,
				   DRAIN_FOLDED_MAX - 1 - used);
		if (n <= 0) {
			return -1;
		}
		used += n;
	}
	folded[used] = '\0';
	return used;
}

ssize_t drain_fold(const char *path, char *folded)
{
	return drain_fold_part(path, strlen(path), folded);
}
