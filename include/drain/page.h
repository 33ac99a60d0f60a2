// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Pages of a long list that changes while it is read.
 *
 * The entries have unique numbers as keys and no stable order. Each page has
 * the smallest keys above the last one of the page before, so no state is
 * needed between pages. An entry that stays in the list is read once; one that
 * is removed may be missed.
 */

#ifndef _DRAIN_PAGE_H_
#define _DRAIN_PAGE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

struct drain_page_entry {
	uint64_t key;
	void *item;
};

struct drain_page {
	uint64_t after; /* only keys above this one */
	size_t max; /* number of entries */
	size_t count;
	bool more; /* true: a key above those of the page was left out */
	struct drain_page_entry *entries; /* room for @max */
};

/**
 * Create a page for at most @max entries above @after.
 *
 * @return NULL: out of memory.
 */
struct drain_page *drain_page_new(TALLOC_CTX *mem_ctx,
				  uint64_t after,
				  size_t max);

/** Test whether drain_page_offer() would keep an entry with that key. */
bool drain_page_wants(const struct drain_page *page, uint64_t key);

/** Offer an entry of the list; kept if it belongs on the page. O(log max) */
void drain_page_offer(struct drain_page *page, uint64_t key, void *item);

/** Sort the entries by key, after all have been offered. */
void drain_page_sort(struct drain_page *page);

#endif /* _DRAIN_PAGE_H_ */
