/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Pages of a list, against sorting it.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/page.h"

#define MAX_KEYS 200

/* A list of keys that lives: some go, some come, the order is never the same */
struct list {
	size_t count;
	uint64_t keys[MAX_KEYS];
};

static bool is_in_list(const struct list *list, uint64_t key)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (list->keys[i] == key) {
			return true;
		}
	}
	return false;
}

/* Near each other, or far apart, or as large as can be */
static uint64_t random_key(uint64_t *seed)
{
	switch (unit_below(seed, 4)) {
	case 0:
		return unit_random(seed);
	case 1:
		return UINT64_MAX - unit_below(seed, 20);
	default:
		return 1 + unit_below(seed, 500);
	}
}

static void list_add(struct list *list, uint64_t *seed)
{
	uint64_t key = random_key(seed);

	if (list->count < MAX_KEYS && !is_in_list(list, key)) {
		list->keys[list->count] = key;
		list->count += 1;
	}
}

static void list_remove(struct list *list, uint64_t *seed)
{
	if (list->count > 0) {
		list->count -= 1;
		list->keys[unit_below(seed, list->count + 1)] =
			list->keys[list->count];
	}
}

static void list_shuffle(struct list *list, uint64_t *seed)
{
	size_t i;

	for (i = list->count; i > 1; i--) {
		size_t j = unit_below(seed, i);
		uint64_t tmp = list->keys[j];

		list->keys[j] = list->keys[i - 1];
		list->keys[i - 1] = tmp;
	}
}

static int compare_keys(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static struct list sorted(const struct list *list)
{
	struct list copy = *list;

	qsort(copy.keys, copy.count, sizeof(copy.keys[0]), compare_keys);
	return copy;
}

/* The item of a key: something that can be told from those of others */
static void *item_of(uint64_t key)
{
	return (void *)(uintptr_t)(key * 3);
}

static struct drain_page *read_page(TALLOC_CTX *mem_ctx,
				    const struct list *list,
				    uint64_t after,
				    size_t max)
{
	struct drain_page *page = drain_page_new(mem_ctx, after, max);
	size_t i;

	assert_non_null(page);
	for (i = 0; i < list->count; i++) {
		drain_page_offer(page, list->keys[i], item_of(list->keys[i]));
	}
	drain_page_sort(page);
	return page;
}

/* Is it what sorting the whole list gives? */
static void check_page(const struct drain_page *page, const struct list *list)
{
	struct list all = sorted(list);
	size_t skip = 0;
	size_t rest;
	size_t expected;
	size_t i;

	while (skip < all.count && all.keys[skip] <= page->after) {
		skip += 1;
	}
	rest = all.count - skip;
	expected = (rest < page->max) ? rest : page->max;

	assert_int_equal(page->count, expected);
	assert_int_equal(page->more, rest > expected);
	for (i = 0; i < page->count; i++) {
		uint64_t key = page->entries[i].key;

		assert_true(key == all.keys[skip + i]);
		assert_ptr_equal(page->entries[i].item, item_of(key));
	}
}

/*
 * One page
 */

static void test_new(void **state)
{
	struct drain_page *page = drain_page_new(*state, 5, 3);

	assert_non_null(page);
	assert_ptr_equal(talloc_parent(page), *state);
	assert_int_equal(page->after, 5);
	assert_int_equal(page->max, 3);
	assert_int_equal(page->count, 0);
	assert_false(page->more);

	drain_page_sort(page);
	assert_int_equal(page->count, 0);
	assert_false(page->more);

	talloc_free(page);
	assert_int_equal(talloc_total_blocks(*state), 1);
}

static void test_only_above(void **state)
{
	struct drain_page *page = drain_page_new(*state, 10, 2);

	/* What was seen before is neither kept nor left out */
	drain_page_offer(page, 0, NULL);
	drain_page_offer(page, 9, NULL);
	drain_page_offer(page, 10, NULL);
	assert_int_equal(page->count, 0);
	assert_false(page->more);

	drain_page_offer(page, 12, item_of(12));
	drain_page_offer(page, 11, item_of(11));
	drain_page_offer(page, 10, NULL);
	drain_page_sort(page);
	assert_int_equal(page->count, 2);
	assert_int_equal(page->entries[0].key, 11);
	assert_ptr_equal(page->entries[0].item, item_of(11));
	assert_int_equal(page->entries[1].key, 12);
	assert_ptr_equal(page->entries[1].item, item_of(12));
	assert_false(page->more);
}

/* Too large for the page, or small enough to push another one out */
static void test_more(void **state)
{
	static const uint64_t next[] = {30, 5};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(next); i++) {
		struct drain_page *page = drain_page_new(*state, 0, 2);

		drain_page_offer(page, 10, NULL);
		drain_page_offer(page, 20, NULL);
		assert_false(page->more);
		drain_page_offer(page, next[i], NULL);
		assert_true(page->more);
		assert_int_equal(page->count, 2);
	}
}

static void test_the_ends(void **state)
{
	struct list list = {
		.count = 4,
		.keys = {UINT64_MAX, 0, 1, UINT64_MAX - 1},
	};
	struct drain_page *page = NULL;
	static const uint64_t after[] = {
		0, 1, UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX,
	};
	size_t i;
	size_t max;

	for (i = 0; i < ARRAY_SIZE(after); i++) {
		for (max = 0; max <= 5; max++) {
			page = read_page(*state, &list, after[i], max);
			check_page(page, &list);
		}
	}
}

/* Every order of seven keys, every page length */
static void each_order(TALLOC_CTX *mem_ctx, struct list *list, size_t fixed)
{
	size_t i;

	if (fixed == list->count) {
		size_t max;

		for (max = 0; max <= list->count + 1; max++) {
			check_page(read_page(mem_ctx, list, 1, max), list);
		}
		talloc_free_children(mem_ctx);
		return;
	}
	for (i = fixed; i < list->count; i++) {
		struct list next = *list;

		next.keys[fixed] = list->keys[i];
		next.keys[i] = list->keys[fixed];
		each_order(mem_ctx, &next, fixed + 1);
	}
}

static void test_each_order(void **state)
{
	struct list list = {.count = 7, .keys = {1, 2, 3, 5, 8, 13, 21}};

	each_order(*state, &list, 0);
}

static void test_any_page(void **state)
{
	uint64_t seed = 10;
	size_t i;

	for (i = 0; i < 5000; i++) {
		struct list list = {.count = 0};
		size_t num = unit_below(&seed, MAX_KEYS);

		for (; num > 0; num--) {
			list_add(&list, &seed);
		}
		check_page(read_page(*state, &list,
				     unit_below(&seed, 4) == 0
					     ? random_key(&seed)
					     : 0,
				     unit_below(&seed, MAX_KEYS / 2)),
			   &list);
		talloc_free_children(*state);
	}
}

/*
 * Page after page
 */

/* What happens to the list between two pages */
static void change(struct list *list, uint64_t *seed)
{
	size_t n;

	for (n = unit_below(seed, 6); n > 0; n--) {
		list_add(list, seed);
	}
	for (n = unit_below(seed, 6); n > 0; n--) {
		list_remove(list, seed);
	}
	list_shuffle(list, seed);
}

/* Only those of @stayed that are still in @list */
static void keep_common(struct list *stayed, const struct list *list)
{
	size_t i = 0;

	while (i < stayed->count) {
		if (is_in_list(list, stayed->keys[i])) {
			i += 1;
		} else {
			stayed->count -= 1;
			stayed->keys[i] = stayed->keys[stayed->count];
		}
	}
}

/* Who stays is seen; nobody is seen twice, nor out of order, nor late */
static void read_all(TALLOC_CTX *mem_ctx, uint64_t *seed, bool changes)
{
	struct list list = {.count = 0};
	struct list stayed;
	struct list seen = {.count = 0};
	struct drain_page *page = NULL;
	uint64_t after = 0;
	size_t max = 1 + unit_below(seed, 20);
	size_t i;

	for (i = unit_below(seed, MAX_KEYS / 2); i > 0; i--) {
		list_add(&list, seed);
	}
	stayed = list;

	do {
		page = read_page(mem_ctx, &list, after, max);
		check_page(page, &list);
		for (i = 0; i < page->count; i++) {
			assert_true(page->entries[i].key > after);
			after = page->entries[i].key;
			if (is_in_list(&stayed, after)) {
				seen.keys[seen.count] = after;
				seen.count += 1;
			}
		}
		if (page->more && changes) {
			change(&list, seed);
			keep_common(&stayed, &list);
		}
	} while (page->more);

	for (i = 0; i < stayed.count; i++) {
		assert_true(is_in_list(&seen, stayed.keys[i]));
	}
	if (!changes) {
		assert_int_equal(seen.count, list.count);
	}
}

static void test_page_by_page(void **state)
{
	uint64_t seed = 11;
	size_t i;

	for (i = 0; i < 1000; i++) {
		read_all(*state, &seed, false);
		talloc_free_children(*state);
	}
}

static void test_page_by_page_with_changes(void **state)
{
	uint64_t seed = 12;
	size_t i;

	for (i = 0; i < 3000; i++) {
		read_all(*state, &seed, true);
		talloc_free_children(*state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_new),
		talloc_test(test_only_above),
		talloc_test(test_more),
		talloc_test(test_the_ends),
		talloc_test(test_each_order),
		talloc_test(test_any_page),
		talloc_test(test_page_by_page),
		talloc_test(test_page_by_page_with_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
