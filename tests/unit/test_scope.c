/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Scopes, against a plain list of paths.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/scope.h"
#include "drain/target.h"

/*
 * The naive way: all that was added, in a list
 */

#define MAX_ADDED 40

struct list {
	size_t count;
	const char *path[MAX_ADDED];
	void *drain[MAX_ADDED];
};

/* Stand-ins: drains are only pointers here */
static char drains[8];

static struct drain_walk walk_to(const struct drain_scope *scope,
				 const char *path)
{
	struct drain_walk walk = drain_walk_start(scope);
	size_t len;

	while ((len = drain_scope_name(&path)) > 0) {
		drain_walk_step(&walk, path, len);
		path += len;
	}
	return walk;
}

/* The innermost drained directory that a path is or is in */
static const struct drain_root *find(const struct drain_scope *scope,
				     const char *path)
{
	return walk_to(scope, path).root;
}

static bool is_above(const struct drain_scope *scope, const char *path)
{
	struct drain_walk walk = walk_to(scope, path);

	return drain_walk_above(&walk);
}

static void add(struct drain_scope *scope,
		struct list *list,
		const char *path,
		void *drain)
{
	assert_true(list->count < MAX_ADDED);
	assert_true(drain_scope_add(scope, path, drain));
	list->path[list->count] = path;
	list->drain[list->count] = drain;
	list->count += 1;
}

/* The longest that @path is in, but shorter than @than; NULL: none */
static const char *innermost(const struct list *list,
			     const char *path,
			     size_t than)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < list->count; i++) {
		size_t len = strlen(list->path[i]);

		if (drain_path_within(path, list->path[i]) && len < than &&
		    (found == NULL || len > strlen(found))) {
			found = list->path[i];
		}
	}
	return found;
}

static size_t times_in_list(const struct list *list,
			    const char *path,
			    const void *drain)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < list->count; i++) {
		n += strcmp(list->path[i], path) == 0 &&
		     list->drain[i] == drain;
	}
	return n;
}

static size_t times_in_root(const struct drain_root *root, const void *drain)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < root->num_drains; i++) {
		n += root->drains[i] == drain;
	}
	return n;
}

/* Does @root have the drains of the path @at, no more and no less? */
static void check_root(const struct list *list,
		       const struct drain_root *root,
		       const char *at)
{
	size_t num = 0;
	size_t i;

	assert_true(root->num_drains > 0);
	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		size_t listed = times_in_list(list, at, &drains[i]);
		size_t found = times_in_root(root, &drains[i]);

		/* Whether twice the same is once or twice is not said */
		if (found > listed || (found == 0 && listed > 0)) {
			fail_msg("drain %zu is %zu times in the root %s", i,
				 found, at);
		}
		num += found;
	}
	assert_int_equal(num, root->num_drains);
}

static void check_find(const struct drain_scope *scope,
		       const struct list *list,
		       const char *path)
{
	const struct drain_root *root = find(scope, path);
	const char *at = innermost(list, path, SIZE_MAX);

	while (root != NULL && at != NULL) {
		check_root(list, root, at);
		assert_ptr_equal(find(scope, at), root);
		root = root->outer;
		/* "/" is as long as no other */
		at = innermost(list, path, strlen(at));
	}
	if (root != NULL || at != NULL) {
		fail_msg("%s is in %s roots than in the list", path,
			 (root != NULL) ? "more" : "fewer");
	}
}

static bool list_above(const struct list *list, const char *path)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (drain_path_within(list->path[i], path)) {
			return true;
		}
	}
	return false;
}

static void check_path(const struct drain_scope *scope,
		       const struct list *list,
		       const char *path)
{
	check_find(scope, list, path);
	if (is_above(scope, path) != list_above(list, path)) {
		fail_msg("%s is above: not %d", path, !list_above(list, path));
	}
}

/*
 * Tests
 */

static void test_empty(void **state)
{
	struct drain_scope *scope = drain_scope_new(*state);

	assert_non_null(scope);
	assert_ptr_equal(talloc_parent(scope), *state);
	assert_null(find(scope, "/"));
	assert_null(find(scope, "/srv/pkg"));
	assert_false(is_above(scope, "/"));
	assert_false(is_above(scope, "/srv"));
}

static void test_by_component(void **state)
{
	static const struct {
		const char *path;
		bool in;
		bool above;
	} cases[] = {
		{"/", false, true},
		{"/srv", false, true},
		{"/srv/pkg", false, true},
		{"/srv/pkg/off", true, true},
		{"/srv/pkg/off/x", true, false},
		{"/srv/pkg/off/x/y/z", true, false},
		{"/srv/pkg/office", false, false},
		{"/srv/pkg/office/x", false, false},
		{"/srv/pkg/of", false, false},
		{"/srv/pkg/Off", false, false},
		{"/srv/pkg/off.", false, false},
		{"/srv/pk", false, false},
		{"/pkg/off", false, false},
		{"/x/srv/pkg/off", false, false},
	};
	struct drain_scope *scope = drain_scope_new(*state);
	size_t i;

	assert_true(drain_scope_add(scope, "/srv/pkg/off", &drains[0]));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct drain_root *root = NULL;

		root = find(scope, cases[i].path);
		if ((root != NULL) != cases[i].in ||
		    is_above(scope, cases[i].path) !=
			    cases[i].above) {
			fail_msg("%s", cases[i].path);
		}
		if (root != NULL) {
			assert_null(root->outer);
			assert_int_equal(root->num_drains, 1);
			assert_ptr_equal(root->drains[0], &drains[0]);
		}
	}
}

/* Whatever the order in which they come, outer ones are linked */
static void test_nested_in_each_order(void **state)
{
	static const char *paths[] = {"/", "/a", "/a/b/c", "/a/b/c/d"};
	static const size_t orders[][4] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {0, 3, 1, 2}, {3, 0, 2, 1},
		{1, 3, 0, 2}, {2, 0, 3, 1}, {2, 3, 1, 0}, {1, 2, 3, 0},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		struct drain_scope *scope = drain_scope_new(*state);
		const struct drain_root *root = NULL;
		size_t j;

		for (j = 0; j < 4; j++) {
			size_t n = orders[i][j];

			assert_true(drain_scope_add(scope, paths[n],
						    &drains[n]));
		}
		root = find(scope, "/a/b/c/d/e");
		for (j = 4; j > 0; j--) {
			assert_non_null(root);
			assert_int_equal(root->num_drains, 1);
			assert_ptr_equal(root->drains[0], &drains[j - 1]);
			root = root->outer;
		}
		assert_null(root);
	}
}

/* One path, many drains; one drain, many paths */
static void test_many_to_many(void **state)
{
	struct drain_scope *scope = drain_scope_new(*state);
	struct list list = {.count = 0};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		add(scope, &list, "/srv/pkg", &drains[i]);
		add(scope, &list, "/export", &drains[i]);
	}
	add(scope, &list, "/srv", &drains[0]);
	assert_int_equal(find(scope, "/srv/pkg")->num_drains,
			 ARRAY_SIZE(drains));
	assert_int_equal(find(scope, "/srv")->num_drains, 1);

	check_path(scope, &list, "/srv/pkg/x");
	check_path(scope, &list, "/export/x");
	check_path(scope, &list, "/srv/x");
	check_path(scope, &list, "/");
}

/* Looked at after each one that is added, where it is and elsewhere */
static void grow_and_check(TALLOC_CTX *mem_ctx,
			   uint64_t *seed,
			   size_t num,
			   size_t depth)
{
	struct drain_scope *scope = drain_scope_new(mem_ctx);
	struct list list = {.count = 0};
	size_t i;
	size_t j;

	for (i = 0; i < num; i++) {
		char *path = unit_path(mem_ctx, seed, depth);

		/* "/" covers all: seldom */
		if (strcmp(path, "/") == 0 && unit_below(seed, 8) != 0) {
			path = unit_path(mem_ctx, seed, depth);
		}
		add(scope, &list, path,
		    &drains[unit_below(seed, ARRAY_SIZE(drains))]);

		check_path(scope, &list, path);
		for (j = 0; j < 10; j++) {
			check_path(scope, &list,
				   unit_path(mem_ctx, seed, depth + 2));
		}
	}
}

static void test_as_the_list(void **state)
{
	uint64_t seed = 8;
	size_t i;

	for (i = 0; i < 400; i++) {
		grow_and_check(*state, &seed, unit_below(&seed, MAX_ADDED + 1),
			       1 + i % 6);
		talloc_free_children(*state);
	}
}

/* One directory with many names, of all lengths, of all bytes */
static void test_wide(void **state)
{
	enum { NUM = 2000 };
	struct drain_scope *scope = drain_scope_new(*state);
	char **paths = talloc_array(*state, char *, NUM);
	bool *added = talloc_zero_array(*state, bool, NUM);
	uint64_t seed = 9;
	size_t i;

	for (i = 0; i < NUM; i++) {
		size_t len = 1 + unit_below(&seed, 3);

		/* Unlike each other by the number at the end */
		paths[i] = talloc_strdup(paths, "/srv/");
		for (; len > 0; len--) {
			int c = 1 + unit_below(&seed, 255);

			paths[i] = talloc_asprintf_append(
				paths[i], "%c", (c == '/') ? '_' : c);
		}
		paths[i] = talloc_asprintf_append(paths[i], "%zu", i);
	}
	for (i = 0; i < NUM; i += 2) {
		assert_true(drain_scope_add(scope, paths[i], &paths[i]));
		added[i] = true;
	}

	for (i = 0; i < NUM; i++) {
		const struct drain_root *root = NULL;

		root = find(scope, paths[i]);
		assert_int_equal(root != NULL, added[i]);
		assert_int_equal(is_above(scope, paths[i]), added[i]);
		if (root != NULL) {
			assert_int_equal(root->num_drains, 1);
			assert_ptr_equal(root->drains[0], &paths[i]);
		}
	}
}

/* What is spelled below the directory that @path leads to */
static struct drain_below *below(const struct drain_scope *scope,
				 const char *path)
{
	struct drain_walk walk = walk_to(scope, path);

	return drain_walk_below(&walk);
}

static void test_spellings(void **state)
{
	struct drain_scope *scope = drain_scope_new(*state);
	struct drain_below *b = NULL;

	assert_null(below(scope, "/"));
	assert_true(drain_scope_add(scope, "/srv/app", &drains[0]));
	assert_null(below(scope, "/srv"));
	assert_true(drain_scope_spell(scope, "/srv/app", "/SRV/App"));
	assert_true(drain_scope_spell(scope, "/srv/app", "/SRV/App"));
	assert_true(drain_scope_spell(scope, "/srv/app", "/Srv/APP"));
	assert_true(drain_scope_add(scope, "/srv/b", &drains[1]));
	assert_true(drain_scope_spell(scope, "/srv/b", "/SRV/B"));

	b = below(scope, "/");
	assert_int_equal(b->num_spellings, 2);
	assert_string_equal(b->spellings[0].path, "/SRV");
	assert_string_equal(b->spellings[1].path, "/Srv");
	b = below(scope, "/srv");
	assert_int_equal(b->num_spellings, 3);
	assert_string_equal(b->spellings[0].path, "/SRV/App");
	assert_string_equal(b->spellings[1].path, "/Srv/APP");
	assert_string_equal(b->spellings[2].path, "/SRV/B");
	assert_null(below(scope, "/srv/app"));
	assert_null(below(scope, "/elsewhere"));
}

/* The paths may go once they were added, and all goes with the tree */
static void test_owns_its_memory(void **state)
{
	struct drain_scope *scope = drain_scope_new(*state);
	char path[] = "/srv/pkg";

	assert_true(drain_scope_add(scope, path, &drains[0]));
	memset(path, 'x', sizeof(path) - 1);
	assert_non_null(find(scope, "/srv/pkg"));

	talloc_free(scope);
	assert_int_equal(talloc_total_blocks(*state), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_empty),
		talloc_test(test_by_component),
		talloc_test(test_nested_in_each_order),
		talloc_test(test_many_to_many),
		talloc_test(test_as_the_list),
		talloc_test(test_wide),
		talloc_test(test_spellings),
		talloc_test(test_owns_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
