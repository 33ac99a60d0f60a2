/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Words that stand for something: ids of drains, what happens at a deadline,
 * what is done with new opens.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include <strings.h>

#include "fuzz.h"
#include "drain/record.h"

static void check_id(const char *text)
{
	struct drain_id id;
	struct drain_id_buf buf;

	if (drain_id_parse(text, &id)) {
		CHECK(strcmp(drain_id_string(&id, &buf), text) == 0);
	}
}

static void check_bytes_of_id(struct fuzz_input *input)
{
	struct drain_id id = {.bytes = {0}};
	struct drain_id again;
	struct drain_id_buf buf;
	size_t i;

	for (i = 0; i < sizeof(id.bytes); i++) {
		id.bytes[i] = fuzz_number(input, 1);
	}
	CHECK(drain_id_parse(drain_id_string(&id, &buf), &again));
	CHECK(drain_id_equal(&id, &again));
}

void fuzz_one(struct fuzz_input *input)
{
	struct fuzz_input copy = *input;
	char *text = fuzz_text(&copy);
	enum drain_on_timeout on_timeout;
	bool hold;

	check_bytes_of_id(input);
	check_id(text);
	if (drain_on_timeout_parse(text, &on_timeout)) {
		CHECK(strcmp(drain_on_timeout_string(on_timeout), text) == 0);
	}
	if (drain_new_opens_parse(text, &hold)) {
		CHECK(strcasecmp(text, hold ? "hold" : "refuse") == 0);
	}
}
