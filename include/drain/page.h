/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Pages of a long list that changes while it is read.
 *
 * The list has unique numbers as keys and no order that lasts. Each page takes
 * the smallest keys above the last one seen, so that nothing has to be kept
 * between pages: an entry that stays is seen once, one that goes may be missed.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
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
	size_t max;
	size_t count;
	bool more; /* a key above those of the page was left out */
	struct drain_page_entry *entries; /* max of them */
};

/** A page for at most @max entries above @after. NULL: out of memory. */
struct drain_page *drain_page_new(TALLOC_CTX *mem_ctx,
				  uint64_t after,
				  size_t max);

/** Would an entry of that key change the page? Else it need not be offered. */
bool drain_page_wants(const struct drain_page *page, uint64_t key);

/** Offer one entry of the list; kept if it belongs on the page. O(log max) */
void drain_page_offer(struct drain_page *page, uint64_t key, void *item);

/** All were offered: put the entries in the order of their keys. */
void drain_page_sort(struct drain_page *page);

#endif /* _DRAIN_PAGE_H_ */
