/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Plans: how the entries of one directory become those of another.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/plan.h"

#define NAMES 20

/* Two directories: the inode under each name, 0 if there is none */
struct dirs {
	uint64_t here[NAMES];
	uint64_t there[NAMES];
};

static const char *name_of(size_t i)
{
	static const char *const names[NAMES] = {
		"a", "b", "aa", "-", " ", "\n", "\xff", "\xc3\xa4", "A", "z",
		"a.b", "a b", ".x", "..x", "0", "1", "~", "*", "?", "\\",
	};

	return names[i];
}

static size_t index_of(const char *name)
{
	size_t i = 0;

	while (strcmp(name_of(i), name) != 0) {
		i += 1;
	}
	return i;
}

static struct drain_plan *plan_of(void *mem_ctx, const struct dirs *d)
{
	struct drain_plan *plan = drain_plan_new(mem_ctx);
	size_t i;

	for (i = 0; i < NAMES; i++) {
		if (d->here[i] != 0) {
			assert_true(drain_plan_add(plan, name_of(i), 0,
						   d->here[i]));
		}
	}
	for (i = NAMES; i-- > 0;) {
		if (d->there[i] != 0) {
			assert_true(drain_plan_add(plan, name_of(i),
						   d->there[i], 0));
		}
	}
	drain_plan_finish(plan);
	return plan;
}

/* One in three has none; one in ten is the same file on both sides */
static struct dirs random_dirs(uint64_t *seed)
{
	struct dirs d;
	size_t i;

	for (i = 0; i < NAMES; i++) {
		d.here[i] = unit_below(seed, 3) > 0 ? 100 + i : 0;
		d.there[i] = unit_below(seed, 3) > 0 ? 200 + i : 0;
		if (unit_below(seed, 10) == 0) {
			d.there[i] = d.here[i];
		}
	}
	return d;
}

static enum drain_plan_step step_of(const struct drain_plan_entry *e,
				    const struct dirs *d)
{
	size_t i = index_of(e->name);

	return drain_plan_next(e, d->here[i], d->there[i]);
}

/* As rename would do it, which fails where it cannot be done so */
static void take(const struct drain_plan_entry *e, struct dirs *d)
{
	size_t i = index_of(e->name);
	uint64_t here = d->here[i];

	switch (step_of(e, d)) {
	case DRAIN_PLAN_DONE:
		return;
	case DRAIN_PLAN_EXCHANGE:
		assert_true(here != 0 && d->there[i] != 0);
		break;
	case DRAIN_PLAN_BRING_IN:
		assert_true(here == 0 && d->there[i] != 0);
		break;
	case DRAIN_PLAN_TAKE_OUT:
		assert_true(here != 0 && d->there[i] == 0);
		break;
	case DRAIN_PLAN_FOREIGN:
		fail_msg("'%s' is foreign", e->name);
	}
	d->here[i] = d->there[i];
	d->there[i] = here;
}

static void take_some(const struct drain_plan *plan,
		      struct dirs *d,
		      size_t num)
{
	size_t i;

	for (i = 0; i < num; i++) {
		take(&plan->entries[i], d);
	}
}

static void assert_exchanged(const struct dirs *a, const struct dirs *b)
{
	assert_memory_equal(a->here, b->there, sizeof(a->here));
	assert_memory_equal(a->there, b->here, sizeof(a->there));
}

static void test_steps(void **state)
{
	static const struct {
		uint64_t in, out, here, there;
		enum drain_plan_step step;
	} cases[] = {
		{2, 1, 1, 2, DRAIN_PLAN_EXCHANGE},
		{2, 1, 2, 1, DRAIN_PLAN_DONE},
		{2, 1, 2, 0, DRAIN_PLAN_DONE},
		{2, 0, 0, 2, DRAIN_PLAN_BRING_IN},
		{2, 0, 2, 0, DRAIN_PLAN_DONE},
		{0, 1, 1, 0, DRAIN_PLAN_TAKE_OUT},
		{0, 1, 0, 1, DRAIN_PLAN_DONE},
		/* somebody has put another one there, or taken it away */
		{2, 1, 3, 2, DRAIN_PLAN_FOREIGN},
		{2, 1, 1, 3, DRAIN_PLAN_FOREIGN},
		{2, 1, 1, 0, DRAIN_PLAN_FOREIGN},
		{2, 1, 0, 2, DRAIN_PLAN_FOREIGN},
		{2, 0, 3, 2, DRAIN_PLAN_FOREIGN},
		{2, 0, 0, 0, DRAIN_PLAN_FOREIGN},
		{0, 1, 1, 3, DRAIN_PLAN_FOREIGN},
		{0, 1, 3, 0, DRAIN_PLAN_FOREIGN},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct drain_plan_entry e = {
			.name = "x",
			.in = cases[i].in,
			.out = cases[i].out,
		};

		assert_int_equal(drain_plan_next(&e, cases[i].here,
						 cases[i].there),
				 cases[i].step);
	}
}

static void test_empty(void **state)
{
	struct drain_plan *plan = drain_plan_new(*state);

	drain_plan_finish(plan);
	drain_plan_reverse(plan);
	assert_int_equal(plan->num_entries, 0);
	assert_ptr_equal(talloc_parent(plan), *state);
}

static void test_sorted_and_joined(void **state)
{
	const struct dirs d = {.here = {1, 2, 3, 4}, .there = {11, 0, 3, 14}};
	struct drain_plan *plan = plan_of(*state, &d);
	static const struct drain_plan_entry expected[] = {
		{"-", 14, 4}, {"a", 11, 1}, {"b", 0, 2},
	};
	size_t i;

	assert_int_equal(plan->num_entries, ARRAY_SIZE(expected));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_string_equal(plan->entries[i].name, expected[i].name);
		assert_int_equal(plan->entries[i].in, expected[i].in);
		assert_int_equal(plan->entries[i].out, expected[i].out);
	}
}

static void test_owns_its_names(void **state)
{
	struct drain_plan *plan = drain_plan_new(*state);
	char name[] = "name";

	assert_true(drain_plan_add(plan, name, 1, 0));
	name[0] = 'X';
	assert_string_equal(plan->entries[0].name, "name");
}

/* Whoever dies after any step is followed by one who does them all */
static void test_again_from_anywhere(void **state)
{
	uint64_t seed = 11;
	size_t i;

	for (i = 0; i < 300; i++) {
		const struct dirs before = random_dirs(&seed);
		struct drain_plan *plan = plan_of(*state, &before);
		size_t stop;

		for (stop = 0; stop <= plan->num_entries; stop++) {
			struct dirs d = before;

			take_some(plan, &d, stop);
			take_some(plan, &d, plan->num_entries);
			assert_exchanged(&d, &before);
			take_some(plan, &d, plan->num_entries);
			assert_exchanged(&d, &before);
		}
		talloc_free(plan);
	}
}

/* Or by one who goes back, who may die as well */
static void test_back_from_anywhere(void **state)
{
	uint64_t seed = 12;
	size_t i;

	for (i = 0; i < 300; i++) {
		const struct dirs before = random_dirs(&seed);
		struct drain_plan *plan = plan_of(*state, &before);
		struct drain_plan *back = plan_of(*state, &before);
		size_t stop = unit_below(&seed, plan->num_entries + 1);
		struct dirs d = before;

		drain_plan_reverse(back);
		take_some(plan, &d, stop);
		take_some(back, &d, unit_below(&seed, back->num_entries + 1));
		take_some(plan, &d, unit_below(&seed, plan->num_entries + 1));
		take_some(back, &d, back->num_entries);
		assert_memory_equal(&d, &before, sizeof(d));

		drain_plan_reverse(back);
		take_some(back, &d, back->num_entries);
		assert_exchanged(&d, &before);
		talloc_free(plan);
		talloc_free(back);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_steps),
		talloc_test(test_empty),
		talloc_test(test_sorted_and_joined),
		talloc_test(test_owns_its_names),
		talloc_test(test_again_from_anywhere),
		talloc_test(test_back_from_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
