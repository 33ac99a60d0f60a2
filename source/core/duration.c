// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Durations in the notation of sleep(1).
 */

#include <inttypes.h>
#include <string.h>

#include "drain/duration.h"

#define DRAIN_SECONDS_MAX (366 * 24 * 3600.0)

static double unit_seconds(const char *unit)
{
	if (strcmp(unit, "") == 0 || strcmp(unit, "s") == 0) {
		return 1;
	}
	if (strcmp(unit, "m") == 0) {
		return 60;
	}
	if (strcmp(unit, "h") == 0) {
		return 3600;
	}
	if (strcmp(unit, "d") == 0) {
		return 24 * 3600;
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* strtod(3) would use the decimal point of smbd's locale */
static double number(const char *text, const char **end)
{
	double value = 0;
	double scale = 1;

	for (; is_digit(*text); text++) {
		value = value * 10 + (*text - '0');
	}
	if (*text == '.') {
		for (text++; is_digit(*text); text++) {
			value = value * 10 + (*text - '0');
			scale *= 10;
		}
	}
	*end = text;
	return value / scale;
}

bool drain_duration_parse(const char *text, uint64_t *milliseconds)
{
	const char *end = NULL;
	double seconds;
	double unit;

	if (!is_digit(text[0]) && !(text[0] == '.' && is_digit(text[1]))) {
		return false;
	}
	seconds = number(text, &end);
	unit = unit_seconds(end);
	if (unit == 0) {
		return false;
	}

	seconds *= unit;
	if (!(seconds <= DRAIN_SECONDS_MAX)) {
		return false;
	}

	*milliseconds = (uint64_t)(seconds * 1000 + 0.5);
	return true;
}

char *drain_duration_string(TALLOC_CTX *mem_ctx, uint64_t milliseconds)
{
	uint64_t s = milliseconds / 1000;

	if (s < 10) {
		return talloc_asprintf(mem_ctx, "%.1fs", milliseconds / 1000.0);
	}
	if (s < 60) {
		return talloc_asprintf(mem_ctx, "%" PRIu64 "s", s);
	}
	if (s < 3600) {
		return talloc_asprintf(mem_ctx, "%" PRIu64 "m%02" PRIu64 "s",
				       s / 60, s % 60);
	}
	if (s < UINT64_C(48) * 3600) {
		return talloc_asprintf(mem_ctx, "%" PRIu64 "h%02" PRIu64 "m",
				       s / 3600, s / 60 % 60);
	}
	return talloc_asprintf(mem_ctx, "%" PRIu64 "d%02" PRIu64 "h",
			       s / 86400, s / 3600 % 24);
}
