// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Untrusted text.
 */

#include <stdio.h>
#include <string.h>

#include "drain/text.h"

static size_t sequence_length(uint8_t lead)
{
	if (lead < 0x80) {
		return 1;
	}
	if (lead >= 0xc2 && lead <= 0xdf) {
		return 2;
	}
	if (lead >= 0xe0 && lead <= 0xef) {
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		return 4;
	}
	return 0;
}

size_t drain_utf8_next(const char *s, size_t len, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *u = (const uint8_t *)s;
	size_t n = (len > 0) ? sequence_length(u[0]) : 0;
	uint32_t v;
	size_t i;

	if (n == 0 || n > len) {
		return 0;
	}
	if (n == 1) {
		*c = u[0];
		return 1;
	}

	v = u[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) {
			return 0;
		}
		v = (v << 6) | (u[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff)) {
		return 0;
	}
	*c = v;
	return n;
}

/* Not C0, DEL, C1, separators, or marks that change how a name reads */
static bool is_printable(uint32_t c)
{
	if (c < 0x20 || c == '\\' || (c >= 0x7f && c <= 0x9f)) {
		return false;
	}
	if (c == 0x061c || (c >= 0x200b && c <= 0x200f)) {
		return false;
	}
	if ((c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f)) {
		return false;
	}
	return c != 0xfeff;
}

char *drain_text_printable(TALLOC_CTX *mem_ctx, const char *s)
{
	size_t len = strlen(s);
	char *out = talloc_array(mem_ctx, char, len * 4 + 1);
	char *p = out;

	if (out == NULL) {
		return NULL;
	}

	while (len > 0) {
		uint32_t c = 0;
		size_t n = drain_utf8_next(s, len, &c);
		size_t step = (n == 0) ? 1 : n;
		size_t i;

		if (n != 0 && is_printable(c)) {
			memcpy(p, s, n);
			p += n;
		} else {
			for (i = 0; i < step; i++) {
				p += snprintf(p, 5, "\\x%02x", (uint8_t)s[i]);
			}
		}
		s += step;
		len -= step;
	}
	*p = '\0';
	return out;
}

char *drain_text_utf8(TALLOC_CTX *mem_ctx, const char *s)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t len = strlen(s);
	char *out = talloc_array(mem_ctx, char, len * 3 + 1);
	char *p = out;

	if (out == NULL) {
		return NULL;
	}

	while (len > 0) {
		uint32_t c = 0;
		size_t n = drain_utf8_next(s, len, &c);

		if (n != 0) {
			memcpy(p, s, n);
			p += n;
		} else {
			memcpy(p, replacement, sizeof(replacement) - 1);
			p += sizeof(replacement) - 1;
			n = 1;
		}
		s += n;
		len -= n;
	}
	*p = '\0';
	return out;
}

const char *drain_text_after(const uint8_t *data, size_t len, const char *word)
{
	const char *text = (const char *)data;
	size_t n = strlen(word);

	if (len == 0 || text[len - 1] != '\0' || strncmp(text, word, n) != 0) {
		return NULL;
	}
	return text + n;
}
