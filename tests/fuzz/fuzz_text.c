/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Text from strangers: names on their way out, and the words of smbcontrol.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/text.h"

static bool is_utf8(const char *s)
{
	size_t len = strlen(s);

	while (len > 0) {
		uint32_t c;
		size_t n = drain_utf8_next(s, len, &c);

		if (n == 0) {
			return false;
		}
		CHECK(n <= 4 && n <= len && c <= 0x10ffff);
		s += n;
		len -= n;
	}
	return true;
}

/* No control character gets through, and nothing that is lost */
static void check_printable(TALLOC_CTX *mem_ctx, const char *text)
{
	const char *out = drain_text_printable(mem_ctx, text);

	CHECK(is_utf8(out));
	for (; *out != '\0'; text++) {
		unsigned int byte = (uint8_t)*out;
		int n = 1;

		CHECK(byte >= 0x20 && byte != 0x7f);
		if (*out == '\\') {
			CHECK(sscanf(out, "\\x%2x%n", &byte, &n) == 1);
			CHECK(n == 4);
		}
		CHECK(byte == (uint8_t)*text);
		out += n;
	}
	CHECK(*text == '\0');
}

static void check_utf8(TALLOC_CTX *mem_ctx, const char *text)
{
	const char *out = drain_text_utf8(mem_ctx, text);

	CHECK(is_utf8(out));
	CHECK(strcmp(drain_text_utf8(mem_ctx, out), out) == 0);
	CHECK(is_utf8(text) == (strcmp(text, out) == 0));
}

/* Of a message: it may have no end, and ends within */
static void check_words(const struct fuzz_input *input)
{
	static const char *words[] = {"drain:", "resume:"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const size_t n = strlen(words[i]);
		const char *rest = drain_text_after(input->data, input->size,
						    words[i]);

		if (rest == NULL) {
			continue;
		}
		CHECK(rest == (const char *)input->data + n);
		CHECK(memcmp(input->data, words[i], n) == 0);
		CHECK(n + strlen(rest) < input->size);
	}
}

void fuzz_one(struct fuzz_input *input)
{
	const char *text = NULL;

	check_words(input);
	text = fuzz_text(input);
	check_printable(input->mem_ctx, text);
	check_utf8(input->mem_ctx, text);
}
