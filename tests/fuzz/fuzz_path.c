/*
 * drain: take users off a Samba share so that it can be updated
 *
 * How paths relate to each other: two lines are two paths.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/target.h"

/* Go from a directory where a clean relative path leads, by name */
static char *follow(TALLOC_CTX *mem_ctx, const char *dir, char *relative)
{
	char *path = talloc_strdup(mem_ctx, strcmp(dir, "/") == 0 ? "" : dir);
	char *save = NULL;
	char *name = strtok_r(relative, "/", &save);

	for (; name != NULL; name = strtok_r(NULL, "/", &save)) {
		if (strcmp(name, "..") == 0) {
			CHECK(strchr(path, '/') != NULL);
			*strrchr(path, '/') = '\0';
		} else if (strcmp(name, ".") != 0) {
			path = talloc_asprintf(mem_ctx, "%s/%s", path, name);
		}
	}
	return path[0] == '\0' ? talloc_strdup(mem_ctx, "/") : path;
}

static void check_join(TALLOC_CTX *mem_ctx, const char *a, const char *b)
{
	char *joined = drain_path_join(mem_ctx, a, b + 1);

	CHECK(drain_path_within(joined, a));
	CHECK(strcmp(b, "/") == 0 ? strcmp(joined, a) == 0
				  : !drain_path_within(a, joined));
}

void fuzz_one(struct fuzz_input *input)
{
	struct fuzz_input copy = *input;
	char *pattern = fuzz_line(&copy);
	const char *a = fuzz_path(input);
	const char *b = fuzz_path(input);
	bool within = drain_path_within(a, b);
	bool overlap = drain_path_overlap(a, b);

	CHECK(drain_path_within(a, a) && drain_path_within(a, "/"));
	CHECK(overlap == drain_path_overlap(b, a));
	CHECK(overlap == (within || drain_path_within(b, a)));
	if (within && drain_path_within(b, a)) {
		CHECK(strcmp(a, b) == 0);
	}
	check_join(input->mem_ctx, a, b);
	CHECK(strcmp(follow(input->mem_ctx, b,
			    drain_path_relative(input->mem_ctx, a, b)),
		     a) == 0);

	/* A '%' can only make it more */
	(void)drain_pattern_overlap(pattern, b);
	CHECK(strchr(a, '%') == NULL ? drain_pattern_overlap(a, b) == overlap
				     : !overlap || drain_pattern_overlap(a, b));
}
