// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Convert a plan to and from the JSON of a journal.
 *
 * A name is "name" if it is UTF-8, else "hex".
 */

#include "publish/plan_json.h"
#include "drain/plan.h"

static json_t *entry_to_json(const struct drain_plan_entry *e)
{
	json_t *json = json_pack("{s:I, s:I}", "in", (json_int_t)e->in, "out",
				 (json_int_t)e->out);
	json_t *name = json_string(e->name);
	char *hex = NULL;

	if (name != NULL) {
		json_object_set_new(json, "name", name);
		return json;
	}
	hex = hex_encode_talloc(talloc_tos(), (const uint8_t *)e->name,
				strlen(e->name));
	json_object_set_new(json, "hex", json_string(hex != NULL ? hex : ""));
	TALLOC_FREE(hex);
	return json;
}

json_t *plan_to_json(const struct drain_plan *plan)
{
	json_t *entries = json_array();
	size_t i;

	for (i = 0; i < plan->num_entries; i++) {
		json_array_append_new(entries,
				      entry_to_json(&plan->entries[i]));
	}
	return entries;
}

/* Return NULL if @json is not a file name, or if out of memory. */
static const char *name_from_json(TALLOC_CTX *mem_ctx, json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *hex = json_string_value(json_object_get(json, "hex"));

	if (name == NULL && hex != NULL) {
		DATA_BLOB blob = strhex_to_data_blob(mem_ctx, hex);

		name = talloc_strndup(mem_ctx, (const char *)blob.data,
				      blob.length);
	}
	if (name == NULL || name[0] == '\0' || strchr(name, '/') != NULL ||
	    ISDOT(name) || ISDOTDOT(name)) {
		return NULL;
	}
	return name;
}

static bool entry_from_json(struct drain_plan *plan, json_t *json)
{
	json_t *in = json_object_get(json, "in");
	json_t *out = json_object_get(json, "out");
	const char *name = name_from_json(plan, json);

	return name != NULL && json_is_integer(in) && json_is_integer(out) &&
	       drain_plan_add(plan, name, json_integer_value(in),
			      json_integer_value(out));
}

struct drain_plan *plan_from_json(TALLOC_CTX *mem_ctx, json_t *entries)
{
	struct drain_plan *plan = drain_plan_new(mem_ctx);
	json_t *entry = NULL;
	size_t i;

	if (plan == NULL || !json_is_array(entries)) {
		TALLOC_FREE(plan);
		return NULL;
	}
	json_array_foreach(entries, i, entry) {
		if (!entry_from_json(plan, entry)) {
			TALLOC_FREE(plan);
			return NULL;
		}
	}
	return plan;
}
