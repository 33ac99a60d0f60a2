/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The record of a drain and its state machine.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include "drain/record.h"

static const struct drain_id some_id = {
	.bytes = {0x2f, 0x1c, 0x6f, 0x5e, 0x00, 0x01, 0x4a, 0xb0, 0x8f, 0xff,
		  0x10, 0x09, 0x90, 0xab, 0xcd, 0xef},
};

static const char some_id_string[] = "2f1c6f5e-0001-4ab0-8fff-100990abcdef";

/*
 * Ids
 */

static struct drain_id random_id(uint64_t *seed)
{
	struct drain_id id;
	size_t i;

	for (i = 0; i < sizeof(id.bytes); i++) {
		id.bytes[i] = unit_below(seed, 256);
	}
	return id;
}

static void test_id_string(void **state)
{
	struct drain_id id;
	struct drain_id_buf buf;

	(void)state;
	assert_int_equal(sizeof(some_id_string), DRAIN_ID_STRING_SIZE);
	assert_string_equal(drain_id_string(&some_id, &buf), some_id_string);
	assert_ptr_equal(drain_id_string(&some_id, &buf), buf.buf);

	memset(&id, 0, sizeof(id));
	assert_true(drain_id_parse(some_id_string, &id));
	assert_memory_equal(id.bytes, some_id.bytes, sizeof(id.bytes));
}

static void test_id_round_trip(void **state)
{
	uint64_t seed = 6;
	size_t i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		const struct drain_id id = random_id(&seed);
		struct drain_id again = random_id(&seed);
		struct drain_id_buf buf;
		const char *text = drain_id_string(&id, &buf);

		assert_int_equal(strlen(text), DRAIN_ID_STRING_SIZE - 1);
		assert_true(drain_id_parse(text, &again));
		assert_memory_equal(id.bytes, again.bytes, sizeof(id.bytes));
	}
}

/* An id is written in one way only */
static void test_id_rejects(void **state)
{
	static const char *cases[] = {
		"", "-", "--------", "2", "2f", "pkg", "pkg/office", "all",
		/* without dashes, dashes elsewhere, other dashes */
		"2f1c6f5e00014ab08fff100990abcdef",
		"2f1c6f5e0-001-4ab0-8fff-100990abcdef",
		"2f1c6f5-e0001-4ab0-8fff-100990abcdef",
		"2f1c-6f5e-0001-4ab0-8fff100990abcdef",
		"2f1c6f5e--0001-4ab0-8fff-100990abcde",
		"-2f1c6f5e-0001-4ab0-8fff-100990abcdef",
		"2f1c6f5e-0001-4ab0-8fff-100990abcdef-",
		"2f-1c-6f-5e-00-01-4a-b0-8f-ff-10-09-90-ab-cd-ef",
		"2f1c6f5e_0001_4ab0_8fff_100990abcdef",
		"2f1c6f5e 0001 4ab0 8fff 100990abcdef",
		/* capitals */
		"2F1C6F5E-0001-4AB0-8FFF-100990ABCDEF",
		/* more, less, around it */
		"2f1c6f5e-0001-4ab0-8fff-100990abcde",
		"2f1c6f5e-0001-4ab0-8fff-100990abcdef0",
		"2f1c6f5e-0001-4ab0-8fff-100990abcdef00",
		" 2f1c6f5e-0001-4ab0-8fff-100990abcdef",
		"2f1c6f5e-0001-4ab0-8fff-100990abcdef ",
		"2f1c6f5e-0001-4ab0-8fff-100990abcdef\n",
		"{2f1c6f5e-0001-4ab0-8fff-100990abcdef}",
		"urn:uuid:2f1c6f5e-0001-4ab0-8fff-100990abcdef",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct drain_id id;

		if (drain_id_parse(cases[i], &id)) {
			fail_msg("'%s' is taken", cases[i]);
		}
	}
}

static void check_id_with(size_t place, char c)
{
	const char *good = (some_id_string[place] == '-') ? "-"
							  : "0123456789abcdef";
	/* Of this very size: nothing is read behind its end */
	char *text = strdup(some_id_string);
	struct drain_id_buf buf;
	struct drain_id id;
	bool taken;

	assert_non_null(text);
	text[place] = c;
	taken = drain_id_parse(text, &id);
	if (taken != (c != '\0' && strchr(good, c) != NULL)) {
		fail_msg("'%s' is %s", text, taken ? "taken" : "refused");
	}
	if (taken) {
		assert_string_equal(drain_id_string(&id, &buf), text);
	}
	free(text);
}

/* Every character in every place; cut off in every place */
static void test_id_rejects_each_character(void **state)
{
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < DRAIN_ID_STRING_SIZE - 1; i++) {
		for (c = 0; c < 256; c++) {
			check_id_with(i, c);
		}
	}
}

static void test_id_ends_with_its_text(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len < DRAIN_ID_STRING_SIZE - 1; len++) {
		char *text = strndup(some_id_string, len);
		struct drain_id id;

		assert_false(drain_id_parse(text, &id));
		free(text);
	}
}

/* Each of the 128 bits matters */
static void test_id_equal_and_null(void **state)
{
	const struct drain_id null = {.bytes = {0}};
	size_t bit;

	(void)state;
	assert_true(drain_id_is_null(&null));
	assert_false(drain_id_is_null(&some_id));
	assert_true(drain_id_equal(&null, &null));
	assert_false(drain_id_equal(&null, &some_id));

	for (bit = 0; bit < 128; bit++) {
		struct drain_id id = some_id;
		struct drain_id one = null;

		assert_true(drain_id_equal(&id, &some_id));
		id.bytes[bit / 8] ^= 1 << bit % 8;
		assert_false(drain_id_equal(&id, &some_id));
		assert_false(drain_id_equal(&some_id, &id));

		one.bytes[bit / 8] ^= 1 << bit % 8;
		assert_false(drain_id_is_null(&one));
	}
}

/*
 * States
 */

/* As they are kept in the database: these numbers are for ever */
static void test_states(void **state)
{
	(void)state;
	assert_int_equal(DRAIN_ARMING, 1);
	assert_int_equal(DRAIN_ARMED, 2);
	assert_int_equal(DRAIN_QUIESCENT, 3);
	assert_string_equal(drain_state_string(DRAIN_ARMING), "arming");
	assert_string_equal(drain_state_string(DRAIN_ARMED), "armed");
	assert_string_equal(drain_state_string(DRAIN_QUIESCENT), "quiescent");
	assert_string_equal(drain_state_string(-1), "unknown");
}

static const char *some_real[] = {"/srv/pkg/office", "/export/office"};

static struct drain_record some_record(void)
{
	return (struct drain_record) {
		.id = some_id,
		.state = DRAIN_ARMING,
		.target = {.share = "pkg", .path = "office"},
		.real = some_real,
		.num_real = ARRAY_SIZE(some_real),
		.policy.refuse_status = 0xC0000043,
		.begun = 1000,
		.by = "root@server (4711)",
		.reason = "",
		.publishing = "",
	};
}

static void check_step(int is, int from, int to)
{
	const uint64_t now = 5000;
	struct drain_record record = some_record();
	struct drain_record expected;
	bool good = is == from && to == from + 1 &&
		    (from == DRAIN_ARMING || from == DRAIN_ARMED);

	record.state = is;
	record.armed = 2000;
	record.quiescent = 3000;
	memcpy(&expected, &record, sizeof(record));
	if (good) {
		expected.state = to;
	}
	if (good && to == DRAIN_ARMED) {
		expected.armed = now;
	}
	if (good && to == DRAIN_QUIESCENT) {
		expected.quiescent = now;
	}

	if (drain_record_step(&record, from, to, now) != good ||
	    memcmp(&record, &expected, sizeof(record)) != 0) {
		fail_msg("in state %d, from %d to %d", is, from, to);
	}
}

/* Also states that there are not: 0 and 4 */
static void test_step_each(void **state)
{
	int is;
	int from;
	int to;

	(void)state;
	for (is = 0; is <= 4; is++) {
		for (from = 0; from <= 4; from++) {
			for (to = 0; to <= 4; to++) {
				check_step(is, from, to);
			}
		}
	}
}

/* The whole life; who comes second with the same step has lost */
static void test_step_by_step(void **state)
{
	struct drain_record record = some_record();

	(void)state;
	assert_true(drain_record_step(&record, DRAIN_ARMING, DRAIN_ARMED,
				      2000));
	assert_false(drain_record_step(&record, DRAIN_ARMING, DRAIN_ARMED,
				       2500));
	assert_null(drain_record_error(&record));
	assert_true(drain_record_step(&record, DRAIN_ARMED, DRAIN_QUIESCENT,
				      UINT64_MAX));
	assert_false(drain_record_step(&record, DRAIN_ARMED, DRAIN_QUIESCENT,
				       3500));
	assert_null(drain_record_error(&record));

	assert_int_equal(record.state, DRAIN_QUIESCENT);
	assert_int_equal(record.begun, 1000);
	assert_int_equal(record.armed, 2000);
	assert_true(record.quiescent == UINT64_MAX);
}

/*
 * What a record may say
 */

static void test_error_none(void **state)
{
	static const char *paths[] = {
		"/", "/srv", "/srv/pkg", "/srv/...", "/srv/.x/..x/x..",
		"/srv/my pkg", "/srv/\xff",
	};
	struct drain_record record = some_record();
	size_t i;

	(void)state;
	assert_null(drain_record_error(&record));

	/* The whole share */
	record.target.path = "";
	assert_null(drain_record_error(&record));

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		record.real = &paths[i];
		record.num_real = 1;
		if (drain_record_error(&record) != NULL) {
			fail_msg("%s: %s", paths[i],
				 drain_record_error(&record));
		}
	}
}

static void test_error_id(void **state)
{
	struct drain_record record = some_record();

	(void)state;
	memset(&record.id, 0, sizeof(record.id));
	assert_non_null(drain_record_error(&record));
	record.id.bytes[15] = 1;
	assert_null(drain_record_error(&record));
}

/* Half published is only what is quiescent, and a directory is named */
static void test_error_publishing(void **state)
{
	struct drain_record record = some_record();

	(void)state;
	record.publishing = "/srv/new";
	assert_non_null(drain_record_error(&record));
	record.state = DRAIN_QUIESCENT;
	assert_null(drain_record_error(&record));
	record.publishing = "srv/new";
	assert_non_null(drain_record_error(&record));
	record.publishing = "/srv/../new";
	assert_non_null(drain_record_error(&record));
}

static void test_error_state(void **state)
{
	static const int cases[] = {0, 4, 5, 255, 65535, -1};
	struct drain_record record = some_record();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		record.state = cases[i];
		if (drain_record_error(&record) == NULL) {
			fail_msg("state %d is fine", cases[i]);
		}
	}
}

static void test_error_share(void **state)
{
	static const char *cases[] = {
		"", ".", "..", "/", "/pkg", "pkg/", "pkg/office", "pkg\\x",
	};
	struct drain_record record = some_record();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		record.target.share = cases[i];
		if (drain_record_error(&record) == NULL) {
			fail_msg("'%s' is fine", cases[i]);
		}
	}
}

static const char *error_of_real(const char *path, size_t place)
{
	struct drain_record record = some_record();
	const char *real[] = {"/srv/a", "/srv/b", "/srv/c"};

	real[place] = path;
	record.real = real;
	record.num_real = ARRAY_SIZE(real);
	return drain_record_error(&record);
}

static void test_error_real(void **state)
{
	static const char *cases[] = {
		"", "srv", "srv/pkg", ".", "./srv", " /srv", "//", "//srv",
		"/srv/", "/srv/pkg/", "/srv//pkg", "/srv///pkg", "/srv//",
	};
	struct drain_record record = some_record();
	size_t i;
	size_t place;

	(void)state;
	record.num_real = 0;
	assert_non_null(drain_record_error(&record));

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		for (place = 0; place < 3; place++) {
			if (error_of_real(cases[i], place) == NULL) {
				fail_msg("'%s' is fine", cases[i]);
			}
		}
	}
}

/* A real path has no such names, and nothing would be in it */
static void test_error_real_with_dots(void **state)
{
	static const char *cases[] = {
		"/.", "/..", "/srv/.", "/srv/..", "/./srv", "/../srv",
		"/srv/./pkg", "/srv/../pkg",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (error_of_real(cases[i], 0) == NULL) {
			fail_msg("'%s' is fine", cases[i]);
		}
	}
}

/* target.h: no leading, trailing or double '/', no "." or ".." */
static void test_error_target_path(void **state)
{
	static const char *cases[] = {
		"/", "/office", "office/", "office//16", ".", "..",
		"./office", "../etc", "office/.", "office/..",
		"office/../16", "office/./16", "office\\16",
	};
	struct drain_record record = some_record();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		record.target.path = cases[i];
		if (drain_record_error(&record) == NULL) {
			fail_msg("'%s' is fine", cases[i]);
		}
	}
}

/*
 * The deadline
 */

static const struct {
	enum drain_on_timeout on_timeout;
	const char *word;
} on_timeouts[] = {
	{DRAIN_TIMEOUT_FAIL, "fail"},
	{DRAIN_TIMEOUT_FORCE, "force"},
	{DRAIN_TIMEOUT_RESUME, "resume"},
};

static void test_on_timeout_words(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(on_timeouts); i++) {
		enum drain_on_timeout result = -1;

		assert_string_equal(
			drain_on_timeout_string(on_timeouts[i].on_timeout),
			on_timeouts[i].word);
		assert_true(drain_on_timeout_parse(on_timeouts[i].word,
						   &result));
		assert_int_equal(result, on_timeouts[i].on_timeout);
	}
	assert_string_equal(drain_on_timeout_string(3), "unknown");
	assert_string_equal(drain_on_timeout_string(-1), "unknown");
}

static void test_on_timeout_rejects(void **state)
{
	static const char *cases[] = {
		"", "f", "fai", "fails", "FAIL", "Force", " force", "force ",
		"kill", "resumed", "unknown", "0", "1", "fail,force",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		enum drain_on_timeout result = DRAIN_TIMEOUT_FORCE;

		if (drain_on_timeout_parse(cases[i], &result)) {
			fail_msg("'%s' is taken", cases[i]);
		}
		assert_int_equal(result, DRAIN_TIMEOUT_FORCE);
	}
}

static void test_error_on_timeout(void **state)
{
	struct drain_record record = some_record();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(on_timeouts); i++) {
		record.on_timeout = on_timeouts[i].on_timeout;
		assert_null(drain_record_error(&record));
	}
	record.on_timeout = 3;
	assert_non_null(drain_record_error(&record));
	record.on_timeout = -1;
	assert_non_null(drain_record_error(&record));
}

/* STATUS_SUCCESS and warnings would be no refusal */
static void test_error_refuse_status(void **state)
{
	static const uint32_t cases[] = {
		0, 1, 0x43, 0x103, 0x40000043, 0x80000005, 0xC0000042,
		0xC0000044, UINT32_MAX,
	};
	struct drain_record record = some_record();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		record.policy.refuse_status = cases[i];
		if (drain_record_error(&record) == NULL) {
			fail_msg("status 0x%x is fine", cases[i]);
		}
	}
	record.policy.refuse_status = 0xC0000022;
	assert_null(drain_record_error(&record));
}

/* From its very microsecond on, until it is quiescent; 0 is never */
static void test_is_due(void **state)
{
	static const struct {
		uint64_t deadline;
		uint64_t now;
		bool due;
	} cases[] = {
		{0, 0, false},
		{0, UINT64_MAX, false},
		{1000, 0, false},
		{1000, 999, false},
		{1000, 1000, true},
		{1000, 1001, true},
		{1000, UINT64_MAX, true},
		{UINT64_MAX, UINT64_MAX - 1, false},
		{UINT64_MAX, UINT64_MAX, true},
	};
	struct drain_record record = some_record();
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		record.deadline = cases[i].deadline;
		for (j = 0; j < ARRAY_SIZE(on_timeouts); j++) {
			record.on_timeout = on_timeouts[j].on_timeout;
			record.state = DRAIN_ARMING;
			assert_int_equal(
				drain_record_is_due(&record, cases[i].now),
				cases[i].due);
			record.state = DRAIN_ARMED;
			assert_int_equal(
				drain_record_is_due(&record, cases[i].now),
				cases[i].due);
			record.state = DRAIN_QUIESCENT;
			assert_false(
				drain_record_is_due(&record, cases[i].now));
		}
	}
}

/*
 * What it covers
 */

static void test_covers(void **state)
{
	static const struct {
		const char *path;
		bool covered;
		bool overlaps;
	} cases[] = {
		{"/srv/pkg/office", true, true},
		{"/srv/pkg/office/16/x", true, true},
		{"/export/office", true, true},
		{"/export/office/16", true, true},
		{"/srv/pkg", false, true},
		{"/export", false, true},
		{"/", false, true},
		{"/srv/pkg/off", false, false},
		{"/srv/pkg/office2", false, false},
		{"/export/pkg/office", false, false},
		{"/home", false, false},
	};
	const struct drain_record record = some_record();
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (drain_record_covers(&record, cases[i].path) !=
			    cases[i].covered ||
		    drain_record_overlaps(&record, cases[i].path) !=
			    cases[i].overlaps) {
			fail_msg("%s", cases[i].path);
		}
	}
}

static void test_covers_any(void **state)
{
	uint64_t seed = 7;
	size_t i;

	for (i = 0; i < 20000; i++) {
		struct drain_record record = some_record();
		const char *real[4];
		const char *path = unit_path(*state, &seed, 5);
		bool covered = false;
		bool overlaps = false;
		size_t j;

		record.real = real;
		record.num_real = 1 + unit_below(&seed, ARRAY_SIZE(real));
		for (j = 0; j < record.num_real; j++) {
			real[j] = unit_path(*state, &seed, 4);
			covered |= drain_path_within(path, real[j]);
			overlaps |= drain_path_within(path, real[j]) ||
				    drain_path_within(real[j], path);
		}

		assert_int_equal(drain_record_covers(&record, path), covered);
		assert_int_equal(drain_record_overlaps(&record, path),
				 overlaps);
		talloc_free_children(*state);
	}
}

static void test_same_target(void **state)
{
	const char *one[] = {"/srv/pkg/app", "/srv/pkg/link"};
	const char *same[] = {"/srv/pkg/app"};
	const char *other[] = {"/srv/pkg/link", "/srv/pkg/app"};
	const struct drain_record a = {.real = one, .num_real = 2};
	const struct drain_record b = {.real = same, .num_real = 1};
	const struct drain_record c = {.real = other, .num_real = 2};

	(void)state;
	/* The first path is the place, whatever else is covered */
	assert_true(drain_record_same_target(&a, &b));
	assert_true(drain_record_same_target(&b, &a));
	assert_false(drain_record_same_target(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_id_string),
		talloc_test(test_id_round_trip),
		talloc_test(test_id_rejects),
		talloc_test(test_id_rejects_each_character),
		talloc_test(test_id_ends_with_its_text),
		talloc_test(test_id_equal_and_null),
		talloc_test(test_states),
		talloc_test(test_step_each),
		talloc_test(test_step_by_step),
		talloc_test(test_error_none),
		talloc_test(test_error_id),
		talloc_test(test_error_state),
		talloc_test(test_error_publishing),
		talloc_test(test_error_share),
		talloc_test(test_error_real),
		talloc_test(test_error_real_with_dots),
		talloc_test(test_error_target_path),
		talloc_test(test_on_timeout_words),
		talloc_test(test_on_timeout_rejects),
		talloc_test(test_error_on_timeout),
		talloc_test(test_error_refuse_status),
		talloc_test(test_is_due),
		talloc_test(test_covers),
		talloc_test(test_covers_any),
		talloc_test(test_same_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
