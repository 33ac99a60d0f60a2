/*
 * drain: take users off a Samba share so that it can be updated
 *
 * No memory: it is said, and nothing half done is taken for the whole.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/options.h"
#include "drain/page.h"
#include "drain/plan.h"
#include "drain/scope.h"
#include "drain/target.h"
#include "drain/text.h"

/* Samba does not use that any more: it is fine for tests */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define ENOUGH 65536
#define STEP 8

/*
 * Is given more and more memory: fails until it is enough, and from then on
 * never again.
 */
static void with_little_memory(bool (*work)(TALLOC_CTX *mem_ctx))
{
	bool had_enough = false;
	size_t limit;

	for (limit = STEP; limit <= ENOUGH; limit += STEP) {
		TALLOC_CTX *mem_ctx = talloc_new(NULL);
		bool done;

		assert_int_equal(talloc_set_memlimit(mem_ctx, limit), 0);
		done = work(mem_ctx);
		assert_true(done || !had_enough);
		assert_true(!done || limit > STEP);
		had_enough = done;
		talloc_free(mem_ctx);
	}
	assert_true(had_enough);
}

static bool make_scope(TALLOC_CTX *mem_ctx)
{
	static const char *paths[] = {"/a", "/a/b/c", "/a/b", "/", "/a"};
	struct drain_scope *scope = drain_scope_new(mem_ctx);
	int drain;
	size_t i;

	if (scope == NULL) {
		return false;
	}
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		if (!drain_scope_add(scope, paths[i], &drain)) {
			return false;
		}
	}
	return true;
}

static void test_scope(void **state __attribute__((unused)))
{
	with_little_memory(make_scope);
}

static bool make_page(TALLOC_CTX *mem_ctx)
{
	return drain_page_new(mem_ctx, 0, 100) != NULL;
}

static void test_page(void **state __attribute__((unused)))
{
	with_little_memory(make_page);
}

static bool make_plan(TALLOC_CTX *mem_ctx)
{
	struct drain_plan *plan = drain_plan_new(mem_ctx);
	size_t i;

	if (plan == NULL) {
		return false;
	}
	for (i = 0; i < 100; i++) {
		if (!drain_plan_add(plan, "name", 1, 2)) {
			assert_int_equal(plan->num_entries, i);
			return false;
		}
	}
	return true;
}

static void test_plan(void **state __attribute__((unused)))
{
	with_little_memory(make_plan);
}

/* What is said of the value, if it is said, is not that it was taken */
static bool set_option(TALLOC_CTX *mem_ctx)
{
	struct drain_options options = drain_options_default;

	drain_options_set(mem_ctx, &options, "exempt users", "anna");
	return strcmp(options.policy.exempt_users, "anna") == 0;
}

static void test_options(void **state __attribute__((unused)))
{
	with_little_memory(set_option);
}

static bool parse_target(TALLOC_CTX *mem_ctx)
{
	struct drain_target target;
	const char *why = drain_target_parse(mem_ctx, "pkg/app", &target);

	if (why != NULL) {
		assert_string_equal(why, "out of memory");
		return false;
	}
	return true;
}

static void test_target(void **state __attribute__((unused)))
{
	with_little_memory(parse_target);
}

static bool is_text(const char *text, const char *expected)
{
	if (text != NULL) {
		assert_string_equal(text, expected);
	}
	return text != NULL;
}

static bool go_up_and_down(TALLOC_CTX *mem_ctx)
{
	return is_text(drain_path_relative(mem_ctx, "/a/b/c", "/a/x/y/z"),
		       "../../../b/c");
}

static bool go_nowhere(TALLOC_CTX *mem_ctx)
{
	return is_text(drain_path_relative(mem_ctx, "/a", "/a"), ".");
}

static void test_relative_paths(void **state __attribute__((unused)))
{
	with_little_memory(go_up_and_down);
	with_little_memory(go_nowhere);
}

static bool print_text(TALLOC_CTX *mem_ctx)
{
	return is_text(drain_text_printable(mem_ctx, "a\n"), "a\\x0a") &&
	       is_text(drain_text_utf8(mem_ctx, "a"), "a");
}

static void test_text(void **state __attribute__((unused)))
{
	with_little_memory(print_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_relative_paths),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
