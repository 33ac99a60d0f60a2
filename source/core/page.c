// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Pages of a long list. Each is a heap of the smallest keys, the largest on
 * top.
 */

#include <stdlib.h>

#include "drain/page.h"

struct drain_page *drain_page_new(TALLOC_CTX *mem_ctx,
				  uint64_t after,
				  size_t max)
{
	struct drain_page *page = talloc_zero(mem_ctx, struct drain_page);

	if (page == NULL) {
		return NULL;
	}
	page->after = after;
	page->max = max;
	page->entries = talloc_array(page, struct drain_page_entry, max);
	if (page->entries == NULL) {
		talloc_free(page);
		return NULL;
	}
	return page;
}

static void swap_entries(struct drain_page_entry *a, struct drain_page_entry *b)
{
	struct drain_page_entry tmp = *a;

	*a = *b;
	*b = tmp;
}

static void sift_up(struct drain_page_entry *e, size_t i)
{
	while (i > 0 && e[(i - 1) / 2].key < e[i].key) {
		swap_entries(&e[(i - 1) / 2], &e[i]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct drain_page_entry *e, size_t count)
{
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < count && e[child + 1].key > e[child].key) {
			child += 1;
		}
		if (child >= count || e[child].key <= e[i].key) {
			return;
		}
		swap_entries(&e[i], &e[child]);
		i = child;
	}
}

bool drain_page_wants(const struct drain_page *page, uint64_t key)
{
	if (key <= page->after) {
		return false;
	}
	return page->count < page->max || !page->more ||
	       (page->max > 0 && key < page->entries[0].key);
}

void drain_page_offer(struct drain_page *page, uint64_t key, void *item)
{
	struct drain_page_entry entry = {.key = key, .item = item};

	if (!drain_page_wants(page, key)) {
		return;
	}
	if (page->count < page->max) {
		page->entries[page->count] = entry;
		page->count += 1;
		sift_up(page->entries, page->count - 1);
		return;
	}

	page->more = true;
	if (page->max > 0 && key < page->entries[0].key) {
		page->entries[0] = entry;
		sift_down(page->entries, page->count);
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct drain_page_entry *x = a;
	const struct drain_page_entry *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

void drain_page_sort(struct drain_page *page)
{
	qsort(page->entries, page->count, sizeof(*page->entries),
	      compare_entries);
}
