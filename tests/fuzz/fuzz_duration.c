/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Durations that people type, and those that are shown to them.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/duration.h"

#define YEAR_MSEC (UINT64_C(366) * 24 * 3600 * 1000)

/* As a program would write it */
static void check_written(TALLOC_CTX *mem_ctx, uint64_t milliseconds)
{
	char *text = talloc_asprintf(mem_ctx, "%.3f", milliseconds / 1000.0);
	uint64_t again;

	CHECK(drain_duration_parse(text, &again));
	CHECK(again == milliseconds);
}

static void check_shown(TALLOC_CTX *mem_ctx, uint64_t milliseconds)
{
	char *text = drain_duration_string(mem_ctx, milliseconds);

	CHECK(text != NULL);
	CHECK(text[0] != '\0' && strlen(text) < 20);
	CHECK(text[strspn(text, "0123456789.smhd")] == '\0');
}

/* Minutes are 60 times that, but for what is rounded */
static void check_units(TALLOC_CTX *mem_ctx, const char *digits, uint64_t sec)
{
	char *text = talloc_asprintf(mem_ctx, "%sm", digits);
	uint64_t minutes;

	if (drain_duration_parse(text, &minutes)) {
		CHECK(minutes <= sec * 60 + 30 && sec * 60 <= minutes + 30);
	} else {
		CHECK(sec * 60 + 30 >= YEAR_MSEC);
	}
}

void fuzz_one(struct fuzz_input *input)
{
	struct fuzz_input copy = *input;
	char *text = fuzz_text(&copy);
	uint64_t milliseconds = UINT64_MAX;
	uint64_t again;

	check_shown(input->mem_ctx, fuzz_number(input, 8));
	if (!drain_duration_parse(text, &milliseconds)) {
		CHECK(milliseconds == UINT64_MAX);
		return;
	}

	CHECK(milliseconds <= YEAR_MSEC);
	CHECK(text[strspn(text, "0123456789.eE+-smhd")] == '\0');
	CHECK(drain_duration_parse(text, &again) && again == milliseconds);
	check_shown(input->mem_ctx, milliseconds);
	check_written(input->mem_ctx, milliseconds);
	if (strpbrk(text, "smhd") == NULL) {
		check_units(input->mem_ctx, text, milliseconds);
	}
}
