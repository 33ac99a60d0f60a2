/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Folding: two lines are equal when folded if they are to Samba, and only then;
 * a path is folded as its names are.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "drain/samba_compat.h"
#include "drain/fold.h"
#include "fuzz.h"

/* -1: too long */
static ssize_t fold(TALLOC_CTX *mem_ctx, const char *text, char **folded)
{
	char *again = talloc_array(mem_ctx, char, DRAIN_FOLDED_MAX);
	ssize_t len;

	*folded = talloc_array(mem_ctx, char, DRAIN_FOLDED_MAX);
	len = drain_fold(text, *folded);
	if (len >= 0) {
		CHECK(len < DRAIN_FOLDED_MAX);
		CHECK(strlen(*folded) == (size_t)len);
		CHECK(drain_fold(*folded, again) == len);
		CHECK(strcmp(*folded, again) == 0);
	}
	return len;
}

static void check_names(const char *path, const char *folded)
{
	char name[DRAIN_FOLDED_MAX];

	for (;;) {
		size_t len = strcspn(path, "/");
		ssize_t n = drain_fold_part(path, len, name);

		CHECK(n >= 0 && (size_t)n == strcspn(folded, "/"));
		CHECK(memcmp(name, folded, n) == 0);
		path += len;
		folded += n;
		if (*path == '\0') {
			break;
		}
		path += 1;
		folded += 1;
	}
	CHECK(*folded == '\0');
}

/* Samba compares names, not paths */
static void check_equal(const char *a, const char *b, bool same)
{
	if (strchr(a, '/') == NULL && strchr(b, '/') == NULL) {
		CHECK(same == (strcasecmp_m(a, b) == 0));
	}
}

void fuzz_one(struct fuzz_input *input)
{
	TALLOC_CTX *frame = talloc_stackframe();
	char *a = fuzz_line(input);
	char *b = fuzz_line(input);
	char *folded_a = NULL;
	char *folded_b = NULL;

	if (fold(frame, a, &folded_a) >= 0 && fold(frame, b, &folded_b) >= 0) {
		check_names(a, folded_a);
		check_equal(a, b, strcmp(folded_a, folded_b) == 0);
		check_equal(a, folded_a, true);
	}
	TALLOC_FREE(frame);
}
