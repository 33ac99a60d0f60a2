// SPDX-License-Identifier: GPL-3.0-or-later
/* Fold names the way a share that ignores case compares them. */

#include "drain/samba_compat.h"
#include "drain/fold.h"

/*
 * Fold one character as strcasecmp_m() does (lib/util/charset/util_str.c).
 * After the first byte that is not a valid character, the rest of the name is
 * compared as bytes.
 */
static ssize_t fold_character(const char **src,
			      char *dst,
			      size_t room,
			      bool *only_bytes)
{
	codepoint_t c = INVALID_CODEPOINT;
	size_t len = 0;
	ssize_t n;

	if (!*only_bytes) {
		c = next_codepoint(*src, &len);
	}
	if (c == INVALID_CODEPOINT) {
		*only_bytes = true;
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

/*
 * Fold the leading ASCII characters, which most names consist of. Return their
 * number.
 */
static size_t fold_ascii(const char *src, size_t len, char *dst)
{
	size_t i;

	for (i = 0; i < len; i++) {
		const unsigned char c = src[i];

		if (c >= 0x80) {
			break;
		}
		dst[i] = (c >= 'a' && c <= 'z') ? c - 32 : c;
	}
	return i;
}

ssize_t drain_fold_part(const char *path, size_t len, char *folded)
{
	const char *end = path + len;
	bool only_bytes = false;
	size_t used = fold_ascii(path, MIN(len, DRAIN_FOLDED_MAX - 1), folded);

	path += used;
	while (path < end) {
		unsigned char c = *path;
		ssize_t n;

		if (used + 1 >= DRAIN_FOLDED_MAX) {
			return -1;
		}
		if (c < 0x80) {
			folded[used++] = (c >= 'a' && c <= 'z') ? c - 32 : c;
			only_bytes = only_bytes && c != '/';
			path += 1;
			continue;
		}
		n = fold_character(&path, folded + used,
				   DRAIN_FOLDED_MAX - 1 - used, &only_bytes);
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
