// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain status". */

#include "verb/verb.h"
#include "drain/duration.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/json.h"
#include "samba/namespace.h"
#include "samba/nodes.h"
#include "samba/parents.h"
#include "smbd/survey.h"
#include "protocol/find.h"
#include "protocol/relations.h"
#include "protocol/view.h"
#include "verb/exit_status.h"
#include "verb/options.h"
#include "verb/status_metrics.h"

/*
 * For people
 */

static void print_view(const struct view *view)
{
	const struct drain_record *r = view->record;
	struct drain_id_buf buf;
	size_t i;

	printf("%s: %s\n", show_target(r), drain_state_string(r->state));
	printf("  id       %s\n", drain_id_string(&r->id, &buf));
	printf("  path     %s\n", show_text(r->real[0]));
	printf("  begun    %s by %s\n", show_time(r->begun),
	       show_text(r->by));
	if (r->armed != 0) {
		printf("  armed    %s\n", show_time(r->armed));
	}
	if (r->quiescent != 0) {
		printf("  quiescent %s\n", show_time(r->quiescent));
	}
	if (r->reason[0] != '\0') {
		printf("  reason   %s\n", show_text(r->reason));
	}
	if (r->deadline != 0) {
		printf("  deadline %s: %s%s\n", show_time(r->deadline),
		       drain_on_timeout_string(r->on_timeout),
		       drain_record_is_due(r, drain_now()) ? ", is due" : "");
	}
	if (r->publishing[0] != '\0') {
		printf("  half published: %s\n", show_text(r->publishing));
	}
	printf("  holders  %zu\n", view->holders);
	if (view->waiting > 0) {
		printf("  waiting  %zu opens, the longest for %s\n",
		       view->waiting,
		       drain_duration_string(talloc_tos(),
					     view->longest_wait));
	}
	for (i = 0; i < view->survey->num_smbds; i++) {
		if (view_is_silent(&view->survey->smbds[i])) {
			printf("  smbd %s has not acknowledged\n",
			       show_server(view->survey->smbds[i].id));
		}
	}
}

static void print_errors(const struct survey *survey)
{
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		const struct survey_smbd *s = &survey->smbds[i];

		if (s->errors > 0) {
			printf("smbd %s had %u internal errors, the last: "
			       "%s\n", show_server(s->id), s->errors,
			       show_text(s->last_error));
		}
	}
}

/*
 * For programs
 */

static json_t *json_silent(const struct survey *survey)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		if (view_is_silent(&survey->smbds[i])) {
			json_array_append_new(
				list,
				json_string(show_server(survey->smbds[i].id)));
		}
	}
	return list;
}

static json_t *json_view(const struct view *view)
{
	json_t *json = show_json_record(view->record);

	json_object_set_new(json, "holders", json_integer(view->holders));
	json_object_set_new(json, "waiting_opens",
			    json_integer(view->waiting));
	json_object_set_new(json, "longest_wait",
			    json_real(view->longest_wait / 1000.0));
	json_object_set_new(json, "unacknowledged",
			    json_silent(view->survey));
	return json;
}

static json_t *json_errors(const struct survey *survey)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		const struct survey_smbd *s = &survey->smbds[i];

		if (s->errors > 0) {
			json_array_append_new(
				list,
				json_pack("{s:s, s:i, s:o}",
					  "server_id", show_server(s->id),
					  "count", (int)s->errors,
					  "last", show_json_text(
						  s->last_error)));
		}
	}
	return list;
}

static json_t *json_lost(const struct lost_node_list *lost)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < lost->num_nodes; i++) {
		json_array_append_new(
			list, json_pack("{s:i, s:s}",
					"node", (int)lost->nodes[i].number,
					"address", lost->nodes[i].address));
	}
	return list;
}

static json_t *json_targets(const struct drain_record *const *records,
			    size_t num)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < num; i++) {
		json_array_append_new(list, show_json_target(records[i]));
	}
	return list;
}

static void add_relations(json_t *json, const struct relations *relations)
{
	json_object_set_new(json, "covered_by",
			    json_targets(relations->outer,
					 relations->num_outer));
	json_object_set_new(json, "drained_parts",
			    json_targets(relations->inner,
					 relations->num_inner));
}

static bool show_as_json(const struct overview *all)
{
	json_t *json = show_json_new();
	json_t *drains = json_array();
	size_t i;

	for (i = 0; i < all->num_views; i++) {
		/* All drains, or fail: a shorter list would be wrong. */
		if (json_array_append_new(drains,
					  json_view(&all->views[i])) != 0) {
			complain("out of memory");
			json_decref(drains);
			json_decref(json);
			return false;
		}
	}
	json_object_set_new(json, "drains", drains);
	json_object_set_new(json, "smbd_running",
			    json_boolean(all->smbd_runs));
	json_object_set_new(json, "other_pid_namespace",
			    json_boolean(all->stranger != NULL));
	json_object_set_new(json, "smbds",
			    json_integer(all->survey->num_smbds));
	json_object_set_new(json, "lost_nodes", json_lost(all->lost));
	json_object_set_new(json, "unreadable_records",
			    json_integer(all->num_unreadable));
	json_object_set_new(json, "errors", json_errors(all->survey));
	if (all->relations != NULL) {
		add_relations(json, all->relations);
	}
	return show_json(json, false);
}

static void print_relations(const struct overview *all)
{
	const struct relations *relations = all->relations;
	const char *target = show_text(all->target);

	if (relations->num_outer > 0) {
		printf("%s is %s%s\n", target,
		       all->num_views > 0 ? "also " : "",
		       relations_of_outer(relations));
	}
	if (relations->num_inner > 0) {
		printf("%s%s%s\n", target,
		       all->num_views + relations->num_outer > 0
			       ? ": " : " is open, but ",
		       relations_of_inner(relations));
	}
}

static bool nothing_drains(const struct overview *all)
{
	return all->num_views == 0 &&
	       (all->relations == NULL ||
		all->relations->num_outer + all->relations->num_inner == 0);
}

static void show_as_text(struct tool *tool, const struct overview *all)
{
	size_t i;

	for (i = 0; i < all->num_views; i++) {
		print_view(&all->views[i]);
	}
	if (nothing_drains(all)) {
		printf("%s\n", all->target != NULL
				       ? "open: no drain is in force there"
				       : "no drain is in force");
	} else if (all->relations != NULL) {
		print_relations(all);
	}
	if (all->num_unreadable > 0) {
		printf("%zu records of %s cannot be read: shares with the "
		       "module refuse new connections until \"smbdrain resume "
		       "--all\" removes them\n",
		       all->num_unreadable, drain_store_name(tool->store));
	}
	if (all->stranger != NULL) {
		printf("%s\n", all->stranger);
	} else if (!all->smbd_runs) {
		printf("smbd is not running\n");
	}
	for (i = 0; i < all->lost->num_nodes; i++) {
		printf("node %u (%s) does not answer and may still serve "
		       "clients\n",
		       all->lost->nodes[i].number,
		       all->lost->nodes[i].address);
	}
	print_errors(all->survey);
}

/* Find the drain of the target, or all drains; then @place is NULL. */
static bool find_drains(struct tool *tool,
			const struct options *options,
			TALLOC_CTX *mem_ctx,
			struct drain_list **_list,
			struct drain_record **place)
{
	struct drain_list *list = NULL;
	struct drain_record *record = NULL;

	*place = NULL;

	list = find_all(mem_ctx, tool);
	if (list == NULL) {
		return false;
	}
	*_list = list;
	if (options->target == NULL) {
		return true;
	}

	record = find_drain(mem_ctx, tool, options->target,
				  place);
	list->num_records = 0;
	if (record == NULL) {
		return *place != NULL;
	}
	*place = record;
	/* The drain may be newer than the list, which may be empty. */
	list->records = talloc_memdup(list, &record, sizeof(record));
	if (list->records == NULL) {
		complain("out of memory");
		return false;
	}
	list->num_records = 1;
	return true;
}

static bool collect_overview(struct tool *tool,
			     const char *target,
			     TALLOC_CTX *mem_ctx,
			     const struct drain_list *list,
			     const struct drain_record *place,
			     struct overview *all)
{
	static const struct drain_id none;
	size_t i;

	*all = (struct overview) {
		.views = talloc_array(mem_ctx, struct view,
				      list->num_records),
		.num_views = list->num_records,
		.survey = survey_take(mem_ctx, tool, &none, false,
				      tool_deadline(VIEW_MSEC)),
		.lost = nodes_lost(mem_ctx, tool, tool_deadline(VIEW_MSEC)),
		.num_unreadable = list->num_unreadable,
		.smbd_runs = parents_any(),
		.stranger = namespace_problem(mem_ctx),
		.target = target,
	};
	if (all->views == NULL) {
		complain("out of memory");
	}
	if (all->views == NULL || all->survey == NULL || all->lost == NULL) {
		return false;
	}
	if (place != NULL) {
		all->relations = relations_find(mem_ctx, tool, place);
		if (all->relations == NULL) {
			return false;
		}
	}
	for (i = 0; i < all->num_views; i++) {
		if (!view_take(mem_ctx, tool, list->records[i],
			       &all->views[i])) {
			return false;
		}
	}
	return true;
}

static int show_status(struct tool *tool,
		       const struct options *options,
		       TALLOC_CTX *mem_ctx)
{
	struct drain_record *place = NULL;
	struct drain_list *list = NULL;
	struct overview all;

	if (options->json && options->prometheus) {
		complain("cannot use status with both --json and --prometheus");
		return EXIT_USAGE;
	}
	if (!find_drains(tool, options, mem_ctx, &list, &place) ||
	    !collect_overview(tool, options->target, mem_ctx, list, place,
			      &all)) {
		return EXIT_FAILED;
	}
	if (options->json) {
		return show_as_json(&all) ? EXIT_DONE : EXIT_FAILED;
	}
	if (options->prometheus) {
		return show_as_metrics(&all) ? EXIT_DONE : EXIT_FAILED;
	}
	show_as_text(tool, &all);
	return EXIT_DONE;
}

static int run_status(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = show_status(tool, options, frame);

	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_status = {
	.name = "status",
	.purpose = "Show the drains in force.",
	.usage = "status [TARGET] [--json] [--prometheus]",
	.run = run_status,
};
