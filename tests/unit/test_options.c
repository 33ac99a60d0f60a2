/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The smb.conf options of a share.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/options.h"

/* Every option that takes one of some words, and one that it takes */
static const struct {
	const char *name;
	const char *value;
} options_of_words[] = {
	{"break leases", "no"},
	{"count directories", "yes"},
	{"durable handles", "no"},
	{"hold timeout", "2m"},
	{"max held opens", "10"},
	{"new opens", "hold"},
	{"refuse status", "access_denied"},
};

static const char *names[] = {
	"break leases", "count directories", "durable handles",
	"exempt hosts", "exempt users", "hold timeout",
	"max held opens", "new opens", "refuse status",
};

/* MS-ERREF 2.3.1 */
static const struct {
	const char *word;
	uint32_t status;
} statuses[] = {
	{"sharing_violation", 0xC0000043},
	{"file_not_available", 0xC0000467},
	{"file_lock_conflict", 0xC0000054},
	{"network_busy", 0xC00000BF},
	{"access_denied", 0xC0000022},
};

static void assert_options_equal(const struct drain_options *a,
				 const struct drain_options *b)
{
	assert_int_equal(a->policy.count_directories,
			 b->policy.count_directories);
	assert_int_equal(a->policy.refuse_status, b->policy.refuse_status);
	assert_int_equal(a->policy.break_leases, b->policy.break_leases);
	assert_int_equal(a->policy.let_holders_finish,
			 b->policy.let_holders_finish);
	assert_int_equal(a->policy.hold_opens, b->policy.hold_opens);
	assert_int_equal(a->policy.hold_timeout, b->policy.hold_timeout);
	assert_int_equal(a->policy.max_held_opens, b->policy.max_held_opens);
	assert_int_equal(a->durable_handles, b->durable_handles);
	assert_string_equal(a->policy.exempt_users, b->policy.exempt_users);
	assert_string_equal(a->policy.exempt_hosts, b->policy.exempt_hosts);
}

/* Neither what is set by default nor what these tests set */
static struct drain_options other_options(void)
{
	struct drain_options options = drain_options_default;

	options.policy.count_directories = true;
	options.policy.refuse_status = 0xC0000001;
	options.policy.break_leases = false;
	options.durable_handles = false;
	options.policy.hold_timeout = 1234;
	options.policy.max_held_opens = 7;
	options.policy.exempt_users = "anna";
	options.policy.exempt_hosts = "10.0.0.0/8";
	return options;
}

static void test_default(void **state)
{
	const struct drain_policy *policy = &drain_options_default.policy;

	(void)state;
	assert_false(policy->count_directories);
	assert_int_equal(policy->refuse_status, 0xC0000043);
	assert_true(policy->break_leases);
	assert_false(policy->let_holders_finish);
	assert_true(drain_options_default.durable_handles);
	assert_string_equal(policy->exempt_users, "");
	assert_string_equal(policy->exempt_hosts, "");
}

static void test_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_string_equal(drain_options_name(i), names[i]);
	}
	assert_null(drain_options_name(ARRAY_SIZE(names)));
}

/*
 * Values
 */

static const struct {
	const char *word;
	bool value;
} booleans[] = {
	{"yes", true},	  {"true", true},   {"on", true},   {"1", true},
	{"Yes", true},	  {"TRUE", true},   {"oN", true},   {"no", false},
	{"false", false}, {"off", false},   {"0", false},   {"No", false},
	{"FALSE", false}, {"oFf", false},
};

/* @in is where @name ends up in @options */
static void check_boolean(TALLOC_CTX *mem_ctx,
			  const char *name,
			  struct drain_options *options,
			  bool *in)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(booleans); i++) {
		struct drain_options expected;

		*in = booleans[i].value;
		expected = *options;
		*in = !booleans[i].value;
		assert_null(drain_options_set(mem_ctx, options, name,
					      booleans[i].word));
		assert_options_equal(options, &expected);
	}
}

static void test_break_leases(void **state)
{
	struct drain_options options = other_options();

	check_boolean(*state, "break leases", &options,
		      &options.policy.break_leases);
}

static void test_count_directories(void **state)
{
	struct drain_options options = other_options();

	check_boolean(*state, "count directories", &options,
		      &options.policy.count_directories);
}

static void test_durable_handles(void **state)
{
	struct drain_options options = other_options();

	check_boolean(*state, "durable handles", &options,
		      &options.durable_handles);
}

/* Lists are taken as they are; what is in them is Samba's to say */
static void test_lists(void **state)
{
	static const char *lists[] = {
		"", "anna", "anna +updaters %S", "10.0.0.0/8 EXCEPT 10.0.0.1",
		"2001:db8::/32, ::1", "no such value",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		struct drain_options options = other_options();
		struct drain_options expected = options;
		char *value = talloc_strdup(*state, lists[i]);

		expected.policy.exempt_users = lists[i];
		assert_null(drain_options_set(*state, &options,
					      "exempt users", value));
		assert_options_equal(&options, &expected);

		expected.policy.exempt_hosts = lists[i];
		assert_null(drain_options_set(*state, &options,
					      "exempt hosts", value));
		assert_options_equal(&options, &expected);

		/* They are copies */
		talloc_free(value);
		assert_string_equal(options.policy.exempt_users, lists[i]);
		assert_string_equal(options.policy.exempt_hosts, lists[i]);
	}
}

static void test_new_opens(void **state)
{
	struct drain_options options = other_options();
	struct drain_options expected = options;

	expected.policy.hold_opens = true;
	assert_null(drain_options_set(*state, &options, "new opens", "hold"));
	assert_options_equal(&options, &expected);

	expected.policy.hold_opens = false;
	assert_null(drain_options_set(*state, &options, "new opens",
				      "Refuse"));
	assert_options_equal(&options, &expected);
}

static void test_hold_timeout(void **state)
{
	static const struct {
		const char *value;
		uint64_t milliseconds;
	} cases[] = {{"30", 30000}, {"0", 0}, {"1.5s", 1500}, {"2m", 120000}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drain_options options = other_options();
		struct drain_options expected = options;

		expected.policy.hold_timeout = cases[i].milliseconds;
		assert_null(drain_options_set(*state, &options, "hold timeout",
					      cases[i].value));
		assert_options_equal(&options, &expected);
	}
}

static void test_max_held_opens(void **state)
{
	static const struct {
		const char *value;
		uint32_t number;
	} cases[] = {{"0", 0}, {"1", 1}, {"2048", 2048},
		     {"4294967295", UINT32_MAX}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drain_options options = other_options();
		struct drain_options expected = options;

		expected.policy.max_held_opens = cases[i].number;
		assert_null(drain_options_set(*state, &options,
					      "max held opens",
					      cases[i].value));
		assert_options_equal(&options, &expected);
	}
}

static void test_refuse_status(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct drain_options options = other_options();
		struct drain_options expected = options;

		expected.policy.refuse_status = statuses[i].status;
		assert_null(drain_options_set(*state, &options,
					      "refuse status",
					      statuses[i].word));
		assert_options_equal(&options, &expected);
	}
}

static void test_refuse_status_ignores_case(void **state)
{
	struct drain_options options = drain_options_default;

	assert_null(drain_options_set(*state, &options, "refuse status",
				      "Access_DENIED"));
	assert_int_equal(options.policy.refuse_status, 0xC0000022);
}

/* The last one is what holds, and one option leaves the other alone */
static void test_one_after_the_other(void **state)
{
	struct drain_options options = drain_options_default;

	assert_null(drain_options_set(*state, &options, "refuse status",
				      "network_busy"));
	assert_null(drain_options_set(*state, &options, "count directories",
				      "yes"));
	assert_null(drain_options_set(*state, &options, "refuse status",
				      "access_denied"));
	assert_true(options.policy.count_directories);
	assert_int_equal(options.policy.refuse_status, 0xC0000022);

	assert_null(drain_options_set(*state, &options, "count directories",
				      "no"));
	assert_false(options.policy.count_directories);
	assert_int_equal(options.policy.refuse_status, 0xC0000022);
}

/* The complaint names the option and all that it takes; nothing is set */
static void check_complaint(TALLOC_CTX *mem_ctx,
			    const char *name,
			    const char *value,
			    const char *const *words,
			    size_t num_words)
{
	struct drain_options options = other_options();
	const struct drain_options before = options;
	char *why = drain_options_set(mem_ctx, &options, name, value);
	size_t i;

	if (why == NULL) {
		fail_msg("%s = %s is taken", name, value);
	}
	assert_ptr_equal(talloc_parent(why), mem_ctx);
	assert_options_equal(&options, &before);
	for (i = 0; i < num_words; i++) {
		if (strstr(why, words[i]) == NULL) {
			fail_msg("'%s' does not say '%s'", why, words[i]);
		}
	}
}

static void test_wrong_boolean(void **state)
{
	static const char *values[] = {
		"", "y", "n", "ye", "yess", "yes please", "nope", "2", "-1",
		"00", "10", "tru", "enabled", "sharing_violation",
	};
	static const char *booleans_of[] = {
		"break leases", "count directories", "durable handles",
	};
	size_t i;
	size_t j;

	for (j = 0; j < ARRAY_SIZE(booleans_of); j++) {
		const char *words[] = {booleans_of[j], "yes", "no"};

		for (i = 0; i < ARRAY_SIZE(values); i++) {
			check_complaint(*state, booleans_of[j], values[i],
					words, ARRAY_SIZE(words));
		}
	}
}

static void test_wrong_hold(void **state)
{
	static const struct {
		const char *name;
		const char *takes;
		const char *value;
	} cases[] = {
		{"new opens", "refuse or hold", ""},
		{"new opens", "refuse or hold", "park"},
		{"new opens", "refuse or hold", "yes"},
		{"new opens", "refuse or hold", "holds"},
		{"hold timeout", "duration", ""},
		{"hold timeout", "duration", "soon"},
		{"hold timeout", "duration", "-1"},
		{"hold timeout", "duration", "10 years"},
		{"max held opens", "number", ""},
		{"max held opens", "number", "-1"},
		{"max held opens", "number", "+1"},
		{"max held opens", "number", " 1"},
		{"max held opens", "number", "1k"},
		{"max held opens", "number", "4294967296"},
		{"max held opens", "number", "99999999999999999999999"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *words[] = {cases[i].name, cases[i].takes};

		check_complaint(*state, cases[i].name, cases[i].value, words,
				ARRAY_SIZE(words));
	}
}

static void test_wrong_status(void **state)
{
	static const char *values[] = {
		"", "sharing", "sharing_violations", "sharing violation",
		"sharing-violation", "sharingviolation", "violation",
		"STATUS_SHARING_VIOLATION", "NT_STATUS_SHARING_VIOLATION",
		"0xC0000043", "3221225539", "yes", "0", "ok", "success",
		/* clients would try again for ever, or believe it is gone */
		"retry", "server_unavailable", "delete_pending",
		"object_name_not_found", "network_name_deleted",
	};
	static const char *words[] = {
		"refuse status", "sharing_violation", "file_not_available",
		"file_lock_conflict", "network_busy", "access_denied",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		check_complaint(*state, "refuse status", values[i], words,
				ARRAY_SIZE(words));
	}
}

/*
 * Names: smb.conf(5), "case and whitespace do not matter"
 */

static void test_case_and_blanks_in_names(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} cases[] = {
		{"count directories", "yes"},
		{"Count Directories", "yes"},
		{"COUNT DIRECTORIES", "yes"},
		{"countdirectories", "yes"},
		{"CountDirectories", "yes"},
		{"  count   directories  ", "yes"},
		{"\tcount\tdirectories\t", "yes"},
		{"c o u n t d i r e c t o r i e s", "yes"},
		{"refuse status", "access_denied"},
		{"RefuseStatus", "access_denied"},
		{" REFUSE  STATUS", "access_denied"},
		{"refuse\t status\t", "access_denied"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drain_options options = drain_options_default;
		char *why = drain_options_set(*state, &options, cases[i].name,
					      cases[i].value);
		bool counts = cases[i].value[0] == 'y';

		if (why != NULL) {
			fail_msg("%s", why);
		}
		assert_int_equal(options.policy.count_directories, counts);
		assert_int_equal(options.policy.refuse_status,
				 counts ? 0xC0000043 : 0xC0000022);
	}
}

static void test_unknown_names(void **state)
{
	static const char *cases[] = {
		"", " ", "\t", "count", "directories", "count directory",
		"count directoriess", "count directorie", "ccount directories",
		"ount directories", "count directores", "count_directories",
		"count-directories", "count.directories",
		"drain:count directories", "count directories yes",
		"directories count", "refuse", "status", "refuse statuses",
		"refuse statu", "refused status", "refuse_status",
		"refusal status", "count directories refuse status",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		check_complaint(*state, cases[i], "yes", &cases[i], 1);
		check_complaint(*state, cases[i], "access_denied", &cases[i],
				1);
	}
}

/* Every single mistake of typing: left out, twice, another letter */
static void test_misspelt_names(void **state)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(options_of_words); n++) {
		const char *value = options_of_words[n].value;
		const char *name = options_of_words[n].name;
		size_t len = strlen(name);
		size_t i;

		for (i = 0; i < len; i++) {
			const char *typos[] = {
				talloc_asprintf(*state, "%.*s%s", (int)i, name,
						name + i + 1),
				talloc_asprintf(*state, "%.*s%s", (int)i + 1,
						name, name + i),
				talloc_asprintf(*state, "%.*s_%s", (int)i,
						name, name + i + 1),
			};
			size_t j;

			for (j = 0; j < ARRAY_SIZE(typos); j++) {
				/* A blank more or less is none */
				if (name[i] == ' ' && j < 2) {
					continue;
				}
				check_complaint(*state, typos[j], value,
						&typos[j], 1);
			}
		}
	}
}

/* What is listed is an option, not an unknown name */
static void test_listed_names_exist(void **state)
{
	size_t n;

	for (n = 0; n < ARRAY_SIZE(options_of_words); n++) {
		const char *name = options_of_words[n].name;
		const char *words[] = {name, "the value must be"};

		check_complaint(*state, name, "no such value", words,
				ARRAY_SIZE(words));
	}
}

/*
 * Names of statuses
 */

static void test_status_names(void **state)
{
	uint32_t code;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		assert_string_equal(
			drain_refuse_status_name(statuses[i].status),
			statuses[i].word);
	}

	/* All the errors there are of smbd's own, and what is none */
	for (code = 0; code < 0x1000; code++) {
		bool known = false;

		for (i = 0; i < ARRAY_SIZE(statuses); i++) {
			known |= statuses[i].status == (0xC0000000 | code);
		}
		if ((drain_refuse_status_name(0xC0000000 | code) != NULL) !=
		    known) {
			fail_msg("0x%08x", 0xC0000000 | code);
		}
		assert_null(drain_refuse_status_name(code));
		assert_null(drain_refuse_status_name(0x80000000 | code));
	}
}

/* What is taken has a name, and the name is taken for it */
static void test_status_round_trip(void **state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct drain_options options = other_options();
		const char *name =
			drain_refuse_status_name(statuses[i].status);

		assert_null(drain_options_set(*state, &options,
					      "refuse status", name));
		assert_int_equal(options.policy.refuse_status,
				 statuses[i].status);
	}
	assert_string_equal(
		drain_refuse_status_name(
			drain_options_default.policy.refuse_status),
		"sharing_violation");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_default),
		talloc_test(test_names),
		talloc_test(test_break_leases),
		talloc_test(test_count_directories),
		talloc_test(test_durable_handles),
		talloc_test(test_lists),
		talloc_test(test_new_opens),
		talloc_test(test_hold_timeout),
		talloc_test(test_max_held_opens),
		talloc_test(test_wrong_hold),
		talloc_test(test_refuse_status),
		talloc_test(test_refuse_status_ignores_case),
		talloc_test(test_one_after_the_other),
		talloc_test(test_wrong_boolean),
		talloc_test(test_wrong_status),
		talloc_test(test_case_and_blanks_in_names),
		talloc_test(test_unknown_names),
		talloc_test(test_misspelt_names),
		talloc_test(test_listed_names_exist),
		talloc_test(test_status_names),
		talloc_test(test_status_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
