/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Pages of a list: a number of entries a page, then the keys. Read page by page
 * it is what it is when sorted.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/page.h"

#define KEYS_MAX 256

/* Unique, in no order */
struct list {
	uint64_t keys[KEYS_MAX];
	size_t count;
};

static bool is_in(const struct list *list, uint64_t key)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		if (list->keys[i] == key) {
			return true;
		}
	}
	return false;
}

/* The smallest key above one; 0: there is none */
static uint64_t next_key(const struct list *list, uint64_t after)
{
	uint64_t next = 0;
	size_t i;

	for (i = 0; i < list->count; i++) {
		uint64_t key = list->keys[i];

		if (key > after && (next == 0 || key < next)) {
			next = key;
		}
	}
	return next;
}

static void offer_all(struct drain_page *page, const struct list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		bool wants = drain_page_wants(page, list->keys[i]);
		bool more = page->more;
		size_t count = page->count;

		drain_page_offer(page, list->keys[i], page);
		CHECK(wants || (page->count == count && page->more == more));
		CHECK(page->count <= page->max);
	}
	drain_page_sort(page);
}

/* The last key that is on it, or where it began */
static uint64_t check_page(const struct drain_page *page,
			   const struct list *list)
{
	uint64_t last = page->after;
	size_t i;

	for (i = 0; i < page->count; i++) {
		CHECK(page->entries[i].key == next_key(list, last));
		CHECK(page->entries[i].item == page);
		last = page->entries[i].key;
	}
	CHECK(page->more == (next_key(list, last) != 0));
	return last;
}

void fuzz_one(struct fuzz_input *input)
{
	struct list list = {.count = 0};
	size_t max = fuzz_number(input, 1);
	uint64_t after = fuzz_number(input, 1);
	struct drain_page *page = NULL;

	while (input->size > 0 && list.count < KEYS_MAX) {
		uint64_t key = fuzz_number(input, 2);

		/* Large ones too; 0 is before the first */
		key = (key % 2 == 0) ? key : UINT64_MAX - key / 2;
		if (key != 0 && !is_in(&list, key)) {
			list.keys[list.count++] = key;
		}
	}

	do {
		page = drain_page_new(input->mem_ctx, after, max);
		CHECK(page != NULL);
		offer_all(page, &list);
		after = check_page(page, &list);
	} while (page->more && max > 0);
}
