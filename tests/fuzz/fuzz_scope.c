/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Scopes: each line is a path, with a '+' before those that are drained. All
 * are found where a list would find them.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/scope.h"
#include "drain/target.h"

#define PATHS_MAX 32

struct list {
	size_t count;
	const char *path[PATHS_MAX];
};

static struct drain_walk walk(const struct drain_scope *scope,
			      const char *path)
{
	struct drain_walk w = drain_walk_start(scope);
	size_t len;

	while ((len = drain_scope_name(&path)) > 0) {
		drain_walk_step(&w, path, len);
		path += len;
	}
	return w;
}

/* Each drain is the path in the list; from the innermost outwards */
static size_t check_roots(const struct drain_root *root, const char *path)
{
	size_t count = 0;
	size_t len = SIZE_MAX;

	for (; root != NULL; root = root->outer) {
		size_t i;

		CHECK(root->num_drains > 0);
		for (i = 0; i < root->num_drains; i++) {
			const char *drained = root->drains[i];

			CHECK(drain_path_within(path, drained));
			CHECK(strlen(drained) < len);
		}
		len = strlen(root->drains[0]);
		count += root->num_drains;
	}
	return count;
}

static void check_path(const struct drain_scope *scope,
		       const struct list *list,
		       const char *path)
{
	const struct drain_walk w = walk(scope, path);
	size_t within = 0;
	bool above = false;
	size_t i;

	for (i = 0; i < list->count; i++) {
		within += drain_path_within(path, list->path[i]);
		above |= drain_path_within(list->path[i], path);
	}
	CHECK(check_roots(w.root, path) == within);
	CHECK(drain_walk_above(&w) == above);
}

void fuzz_one(struct fuzz_input *input)
{
	struct drain_scope *scope = drain_scope_new(input->mem_ctx);
	struct list drained = {.count = 0};
	struct list all = {.count = 0};
	size_t i;

	while (input->size > 0 && all.count < PATHS_MAX) {
		bool adds = input->data[0] == '+';
		char *path = NULL;

		if (adds) {
			(void)fuzz_number(input, 1);
		}
		path = fuzz_path(input);
		if (adds) {
			CHECK(drain_scope_add(scope, path, path));
			drained.path[drained.count++] = path;
		}
		all.path[all.count++] = path;
		for (i = 0; i < all.count; i++) {
			check_path(scope, &drained, all.path[i]);
		}
	}
}
