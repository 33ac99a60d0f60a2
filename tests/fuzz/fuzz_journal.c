/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Plans in the journal of a publish.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "publish/plan_json.h"
#include "drain/plan.h"
#include "fuzz.h"

/* In the directory, not elsewhere */
static void check_name(const char *name)
{
	CHECK(name[0] != '\0' && strchr(name, '/') == NULL);
	CHECK(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

static void check_again(TALLOC_CTX *mem_ctx, const struct drain_plan *plan)
{
	json_t *json = plan_to_json(plan);
	struct drain_plan *again = plan_from_json(mem_ctx, json);
	size_t i;

	json_decref(json);
	CHECK(again != NULL && again->num_entries == plan->num_entries);
	for (i = 0; i < plan->num_entries; i++) {
		const struct drain_plan_entry *a = &plan->entries[i];
		const struct drain_plan_entry *b = &again->entries[i];

		check_name(a->name);
		CHECK(strcmp(a->name, b->name) == 0);
		CHECK(a->in == b->in && a->out == b->out);
	}
}

void fuzz_one(struct fuzz_input *input)
{
	TALLOC_CTX *frame = talloc_stackframe();
	json_t *json = json_loadb((const char *)input->data, input->size, 0,
				  NULL);
	struct drain_plan *plan = NULL;

	plan = plan_from_json(frame, json_object_get(json, "entries"));
	if (plan != NULL) {
		check_again(frame, plan);
	}
	json_decref(json);
	TALLOC_FREE(frame);
}
