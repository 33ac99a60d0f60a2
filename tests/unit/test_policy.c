/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Policy: the table of docs/design.md, and the rule that everything rests on.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/policy.h"

/*
 * The table of the design, bit by bit: does it count on a file, and is it to
 * modify a directory? MAXIMUM_ALLOWED on a directory is for listing.
 */
static const struct {
	const char *name;
	uint32_t bit;
	bool counts;
	bool modifies;
} bits[] = {
	{"read data", 0x00000001, true, false},
	{"write data", 0x00000002, true, true},
	{"append data", 0x00000004, true, true},
	{"read ea", 0x00000008, false, false},
	{"write ea", 0x00000010, true, true},
	{"execute", 0x00000020, true, false},
	{"delete child", 0x00000040, true, true},
	{"read attributes", 0x00000080, false, false},
	{"write attributes", 0x00000100, true, true},
	{"delete", 0x00010000, true, true},
	{"read control", 0x00020000, false, false},
	{"write dac", 0x00040000, true, true},
	{"write owner", 0x00080000, true, true},
	{"synchronize", 0x00100000, false, false},
	{"system security", 0x01000000, true, true},
	{"maximum allowed", 0x02000000, true, false},
};

#define NUM_ACCESSES ((size_t)1 << ARRAY_SIZE(bits))

/* What it takes to look at attributes, to list a directory */
#define HARMLESS (0x00000008 | 0x00000080 | 0x00020000 | 0x00100000)
#define LISTING (HARMLESS | 0x00000001 | 0x00000020)
#define MAXIMUM 0x02000000

static const struct drain_policy files_only = {
	.count_directories = false,
	.refuse_status = 0xC0000043,
};

static const struct drain_policy directories_too = {
	.count_directories = true,
	.refuse_status = 0xC0000043,
};

/* The n-th combination of bits */
static uint32_t combine(size_t n)
{
	uint32_t access = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (n >> i & 1) {
			access |= bits[i].bit;
		}
	}
	return access;
}

/* What is to be said of it */
static void expect(uint32_t access, bool *counts, bool *modifies)
{
	size_t i;

	*counts = false;
	*modifies = false;
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (access & bits[i].bit) {
			*counts |= bits[i].counts;
			*modifies |= bits[i].modifies;
		}
	}
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(DRAIN_READ_DATA, 0x00000001);
	assert_int_equal(DRAIN_WRITE_DATA, 0x00000002);
	assert_int_equal(DRAIN_APPEND_DATA, 0x00000004);
	assert_int_equal(DRAIN_READ_EA, 0x00000008);
	assert_int_equal(DRAIN_WRITE_EA, 0x00000010);
	assert_int_equal(DRAIN_EXECUTE, 0x00000020);
	assert_int_equal(DRAIN_DELETE_CHILD, 0x00000040);
	assert_int_equal(DRAIN_READ_ATTRIBUTES, 0x00000080);
	assert_int_equal(DRAIN_WRITE_ATTRIBUTES, 0x00000100);
	assert_int_equal(DRAIN_DELETE, 0x00010000);
	assert_int_equal(DRAIN_READ_CONTROL, 0x00020000);
	assert_int_equal(DRAIN_WRITE_DAC, 0x00040000);
	assert_int_equal(DRAIN_WRITE_OWNER, 0x00080000);
	assert_int_equal(DRAIN_SYNCHRONIZE, 0x00100000);
	assert_int_equal(DRAIN_SYSTEM_SECURITY, 0x01000000);
	assert_int_equal(DRAIN_MAXIMUM_ALLOWED, 0x02000000);
	assert_int_equal(DRAIN_OPTION_DELETE_ON_CLOSE, 0x00001000);
}

static void test_each_bit_counts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (drain_access_counts(&files_only, false, bits[i].bit) !=
			    bits[i].counts ||
		    drain_access_counts(&directories_too, false,
					bits[i].bit) != bits[i].counts ||
		    drain_access_counts(&directories_too, true,
					bits[i].bit) != bits[i].counts) {
			fail_msg("%s: counts, not %d", bits[i].name,
				 bits[i].counts);
		}
		if (drain_access_counts(&files_only, true, bits[i].bit)) {
			fail_msg("%s on a directory counts", bits[i].name);
		}
	}
}

static void test_all_accesses_count(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < NUM_ACCESSES; n++) {
		bool counts;
		bool modifies;
		uint32_t access = combine(n);

		expect(access, &counts, &modifies);
		if (drain_access_counts(&files_only, false, access) !=
			    counts ||
		    drain_access_counts(&directories_too, false, access) !=
			    counts ||
		    drain_access_counts(&directories_too, true, access) !=
			    counts ||
		    drain_access_counts(&files_only, true, access)) {
			fail_msg("access 0x%08x", access);
		}
	}
}

/*
 * Opens: everything that there is, crossed
 */

static const enum drain_disposition dispositions[] = {
	DRAIN_SUPERSEDE,
	DRAIN_OPEN,
	DRAIN_CREATE,
	DRAIN_OPEN_IF,
	DRAIN_OVERWRITE,
	DRAIN_OVERWRITE_IF,
	(enum drain_disposition)6, /* nobody knows what this one does */
};

/* None, delete on close, all others, all */
static const uint32_t options[] = {0, 0x00001000, ~0x00001000U, ~0U};

static const struct drain_policy *policies[] = {&files_only, &directories_too};

/* The table of the design, row by row, for an open without exemption */
static enum drain_verdict table(const struct drain_policy *policy,
				const struct drain_open *open,
				bool counts,
				bool modifies)
{
	bool like_file = !open->directory || policy->count_directories;
	bool only_opens = open->disposition == DRAIN_OPEN ||
			  (open->disposition == DRAIN_OPEN_IF && open->exists);

	if (open->snapshot) {
		return DRAIN_GRANT;
	}
	if (!only_opens || (open->options & 0x00001000)) {
		return DRAIN_REFUSE;
	}
	if (like_file) {
		return counts ? DRAIN_REFUSE : DRAIN_GRANT;
	}
	return modifies ? DRAIN_REFUSE : DRAIN_GRANT;
}

static void fail_open(const char *what,
		      const struct drain_policy *policy,
		      const struct drain_open *open)
{
	fail_msg("%s: count directories %d, exists %d, directory %d, "
		 "snapshot %d, access 0x%08x, disposition %d, options 0x%08x",
		 what, policy->count_directories, open->exists,
		 open->directory, open->snapshot, open->access,
		 (int)open->disposition, open->options);
}

typedef void (*check_open_fn)(const struct drain_policy *policy,
			      const struct drain_open *open);

/* Any kind of object, policy, disposition and options */
static void each_open_with(uint32_t access, check_open_fn check)
{
	size_t kind;
	size_t d;
	size_t o;

	for (kind = 0; kind < 16; kind++) {
		for (d = 0; d < ARRAY_SIZE(dispositions); d++) {
			for (o = 0; o < ARRAY_SIZE(options); o++) {
				const struct drain_open open = {
					.exists = kind & 1,
					.directory = kind & 2,
					.snapshot = kind & 4,
					.access = access,
					.disposition = dispositions[d],
					.options = options[o],
				};

				check(policies[kind >> 3], &open);
			}
		}
	}
}

static void each_open(check_open_fn check)
{
	size_t n;

	for (n = 0; n < NUM_ACCESSES; n++) {
		each_open_with(combine(n), check);
	}
}

static void check_table(const struct drain_policy *policy,
			const struct drain_open *open)
{
	bool counts;
	bool modifies;

	expect(open->access, &counts, &modifies);
	if (drain_open_verdict(policy, open) !=
	    table(policy, open, counts, modifies)) {
		fail_open("not as in the table", policy, open);
	}
}

static void test_table(void **state)
{
	(void)state;
	each_open(check_table);
}

/*
 * What is granted does not count, what counts is refused. Snapshots are the
 * one exemption that is known here. It must hold for the access that the
 * client asks for and for the one that it gets.
 */
static void check_rule(const struct drain_policy *policy,
		       const struct drain_open *open)
{
	bool granted = drain_open_verdict(policy, open) == DRAIN_GRANT;
	uint32_t gets = open->access;

	if (open->directory) {
		gets = drain_access_to_list(gets);
	}
	if (open->snapshot) {
		return;
	}
	if (granted &&
	    (drain_access_counts(policy, open->directory, open->access) ||
	     drain_access_counts(policy, open->directory, gets))) {
		fail_open("granted, but counts", policy, open);
	}
	if (granted && (gets & ~(open->directory ? LISTING : HARMLESS))) {
		fail_open("granted, but not harmless", policy, open);
	}
}

static void test_rule(void **state)
{
	(void)state;
	each_open(check_rule);
}

/* The layer above takes MAXIMUM_ALLOWED away before it asks: no matter */
static void check_listing(const struct drain_policy *policy,
			  const struct drain_open *open)
{
	struct drain_open list = *open;
	enum drain_verdict verdict = drain_open_verdict(policy, open);

	list.access = drain_access_to_list(open->access);
	if (open->directory && drain_open_verdict(policy, &list) != verdict) {
		fail_open("judged otherwise as a listing", policy, open);
	}
}

static void test_listing_is_judged_alike(void **state)
{
	(void)state;
	each_open(check_listing);
}

/* With "count directories" a directory is refused where a file is */
static void check_like_file(const struct drain_policy *policy,
			    const struct drain_open *open)
{
	struct drain_open file = *open;
	enum drain_verdict verdict = drain_open_verdict(policy, open);

	file.directory = false;
	if (policy->count_directories &&
	    drain_open_verdict(policy, &file) != verdict) {
		fail_open("not as a file", policy, open);
	}
}

static void test_directories_count_as_files(void **state)
{
	(void)state;
	each_open(check_like_file);
}

/* To hold is not to refuse less, or more */
static void check_hold(const struct drain_policy *policy,
		       const struct drain_open *open)
{
	struct drain_policy hold = *policy;
	enum drain_verdict verdict = drain_open_verdict(policy, open);

	hold.hold_opens = true;
	if (drain_open_verdict(&hold, open) !=
	    (verdict == DRAIN_REFUSE ? DRAIN_HOLD : DRAIN_GRANT)) {
		fail_open("not held", policy, open);
	}
}

static void test_hold(void **state)
{
	(void)state;
	each_open(check_hold);
}

static void test_strictest_is_greatest(void **state)
{
	(void)state;
	assert_true(DRAIN_REFUSE > DRAIN_HOLD && DRAIN_HOLD > DRAIN_GRANT);
}

static void test_new_opens_words(void **state)
{
	bool hold;

	(void)state;
	assert_true(drain_new_opens_parse("hold", &hold) && hold);
	assert_true(drain_new_opens_parse("refuse", &hold) && !hold);
	assert_true(drain_new_opens_parse("HOLD", &hold) && hold);
	assert_false(drain_new_opens_parse("", &hold));
	assert_false(drain_new_opens_parse("hol", &hold));
	assert_false(drain_new_opens_parse("refused", &hold));
}

static void test_status_does_not_matter(void **state)
{
	const struct drain_policy other = {.refuse_status = 0};
	const struct drain_open read = {
		.exists = true,
		.access = DRAIN_READ_DATA,
		.disposition = DRAIN_OPEN,
	};

	(void)state;
	assert_int_equal(drain_open_verdict(&other, &read), DRAIN_REFUSE);
}

/* What programs do, in the words of the design */
static void test_what_programs_do(void **state)
{
	static const struct {
		const char *what;
		bool exists;
		bool directory;
		uint32_t access;
		enum drain_disposition disposition;
		uint32_t options;
		enum drain_verdict verdict;
	} cases[] = {
		{"start a program", true, false, 0x001200a9, DRAIN_OPEN, 0x60,
		 DRAIN_REFUSE},
		{"copy a file", true, false, 0x00120089, DRAIN_OPEN, 0x60,
		 DRAIN_REFUSE},
		{"save a file", false, false, 0x0012019f, DRAIN_OVERWRITE_IF,
		 0x60, DRAIN_REFUSE},
		{"delete a file", true, false, 0x00010080, DRAIN_OPEN, 0x1040,
		 DRAIN_REFUSE},
		{"properties of a file", true, false, 0x00100080, DRAIN_OPEN,
		 0x200000, DRAIN_GRANT},
		{"permissions of a file", true, false, 0x00020080, DRAIN_OPEN,
		 0, DRAIN_GRANT},
		{"touch a file", true, false, 0x00100180, DRAIN_OPEN, 0,
		 DRAIN_REFUSE},
		{"all that is allowed of a file", true, false, MAXIMUM,
		 DRAIN_OPEN, 0, DRAIN_REFUSE},
		{"look for a file that is not there", false, false, 0x00000080,
		 DRAIN_OPEN, 0, DRAIN_GRANT},
		{"make an empty file", false, false, 0x00000080, DRAIN_OPEN_IF,
		 0x40, DRAIN_REFUSE},
		{"list a directory", true, true, 0x00100081, DRAIN_OPEN, 0x21,
		 DRAIN_GRANT},
		{"watch a directory", true, true, 0x00100001, DRAIN_OPEN, 0x1,
		 DRAIN_GRANT},
		{"all that is allowed of a directory", true, true, MAXIMUM,
		 DRAIN_OPEN, 0x1, DRAIN_GRANT},
		{"make a directory", false, true, 0x00100081, DRAIN_CREATE,
		 0x21, DRAIN_REFUSE},
		{"make a directory if need be", true, true, 0x00100081,
		 DRAIN_OPEN_IF, 0x21, DRAIN_GRANT},
		{"rename a directory", true, true, 0x00110080, DRAIN_OPEN, 0x1,
		 DRAIN_REFUSE},
		{"delete a directory", true, true, 0x00100080, DRAIN_OPEN,
		 0x1001, DRAIN_REFUSE},
		{"add a file to a directory", true, true, 0x00100002,
		 DRAIN_OPEN, 0x1, DRAIN_REFUSE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct drain_open open = {
			.exists = cases[i].exists,
			.directory = cases[i].directory,
			.access = cases[i].access,
			.disposition = cases[i].disposition,
			.options = cases[i].options,
		};

		if (drain_open_verdict(&files_only, &open) !=
		    cases[i].verdict) {
			fail_open(cases[i].what, &files_only, &open);
		}
	}
}

/* MAXIMUM_ALLOWED goes, what listing takes comes, all else stays */
static void test_access_to_list(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < NUM_ACCESSES; n++) {
		uint32_t access = combine(n);
		uint32_t expected = access;

		if (access & MAXIMUM) {
			expected = (access & ~MAXIMUM) | LISTING;
		}
		if (drain_access_to_list(access) != expected) {
			fail_msg("0x%08x becomes 0x%08x", access,
				 drain_access_to_list(access));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_each_bit_counts),
		cmocka_unit_test(test_all_accesses_count),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_listing_is_judged_alike),
		cmocka_unit_test(test_directories_count_as_files),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_strictest_is_greatest),
		cmocka_unit_test(test_new_opens_words),
		cmocka_unit_test(test_status_does_not_matter),
		cmocka_unit_test(test_what_programs_do),
		cmocka_unit_test(test_access_to_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
