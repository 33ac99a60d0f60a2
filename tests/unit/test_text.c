/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Text from strangers.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/text.h"

/*
 * UTF-8 by the syntax of RFC 3629, section 4
 */

struct range {
	uint8_t low;
	uint8_t high;
};

#define TAIL {0x80, 0xbf}

static const struct {
	size_t len;
	struct range bytes[4];
} syntax[] = {
	{1, {{0x00, 0x7f}}},
	{2, {{0xc2, 0xdf}, TAIL}},
	{3, {{0xe0, 0xe0}, {0xa0, 0xbf}, TAIL}},
	{3, {{0xe1, 0xec}, TAIL, TAIL}},
	{3, {{0xed, 0xed}, {0x80, 0x9f}, TAIL}},
	{3, {{0xee, 0xef}, TAIL, TAIL}},
	{4, {{0xf0, 0xf0}, {0x90, 0xbf}, TAIL, TAIL}},
	{4, {{0xf1, 0xf3}, TAIL, TAIL, TAIL}},
	{4, {{0xf4, 0xf4}, {0x80, 0x8f}, TAIL, TAIL}},
};

static size_t rfc3629_length(const char *s, size_t len)
{
	size_t i;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(syntax); i++) {
		for (n = 0; n < syntax[i].len && n < len; n++) {
			uint8_t byte = s[n];

			if (byte < syntax[i].bytes[n].low ||
			    byte > syntax[i].bytes[n].high) {
				break;
			}
		}
		if (n == syntax[i].len) {
			return n;
		}
	}
	return 0;
}

/* The bits of the table in section 3, also for what there must not be */
static size_t encode(uint32_t c, char *s)
{
	if (c < 0x80) {
		s[0] = c;
		return 1;
	}
	if (c < 0x800) {
		s[0] = 0xc0 | c >> 6;
		s[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	if (c < 0x10000) {
		s[0] = 0xe0 | c >> 12;
		s[1] = 0x80 | (c >> 6 & 0x3f);
		s[2] = 0x80 | (c & 0x3f);
		return 3;
	}
	s[0] = 0xf0 | c >> 18;
	s[1] = 0x80 | (c >> 12 & 0x3f);
	s[2] = 0x80 | (c >> 6 & 0x3f);
	s[3] = 0x80 | (c & 0x3f);
	return 4;
}

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

static bool is_utf8(const char *s)
{
	size_t len = strlen(s);

	while (len > 0) {
		size_t n = rfc3629_length(s, len);

		if (n == 0) {
			return false;
		}
		s += n;
		len -= n;
	}
	return true;
}

/*
 * One character
 */

static void test_next_each_character(void **state)
{
	uint32_t c;

	(void)state;
	for (c = 0; c < 0x200000; c++) {
		bool good = c <= 0x10ffff && !is_surrogate(c);
		uint32_t got = c + 1;
		char s[4];
		size_t n = encode(c, s);

		if (drain_utf8_next(s, n, &got) != (good ? n : 0)) {
			fail_msg("U+%04X is %swell-formed", c,
				 good ? "" : "not ");
		}
		if (good && got != c) {
			fail_msg("U+%04X is read as U+%04X", c, got);
		}
	}
}

static void check_next(const char *s, size_t len)
{
	uint32_t c = 0;
	size_t n = drain_utf8_next(s, len, &c);

	if (n != rfc3629_length(s, len)) {
		const uint8_t *u = (const uint8_t *)s;

		fail_msg("%02x %02x %02x %02x, %zu of them: length %zu",
			 u[0], u[1], u[2], u[3], len, n);
	}
}

/* Overlong forms, surrogates and stray bytes are all among them */
static void test_next_all_of_three_bytes(void **state)
{
	uint32_t v;

	(void)state;
	for (v = 0; v < 0x1000000; v++) {
		const char s[4] = {v >> 16, v >> 8, v};

		check_next(s, 3);
	}
}

/* The bytes on both sides of each border of the syntax */
static void test_next_borders_of_four_bytes(void **state)
{
	static const uint8_t border[] = {
		0x00, 0x2f, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
		0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
		0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5,
		0xf7, 0xf8, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
	};
	const size_t n = ARRAY_SIZE(border);
	size_t i;

	(void)state;
	for (i = 0; i < n * n * n * n; i++) {
		const char s[4] = {
			border[i % n],
			border[i / n % n],
			border[i / (n * n) % n],
			border[i / (n * n * n)],
		};
		size_t len;

		for (len = 0; len <= 4; len++) {
			check_next(s, len);
		}
	}
}

/* Not even looked at, what is behind the end */
static void test_next_stops_at_the_end(void **state)
{
	static const uint32_t characters[] = {0xe4, 0x20ac, 0x1f600};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(characters); i++) {
		char s[4];
		size_t n = encode(characters[i], s);
		size_t len;

		for (len = 1; len <= n; len++) {
			char *exact = malloc(len);
			uint32_t c = 0;

			memcpy(exact, s, len);
			assert_int_equal(drain_utf8_next(exact, len, &c),
					 (len == n) ? n : 0);
			assert_int_equal(drain_utf8_next(exact + len, 0, &c),
					 0);
			free(exact);
		}
	}
}

/*
 * For a terminal
 */

static void test_printable(void **state)
{
	static const struct {
		const char *text;
		const char *printable;
	} cases[] = {
		{"", ""},
		{"Setup.exe", "Setup.exe"},
		{"a b~!\"'%$", "a b~!\"'%$"},
		{"gr\xc3\xb6\xc3\x9f" "e", "gr\xc3\xb6\xc3\x9f" "e"},
		{"\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
		{"a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"},
		{"\x1b[2J\a\b", "\\x1b[2J\\x07\\x08"},
		{"DOMAIN\\user", "DOMAIN\\x5cuser"},
		{"\\x41", "\\x5cx41"},
		{"\x7f", "\\x7f"},
		/* C1: next line, control sequence introducer */
		{"\xc2\x85\xc2\x9b", "\\xc2\\x85\\xc2\\x9b"},
		{"\xc2\xa0", "\xc2\xa0"},
		/* line and paragraph separator */
		{"\xe2\x80\xa8\xe2\x80\xa9",
		 "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
		/* right to left override: looks like "gpj.exe" backwards */
		{"a\xe2\x80\xae" "exe.jpg", "a\\xe2\\x80\\xae" "exe.jpg"},
		/* not UTF-8: alone, cut off, overlong, surrogate, too high */
		{"\xff", "\\xff"},
		{"a\x9b" "b", "a\\x9b" "b"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xe2\x82z", "\\xe2\\x82z"},
		{"\xe2\xc3\xa4", "\\xe2\xc3\xa4"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
		{"\xc1\x9c", "\\xc1\\x9c"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = drain_text_printable(*state, cases[i].text);

		assert_string_equal(text, cases[i].printable);
		assert_ptr_equal(talloc_parent(text), *state);
	}
}

struct span {
	uint32_t first;
	uint32_t last;
};

static bool is_in(const struct span *spans, size_t num, uint32_t c)
{
	size_t i;

	for (i = 0; i < num; i++) {
		if (c >= spans[i].first && c <= spans[i].last) {
			return true;
		}
	}
	return false;
}

/*
 * Unicode: categories Cc, Zl and Zp, property Bidi_Control and the deprecated
 * marks after them; and what cannot be seen between two letters, with which
 * two names would look the same
 */
static bool must_not_be_printed(uint32_t c)
{
	static const struct span spans[] = {
		{'\\', '\\'},
		{0x0000, 0x001f},
		{0x007f, 0x009f},
		{0x061c, 0x061c},
		{0x200b, 0x200b},
		{0x200e, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x2060},
		{0x2066, 0x206f},
		{0xfeff, 0xfeff},
	};

	return is_in(spans, ARRAY_SIZE(spans), c);
}

/* Other marks that have no shape: either way */
static bool may_be_printed(uint32_t c)
{
	static const struct span spans[] = {
		{0x00ad, 0x00ad},
		{0x034f, 0x034f},
		{0x180e, 0x180e},
		{0x200c, 0x200d},
		{0x2061, 0x2065},
		{0xfff9, 0xfffb},
		{0xe0000, 0xe0fff},
	};

	return is_in(spans, ARRAY_SIZE(spans), c);
}

static void test_printable_each_character(void **state)
{
	uint32_t c;

	for (c = 1; c <= 0x10ffff; c++) {
		char s[8] = "a";
		size_t n = encode(c, s + 1);
		char *text = NULL;
		bool same;

		if (is_surrogate(c) || may_be_printed(c)) {
			continue;
		}
		strcpy(s + 1 + n, "z");
		text = drain_text_printable(*state, s);
		assert_non_null(text);
		same = strcmp(text, s) == 0;
		if (same == must_not_be_printed(c)) {
			fail_msg("U+%04X becomes '%s'", c, text);
		}
		talloc_free(text);
	}
}

/* Takes \xNN back, in place */
static void unescape(char *s)
{
	char *out = s;

	while (*s != '\0') {
		unsigned byte;

		if (*s != '\\') {
			*out++ = *s++;
			continue;
		}
		assert_int_equal(sscanf(s, "\\x%2x", &byte), 1);
		*out++ = byte;
		s += 4;
	}
	*out = '\0';
}

/* Safe, and nothing is lost: two names never look the same */
static void check_printable(TALLOC_CTX *mem_ctx, const char *s)
{
	char *text = drain_text_printable(mem_ctx, s);
	const char *p = text;
	size_t len;

	assert_non_null(text);
	assert_true(is_utf8(text));
	for (len = strlen(text); len > 0;) {
		uint32_t c = 0;
		size_t n = drain_utf8_next(p, len, &c);

		assert_true(n > 0);
		if (c != '\\' && must_not_be_printed(c)) {
			fail_msg("U+%04X is in '%s'", c, text);
		}
		p += n;
		len -= n;
	}
	unescape(text);
	assert_string_equal(text, s);
	talloc_free(text);
}

/*
 * For JSON
 */

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		const char *utf8;
	} cases[] = {
		{"", ""},
		{"Setup.exe\n\\\x7f", "Setup.exe\n\\\x7f"},
		{"gr\xc3\xb6\xc3\x9f" "e", "gr\xc3\xb6\xc3\x9f" "e"},
		{"\xe2\x80\xae", "\xe2\x80\xae"},
		{"\xff", "\xef\xbf\xbd"},
		{"a\xe4z", "a\xef\xbf\xbdz"},
		/* each byte for itself */
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe2\x82z", "\xef\xbf\xbd\xef\xbf\xbdz"},
		{"\xe2\xc3\xa4", "\xef\xbf\xbd\xc3\xa4"},
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = drain_text_utf8(*state, cases[i].text);

		assert_string_equal(text, cases[i].utf8);
		assert_ptr_equal(talloc_parent(text), *state);
	}
}

static void check_utf8(TALLOC_CTX *mem_ctx, const char *s)
{
	char *text = drain_text_utf8(mem_ctx, s);
	size_t len = strlen(s);
	const char *p = text;

	assert_non_null(text);
	while (len > 0) {
		size_t n = rfc3629_length(s, len);
		const char *expected = (n > 0) ? s : "\xef\xbf\xbd";
		size_t expected_len = (n > 0) ? n : 3;

		assert_int_equal(strncmp(p, expected, expected_len), 0);
		p += expected_len;
		s += (n > 0) ? n : 1;
		len -= (n > 0) ? n : 1;
	}
	assert_string_equal(p, "");
	assert_true(is_utf8(text));
	talloc_free(text);
}

/*
 * Both
 */

static void check_both(TALLOC_CTX *mem_ctx, const char *s)
{
	check_printable(mem_ctx, s);
	check_utf8(mem_ctx, s);
}

/* Alone, among others, and many of it: the output is longer than the input */
static void test_each_byte(void **state)
{
	int byte;

	for (byte = 1; byte < 256; byte++) {
		char s[1001] = {byte};

		check_both(*state, s);
		s[1] = 'z';
		check_both(*state, s);
		memset(s, byte, sizeof(s) - 1);
		check_both(*state, s);
	}
}

static void test_each_two_bytes(void **state)
{
	int v;

	for (v = 0; v < 0x10000; v++) {
		const char s[3] = {v >> 8, v & 0xff};

		check_both(*state, s);
	}
}

/* Pieces that are well-formed, that are not, and that become so together */
static void test_any(void **state)
{
	static const char *pieces[] = {
		"a", "z.exe", "\\", "\n", "\x7f", "\x80", "\xbf", "\xc0",
		"\xc3", "\xc3\xa4", "\xe2", "\xe2\x80", "\xe2\x80\xae",
		"\xe2\x82\xac", "\xed\xa0", "\xed\xa0\x80", "\xf0\x9f",
		"\xf0\x9f\x98\x80", "\xf4\x90", "\xff",
	};
	uint64_t seed = 5;
	size_t i;

	for (i = 0; i < 50000; i++) {
		size_t n = unit_below(&seed, 12);
		char s[64] = "";

		for (; n > 0; n--) {
			strcat(s, pieces[unit_below(&seed,
						    ARRAY_SIZE(pieces))]);
		}
		check_both(*state, s);
	}
}

static void assert_after(const char *data, size_t len, const char *rest)
{
	/* Not one byte more than that: valgrind and ASan look */
	uint8_t *copy = talloc_memdup(NULL, data, len);
	const char *after = NULL;

	assert_non_null(copy);
	after = drain_text_after(copy, len, "drain:");
	if (rest == NULL) {
		assert_null(after);
	} else {
		assert_non_null(after);
		assert_string_equal(after, rest);
	}
	talloc_free(copy);
}

static void test_after(void **state)
{
	(void)state;
	assert_after("drain:pkg", 10, "pkg");
	assert_after("drain:", 7, "");
	assert_after("drain:a\0b", 10, "a");
	assert_after("drain:pkg", 9, NULL);
	assert_after("drain:", 6, NULL);
	assert_after("drain", 6, NULL);
	assert_after("dra\0n:pkg", 10, NULL);
	assert_after("Drain:pkg", 10, NULL);
	assert_after("pkg", 4, NULL);
	assert_after("", 1, NULL);
	assert_null(drain_text_after(NULL, 0, "drain:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_next_each_character),
		talloc_test(test_next_all_of_three_bytes),
		talloc_test(test_next_borders_of_four_bytes),
		talloc_test(test_next_stops_at_the_end),
		talloc_test(test_printable),
		talloc_test(test_printable_each_character),
		talloc_test(test_utf8),
		talloc_test(test_each_byte),
		talloc_test(test_each_two_bytes),
		talloc_test(test_any),
		talloc_test(test_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
