// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the drains that contain a target, and those of parts of it. */

#include "protocol/relations.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "protocol/find.h"

static bool holds_part(const struct drain_record *place,
		       const struct drain_record *record)
{
	size_t i;

	for (i = 0; i < record->num_real; i++) {
		if (drain_record_covers(place, record->real[i])) {
			return true;
		}
	}
	return false;
}

static void sort_in(struct relations *relations,
		    const struct drain_record *place,
		    const struct drain_record *record)
{
	if (drain_record_same_target(record, place)) {
		return;
	}
	if (drain_record_covers(record, place->real[0])) {
		relations->outer[relations->num_outer] = record;
		relations->num_outer += 1;
	} else if (holds_part(place, record)) {
		relations->inner[relations->num_inner] = record;
		relations->num_inner += 1;
	}
}

struct relations *relations_find(TALLOC_CTX *mem_ctx,
				 struct tool *tool,
				 const struct drain_record *place)
{
	struct relations *relations = talloc_zero(mem_ctx, struct relations);
	struct drain_list *list = NULL;
	size_t i;

	if (relations == NULL) {
		complain("out of memory");
		return NULL;
	}
	list = find_all(relations, tool);
	if (list == NULL) {
		TALLOC_FREE(relations);
		return NULL;
	}
	relations->outer = talloc_array(relations, const struct drain_record *,
					list->num_records);
	relations->inner = talloc_array(relations, const struct drain_record *,
					list->num_records);
	if (relations->outer == NULL || relations->inner == NULL) {
		complain("out of memory");
		TALLOC_FREE(relations);
		return NULL;
	}
	for (i = 0; i < list->num_records; i++) {
		sort_in(relations, place, list->records[i]);
	}
	return relations;
}

bool relations_close(const struct relations *relations)
{
	size_t i;

	for (i = 0; i < relations->num_outer; i++) {
		if (relations->outer[i]->state != DRAIN_ARMING) {
			return true;
		}
	}
	return false;
}

/* List all targets, each between @before and @after, separated by commas. */
static const char *list_all(const struct drain_record *const *records,
			    size_t num,
			    const char *before,
			    const char *after)
{
	char *text = talloc_strdup(talloc_tos(), "");
	size_t i;

	for (i = 0; i < num; i++) {
		talloc_asprintf_addbuf(&text, "%s%s%s%s", i > 0 ? ", " : "",
				       before, show_target(records[i]), after);
	}
	return (text != NULL) ? text : "?";
}

const char *relations_of_outer(const struct relations *relations)
{
	const size_t num = relations->num_outer;

	return talloc_asprintf(
		talloc_tos(), "%s by the drain%s of %s; %s open%s it",
		relations_close(relations) ? "closed" : "being closed",
		num > 1 ? "s" : "", list_all(relations->outer, num, "", ""),
		list_all(relations->outer, num, "\"smbdrain resume ", "\""),
		num > 1 ? "" : "s");
}

const char *relations_of_inner(const struct relations *relations)
{
	return talloc_asprintf(
		talloc_tos(), "a part of it is drained: %s; %s ends that",
		list_all(relations->inner, relations->num_inner, "", ""),
		list_all(relations->inner, relations->num_inner,
			 "\"smbdrain resume ", "\""));
}

void relations_complain(const char *target, const struct relations *relations)
{
	if (relations->num_outer > 0) {
		complain("%s: no drain of its own is in force; it is %s",
			 show_text(target), relations_of_outer(relations));
	} else if (relations->num_inner > 0) {
		complain("%s: no drain of the whole target is in force; %s",
			 show_text(target), relations_of_inner(relations));
	} else {
		complain("%s: no drain is in force there", show_text(target));
	}
}
