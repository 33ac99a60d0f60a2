// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Plans: how the entries of one directory are replaced by those of another.
 */

#include <stdlib.h>
#include <string.h>

#include "drain/plan.h"

struct drain_plan *drain_plan_new(TALLOC_CTX *mem_ctx)
{
	return talloc_zero(mem_ctx, struct drain_plan);
}

bool drain_plan_add(struct drain_plan *plan,
		    const char *name,
		    uint64_t in,
		    uint64_t out)
{
	struct drain_plan_entry *e = plan->entries;
	size_t room = talloc_array_length(e);

	if (plan->num_entries == room) {
		e = talloc_realloc(plan, e, struct drain_plan_entry,
				   room == 0 ? 64 : room * 2);
		if (e == NULL) {
			return false;
		}
		plan->entries = e;
	}
	e += plan->num_entries;
	*e = (struct drain_plan_entry) {
		.name = talloc_strdup(plan, name),
		.in = in,
		.out = out,
	};
	if (e->name == NULL) {
		return false;
	}
	plan->num_entries += 1;
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct drain_plan_entry *x = a;
	const struct drain_plan_entry *y = b;

	return strcmp(x->name, y->name);
}

static bool same_name(const struct drain_plan_entry *a,
		      const struct drain_plan_entry *b)
{
	return strcmp(a->name, b->name) == 0;
}

void drain_plan_finish(struct drain_plan *plan)
{
	struct drain_plan_entry *e = plan->entries;
	size_t kept = 0;
	size_t i;

	if (plan->num_entries == 0) {
		return;
	}
	qsort(e, plan->num_entries, sizeof(*e), compare_entries);
	for (i = 0; i < plan->num_entries; i++) {
		struct drain_plan_entry joined = e[i];

		if (i + 1 < plan->num_entries && same_name(&e[i], &e[i + 1])) {
			i += 1;
			joined.in |= e[i].in;
			joined.out |= e[i].out;
		}
		if (joined.in != joined.out) {
			e[kept] = joined;
			kept += 1;
		}
	}
	plan->num_entries = kept;
}

void drain_plan_reverse(struct drain_plan *plan)
{
	size_t i;

	for (i = 0; i < plan->num_entries; i++) {
		struct drain_plan_entry *e = &plan->entries[i];
		uint64_t in = e->in;

		e->in = e->out;
		e->out = in;
	}
	for (i = 0; i < plan->num_entries / 2; i++) {
		struct drain_plan_entry *a = &plan->entries[i];
		struct drain_plan_entry *b =
			&plan->entries[plan->num_entries - 1 - i];
		struct drain_plan_entry first = *a;

		*a = *b;
		*b = first;
	}
}

enum drain_plan_step drain_plan_next(const struct drain_plan_entry *entry,
				     uint64_t here,
				     uint64_t there)
{
	if (here == entry->in) {
		return DRAIN_PLAN_DONE;
	}
	if (here != entry->out || there != entry->in) {
		return DRAIN_PLAN_FOREIGN;
	}
	if (entry->out == 0) {
		return DRAIN_PLAN_BRING_IN;
	}
	return (entry->in == 0) ? DRAIN_PLAN_TAKE_OUT : DRAIN_PLAN_EXCHANGE;
}
