// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Plans: how the entries of one directory are replaced by those of another.
 *
 * smbd stays in the directory that is the root of a share, so that directory
 * itself cannot be exchanged. Its entries are exchanged one by one. For each
 * name the plan has the inode before and afterwards. So the inodes in the
 * directory show how far the exchange has proceeded, and another process can
 * continue it or roll it back after a crash.
 */

#ifndef _DRAIN_PLAN_H_
#define _DRAIN_PLAN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* One name. An inode number of 0 means that there is no such file. */
struct drain_plan_entry {
	const char *name;
	uint64_t in; /* inode afterwards */
	uint64_t out; /* inode before */
};

struct drain_plan {
	struct drain_plan_entry *entries; /* sorted by name */
	size_t num_entries;
};

/* The next step for one name */
enum drain_plan_step {
	DRAIN_PLAN_DONE,
	DRAIN_PLAN_EXCHANGE,
	DRAIN_PLAN_BRING_IN,
	DRAIN_PLAN_TAKE_OUT,
	DRAIN_PLAN_FOREIGN, /* neither state: another process changed it */
};

/** Create an empty plan. NULL: out of memory. */
struct drain_plan *drain_plan_new(TALLOC_CTX *mem_ctx);

/**
 * Add the inode of a name in the new directory (@in) or in the old one (@out);
 * the other inode is 0. Add each name of each directory once, in any order.
 *
 * @return false: out of memory.
 */
bool drain_plan_add(struct drain_plan *plan,
		    const char *name,
		    uint64_t in,
		    uint64_t out);

/**
 * Finish a plan after all names were added: sort it, merge equal names, and
 * remove names with the same inode in both directories (hard links).
 */
void drain_plan_finish(struct drain_plan *plan);

/** Reverse a plan, to roll back: exchange before and afterwards. */
void drain_plan_reverse(struct drain_plan *plan);

/**
 * Return the next step for a name.
 *
 * @param[in] here   The inode of the name in the directory that changes.
 * @param[in] there  The inode of the name in the other directory.
 */
enum drain_plan_step drain_plan_next(const struct drain_plan_entry *entry,
				     uint64_t here,
				     uint64_t there);

#endif /* _DRAIN_PLAN_H_ */
