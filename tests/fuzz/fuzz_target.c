/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Targets that people type.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/options.h"
#include "drain/record.h"
#include "drain/target.h"

/* What can be typed can be stored */
static void check_record(const struct drain_target *target)
{
	const char *real[] = {"/srv"};
	const struct drain_record record = {
		.id.bytes = {1},
		.state = DRAIN_ARMING,
		.policy = drain_options_default.policy,
		.target = *target,
		.real = real,
		.num_real = 1,
		.publishing = "",
	};

	CHECK(drain_record_error(&record) == NULL);
}

void fuzz_one(struct fuzz_input *input)
{
	char *text = fuzz_text(input);
	char *name = NULL;
	struct drain_target target;
	struct drain_target again;
	size_t len;

	if (drain_target_parse(input->mem_ctx, text, &target) != NULL) {
		return;
	}
	CHECK(target.share[0] != '\0' && strchr(target.share, '/') == NULL);
	CHECK(strpbrk(target.path, "\\") == NULL);
	check_record(&target);

	/* What it is called is what was typed, but for a '/' at the end */
	name = drain_target_name(input->mem_ctx, &target);
	len = strlen(name);
	CHECK(strncmp(name, text, len) == 0);
	CHECK(text[len] == '\0' || strcmp(text + len, "/") == 0);

	CHECK(drain_target_parse(input->mem_ctx, name, &again) == NULL);
	CHECK(strcmp(again.share, target.share) == 0);
	CHECK(strcmp(again.path, target.path) == 0);
}
