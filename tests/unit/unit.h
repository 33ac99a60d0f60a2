/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What all unit tests need: cmocka, a talloc context for each test, and numbers
 * that look random but are the same in each run.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_TESTS_UNIT_H_
#define _DRAIN_TESTS_UNIT_H_

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <talloc.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A test whose *state is a talloc context of its own, freed afterwards */
#define talloc_test(f) cmocka_unit_test_setup_teardown(f, unit_setup, unit_end)

static inline int unit_setup(void **state)
{
	*state = talloc_new(NULL);
	return (*state != NULL) ? 0 : -1;
}

static inline int unit_end(void **state)
{
	return talloc_free(*state);
}

/* splitmix64 */
static inline uint64_t unit_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 to @n - 1 */
static inline size_t unit_below(uint64_t *seed, size_t n)
{
	return unit_random(seed) % n;
}

/*
 * A clean absolute path of up to @depth components. The names are few and alike
 * so that paths meet often; one is the beginning of another, or longer but
 * smaller, or not ASCII.
 */
static inline char *unit_path(TALLOC_CTX *mem_ctx,
			      uint64_t *seed,
			      size_t depth)
{
	static const char *names[] = {
		"a", "b", "ab", "abc", "b.", "A", "\xc3\xa4",
	};
	char *path = talloc_strdup(mem_ctx, "");
	size_t n = unit_below(seed, depth + 1);

	if (n == 0) {
		path = talloc_strdup_append(path, "/");
	}
	for (; n > 0; n--) {
		size_t i = unit_below(seed, ARRAY_SIZE(names));

		path = talloc_asprintf_append(path, "/%s", names[i]);
	}
	assert_non_null(path);
	return path;
}

#endif /* _DRAIN_TESTS_UNIT_H_ */
