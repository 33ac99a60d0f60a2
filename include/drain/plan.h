/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Plans: how the entries of one directory become those of another.
 *
 * smbd stays in the directory that is the root of a share, so that the root
 * itself can not be exchanged; its entries are, one by one. For each the plan
 * says which inode comes in and which goes out. What is in the directory then
 * tells how far it has got, so that nothing has to be noted on the way and
 * whoever died can be followed by somebody who goes on, or back.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_PLAN_H_
#define _DRAIN_PLAN_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/* One name; an inode number of 0 stands for "none" */
struct drain_plan_entry {
	const char *name;
	uint64_t in; /* what is to be under that name */
	uint64_t out; /* what was */
};

struct drain_plan {
	struct drain_plan_entry *entries; /* sorted by name */
	size_t num_entries;
};

/* What is to be done about one name */
enum drain_plan_step {
	DRAIN_PLAN_DONE,
	DRAIN_PLAN_EXCHANGE,
	DRAIN_PLAN_BRING_IN,
	DRAIN_PLAN_TAKE_OUT,
	DRAIN_PLAN_FOREIGN, /* neither begun nor done: somebody else was here */
};

/** An empty plan. NULL: out of memory. */
struct drain_plan *drain_plan_new(TALLOC_CTX *mem_ctx);

/**
 * Say what a name stands for in the new directory (@in) or in the one that is
 * there (@out); the other is 0. In any order, each name once for each
 * directory. false: out of memory.
 */
bool drain_plan_add(struct drain_plan *plan,
		    const char *name,
		    uint64_t in,
		    uint64_t out);

/**
 * All were added: sort, join what has the same name, and leave out what is the
 * same file on both sides, a hard link.
 */
void drain_plan_finish(struct drain_plan *plan);

/** Turn it around: what came in goes out, the last one first. */
void drain_plan_reverse(struct drain_plan *plan);

/**
 * @param[in] here   The inode under that name in the directory that changes.
 * @param[in] there  The same in the other one.
 */
enum drain_plan_step drain_plan_next(const struct drain_plan_entry *entry,
				     uint64_t here,
				     uint64_t there);

#endif /* _DRAIN_PLAN_H_ */
