/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Durations.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "unit.h"

#include <ctype.h>

#include "drain/duration.h"

#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (366 * DAY) /* there are such years */

static void test_parse_takes(void **state)
{
	static const struct {
		const char *text;
		uint64_t milliseconds;
	} cases[] = {
		{"90", 90 * SECOND},
		{"90s", 90 * SECOND},
		{"1.5m", 90 * SECOND},
		{"2h", 2 * HOUR},
		{"1d", DAY},
		{"0", 0},
		{"0s", 0},
		{"0.0d", 0},
		{"007", 7 * SECOND},
		{".5", 500},
		{"5.", 5 * SECOND},
		{"5.m", 5 * MINUTE},
		{"0.1", 100},
		{"0.001", 1},
		{"0.25h", 15 * MINUTE},
		{"0.1d", 2 * HOUR + 24 * MINUTE},
		/* rounded to the nearest */
		{"0.0004", 0},
		{"0.0006", 1},
		{"1.9994", 1999},
		{"1.9996", 2000},
		{"0.00001m", 1},
		{"0.000008m", 0},
		/* a year and no more */
		{"365d", 365 * DAY},
		{"366d", YEAR},
		{"8784h", YEAR},
		{"527040m", YEAR},
		{"31622400", YEAR},
		{"31622399.999", YEAR - 1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t milliseconds = 12345;

		if (!drain_duration_parse(cases[i].text, &milliseconds)) {
			fail_msg("'%s' is refused", cases[i].text);
		}
		if (milliseconds != cases[i].milliseconds) {
			fail_msg("'%s' is %llu", cases[i].text,
				 (unsigned long long)milliseconds);
		}
	}
}

static void test_parse_refuses(void **state)
{
	static const char *cases[] = {
		"", " ", "\t", "s", "m", ".", "..", ".s", "-", "+",
		"never", "d1",
		/* negative, or signed at all */
		"-1", "-0", "-0.5h", "+1", "+1s", "--1",
		/* blanks */
		" 1", "1 ", "1 s", "1s ", "\t1", "1\n", "1s\n",
		/* more than one number or unit */
		"1..2", "1.2.3", "1s2m", "1m30s", "1ss", "1sm", "1:30", "1-2",
		/* units that sleep(1) does not have */
		"1w", "1y", "1ms", "1min", "1sec", "1S", "1M", "1H", "1D",
		/* what strtod(3) knows */
		"0x10", "0X10", "0x1p3", "inf", "INF", "infinity", "nan",
		"NAN", "nan(1)", "-inf",
		/* digits and points of others */
		"1,5m", "\xd9\xa3", "\xc2\xb2", "\xff", "1\xff",
		/* too long */
		"367d", "366.01d", "8784.01h", "8785h", "527040.1m",
		"527041m", "31622400.01", "31622401", "1000000000d",
		"18446744073709551616", "18446744073709551617s",
		"99999999999999999999999999999999999999999999999999999999d",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t milliseconds;

		if (drain_duration_parse(cases[i], &milliseconds)) {
			fail_msg("'%s' is taken", cases[i]);
		}
	}
}

/* More digits than a double has an exponent for */
static void test_parse_huge(void **state)
{
	char text[1001];
	uint64_t milliseconds;

	(void)state;
	memset(text, '9', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(drain_duration_parse(text, &milliseconds));

	memset(text, '0', sizeof(text) - 1);
	text[sizeof(text) - 2] = '7';
	assert_true(drain_duration_parse(text, &milliseconds));
	assert_int_equal(milliseconds, 7 * SECOND);
}

static uint64_t unit_length(const char *unit)
{
	if (strcmp(unit, "") == 0 || strcmp(unit, "s") == 0) {
		return SECOND;
	}
	if (strcmp(unit, "m") == 0) {
		return MINUTE;
	}
	if (strcmp(unit, "h") == 0) {
		return HOUR;
	}
	if (strcmp(unit, "d") == 0) {
		return DAY;
	}
	return 0;
}

/*
 * Digits, at most one point among them, and a unit; read in whole numbers.
 * The duration is *number / *divisor milliseconds.
 */
static bool read_slowly(const char *text, uint64_t *number, uint64_t *divisor)
{
	size_t digits = 0;
	bool point = false;

	*number = 0;
	*divisor = 1;
	for (; isdigit((unsigned char)*text) || (*text == '.' && !point);
	     text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		*number = 10 * *number + (*text - '0');
		*divisor *= point ? 10 : 1;
		digits += 1;
	}
	*number *= unit_length(text);
	return digits > 0 && unit_length(text) > 0 &&
	       *number <= YEAR * *divisor;
}

/* Half a millisecond may be rounded either way */
static void check_text(const char *text, bool *taken)
{
	uint64_t number;
	uint64_t divisor;
	uint64_t got;
	uint64_t exact;

	*taken = drain_duration_parse(text, &got);
	if (*taken != read_slowly(text, &number, &divisor)) {
		fail_msg("'%s' is %s", text, *taken ? "taken" : "refused");
	}
	if (!*taken) {
		return;
	}
	exact = 2 * number;
	got *= 2 * divisor;
	if (got > exact + divisor || exact > got + divisor) {
		fail_msg("'%s' is %llu", text,
			 (unsigned long long)(got / (2 * divisor)));
	}
}

/* Every text of up to 5 characters out of these */
static void test_parse_everything(void **state)
{
	static const char alphabet[] = "059.smhdx -";
	const size_t base = sizeof(alphabet) - 1;
	size_t num_taken = 0;
	size_t count = 1;
	size_t len;

	(void)state;
	for (len = 0; len <= 5; len++, count *= base) {
		size_t n;

		for (n = 0; n < count; n++) {
			char text[6] = "";
			bool taken;
			size_t rest = n;
			size_t i;

			for (i = 0; i < len; i++, rest /= base) {
				text[i] = alphabet[rest % base];
			}
			check_text(text, &taken);
			num_taken += taken;
		}
	}
	assert_true(num_taken > 1000);
}

/* No millisecond is lost */
static void test_parse_each_millisecond(void **state)
{
	uint64_t seed = 3;
	size_t i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		uint64_t ms = (i < 100000) ? i : unit_below(&seed, YEAR + 1);
		uint64_t got = 0;
		char text[32];

		snprintf(text, sizeof(text), "%llu.%03u",
			 (unsigned long long)(ms / 1000),
			 (unsigned)(ms % 1000));
		if (!drain_duration_parse(text, &got) || got != ms) {
			fail_msg("%s is %llu", text, (unsigned long long)got);
		}
	}
}

/*
 * For people
 */

static void test_string(void **state)
{
	static const struct {
		uint64_t milliseconds;
		const char *text;
	} cases[] = {
		{0, "0.0s"},
		{100, "0.1s"},
		{1500, "1.5s"},
		{9900, "9.9s"},
		{10 * SECOND, "10s"},
		{59 * SECOND, "59s"},
		{MINUTE, "1m00s"},
		{2 * MINUTE + 10 * SECOND, "2m10s"},
		{59 * MINUTE + 59 * SECOND, "59m59s"},
		{HOUR, "1h00m"},
		{3 * HOUR + 5 * MINUTE, "3h05m"},
		{47 * HOUR + 59 * MINUTE, "47h59m"},
		{2 * DAY, "2d00h"},
		{2 * DAY + 4 * HOUR, "2d04h"},
		{YEAR, "366d00h"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = drain_duration_string(*state,
						   cases[i].milliseconds);

		assert_string_equal(text, cases[i].text);
		assert_ptr_equal(talloc_parent(text), *state);
	}
}

/* What a text for people says, and how exactly it says it */
static bool read_back(const char *text, uint64_t *value, uint64_t *precision)
{
	static const struct {
		char first;
		char second;
		uint64_t one;
		uint64_t other;
		unsigned most;
		size_t digits;
	} forms[] = {
		{'.', 's', SECOND, 100, 9, 1},
		{'m', 's', MINUTE, SECOND, 59, 2},
		{'h', 'm', HOUR, MINUTE, 59, 2},
		{'d', 'h', DAY, HOUR, 23, 2},
	};
	unsigned long long a = 0;
	unsigned b = 0;
	char first = 0;
	char second = 0;
	int n = sscanf(text, "%llu%c%u%c", &a, &first, &b, &second);
	size_t end = strspn(text, "0123456789");
	size_t i;

	if (n == 2 && strcmp(text + end, "s") == 0) {
		*value = a * SECOND;
		*precision = SECOND;
		return true;
	}
	for (i = 0; n == 4 && i < ARRAY_SIZE(forms); i++) {
		size_t digits = strspn(text + end + 1, "0123456789");

		if (first == forms[i].first && second == forms[i].second &&
		    b <= forms[i].most && digits == forms[i].digits &&
		    text[end + 1 + digits + 1] == '\0') {
			*value = a * forms[i].one + b * forms[i].other;
			*precision = forms[i].other;
			return true;
		}
	}
	return false;
}

static uint64_t check_string(TALLOC_CTX *mem_ctx, uint64_t ms)
{
	char *text = drain_duration_string(mem_ctx, ms);
	uint64_t value = 0;
	uint64_t precision = 0;

	assert_non_null(text);
	if (!read_back(text, &value, &precision) ||
	    (value <= ms && ms - value >= precision) ||
	    (value > ms && value - ms > precision / 2)) {
		fail_msg("%llu is '%s'", (unsigned long long)ms, text);
	}
	talloc_free(text);
	return value;
}

/* Right to its last digit, and a longer time never reads shorter */
static void test_string_of_each(void **state)
{
	uint64_t ms;
	uint64_t last = 0;

	for (ms = 0; ms < 3 * DAY; ms += (ms < 2 * MINUTE) ? 1 : 997) {
		uint64_t value = check_string(*state, ms);

		assert_true(value >= last);
		last = value;
	}
}

static void test_string_of_any(void **state)
{
	uint64_t seed = 4;
	size_t i;

	for (i = 0; i < 64; i++) {
		check_string(*state, UINT64_MAX >> i);
	}
	for (i = 0; i < 100000; i++) {
		check_string(*state,
			     unit_random(&seed) >> unit_below(&seed, 64));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		talloc_test(test_parse_takes),
		talloc_test(test_parse_refuses),
		talloc_test(test_parse_huge),
		talloc_test(test_parse_everything),
		talloc_test(test_parse_each_millisecond),
		talloc_test(test_string),
		talloc_test(test_string_of_each),
		talloc_test(test_string_of_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
