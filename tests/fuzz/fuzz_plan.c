/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Plans: each name is in one directory, in both, or the same file in both. The
 * first byte tells where it is interrupted.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/plan.h"

#define NAMES_MAX 32

/* The inode under each name in both directories, 0 if there is none */
struct dirs {
	size_t count;
	char *name[NAMES_MAX];
	uint64_t here[NAMES_MAX];
	uint64_t there[NAMES_MAX];
};

static size_t index_of(const struct dirs *d, const char *name)
{
	size_t i = 0;

	while (i < d->count && strcmp(d->name[i], name) != 0) {
		i += 1;
	}
	return i;
}

/* A line is where it is, then the name */
static struct dirs read_dirs(struct fuzz_input *input)
{
	struct dirs d = {.count = 0};

	while (input->size > 0 && d.count < NAMES_MAX) {
		uint64_t how = fuzz_number(input, 1);
		char *name = fuzz_line(input);
		size_t i = d.count;

		if (index_of(&d, name) < d.count) {
			continue;
		}
		d.name[i] = name;
		d.here[i] = (how & 1) ? 100 + i : 0;
		d.there[i] = (how & 2) ? 200 + i : 0;
		if (how & 4) {
			d.there[i] = d.here[i];
		}
		d.count += 1;
	}
	return d;
}

static struct drain_plan *plan_of(TALLOC_CTX *mem_ctx, const struct dirs *d)
{
	struct drain_plan *plan = drain_plan_new(mem_ctx);
	size_t i;

	for (i = 0; i < d->count; i++) {
		if (d->there[i] != 0) {
			CHECK(drain_plan_add(plan, d->name[i], d->there[i], 0));
		}
		if (d->here[i] != 0) {
			CHECK(drain_plan_add(plan, d->name[i], 0, d->here[i]));
		}
	}
	drain_plan_finish(plan);
	return plan;
}

static void check_order(const struct drain_plan *plan)
{
	size_t i;

	for (i = 1; i < plan->num_entries; i++) {
		CHECK(strcmp(plan->entries[i - 1].name,
			     plan->entries[i].name) < 0);
	}
}

/* All of them, or the first ones */
static void take(const struct drain_plan *plan, struct dirs *d, size_t num)
{
	size_t i;

	for (i = 0; i < num && i < plan->num_entries; i++) {
		const struct drain_plan_entry *e = &plan->entries[i];
		size_t n = index_of(d, e->name);
		uint64_t here = d->here[n];
		enum drain_plan_step step;

		step = drain_plan_next(e, here, d->there[n]);
		CHECK(step != DRAIN_PLAN_FOREIGN);
		if (step != DRAIN_PLAN_DONE) {
			CHECK((step == DRAIN_PLAN_BRING_IN) == (here == 0));
			CHECK((step == DRAIN_PLAN_TAKE_OUT) ==
			      (d->there[n] == 0));
			d->here[n] = d->there[n];
			d->there[n] = here;
		}
	}
}

static void check_exchanged(const struct dirs *before,
			    const struct dirs *after)
{
	size_t i;

	for (i = 0; i < before->count; i++) {
		CHECK(after->here[i] == before->there[i]);
		CHECK(after->there[i] == before->here[i]);
	}
}

void fuzz_one(struct fuzz_input *input)
{
	uint64_t interrupted = fuzz_number(input, 1);
	struct dirs before = read_dirs(input);
	struct dirs now = before;
	struct drain_plan *plan = plan_of(input->mem_ctx, &before);

	/* It goes on where it was interrupted, and can be gone over again */
	check_order(plan);
	take(plan, &now, interrupted);
	take(plan, &now, SIZE_MAX);
	take(plan, &now, SIZE_MAX);
	check_exchanged(&before, &now);

	/* It goes back from anywhere */
	now = before;
	take(plan, &now, interrupted);
	drain_plan_reverse(plan);
	take(plan, &now, SIZE_MAX);
	CHECK(memcmp(&now, &before, sizeof(now)) == 0);
}
