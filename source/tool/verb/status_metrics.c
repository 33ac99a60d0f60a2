// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Print "smbdrain status" in the text format of Prometheus.
 *
 * All samples of a metric come together, below one line of help and one of its
 * type.
 */

#include "verb/status_metrics.h"
#include <math.h>
#include "drain/record.h"
#include "base/caller.h"
#include "base/text.h"
#include "smbd/survey.h"
#include "protocol/relations.h"
#include "protocol/view.h"

static void print_head(const char *name, const char *help)
{
	printf("# HELP smbdrain_%s %s\n# TYPE smbdrain_%s gauge\n", name, help,
	       name);
}

static void print_one(const char *name, const char *help, double value)
{
	print_head(name, help);
	printf("smbdrain_%s %.15g\n", name, value);
}

/* Escape backslashes and quotes; the text has no control characters. */
static void print_label(const char *label, const char *text)
{
	printf("%s=\"", label);
	for (; *text != '\0'; text++) {
		if (*text == '\\' || *text == '"') {
			putchar('\\');
		}
		putchar(*text);
	}
	putchar('"');
}

static void print_sample(const char *name,
			 const struct drain_record *record,
			 const char *state,
			 double value)
{
	printf("smbdrain_%s{", name);
	print_label("target", show_target(record));
	if (state != NULL) {
		printf(",state=\"%s\"", state);
	}
	printf("} %.15g\n", value);
}

/* Print one series for each state; the present state is 1. */
static void print_states(const struct overview *all)
{
	static const enum drain_state states[] = {
		DRAIN_ARMING, DRAIN_ARMED, DRAIN_QUIESCENT,
	};
	size_t i;
	size_t j;

	print_head("drain_state", "The state of the drain.");
	for (i = 0; i < all->num_views; i++) {
		const struct drain_record *r = all->views[i].record;

		for (j = 0; j < ARRAY_SIZE(states); j++) {
			print_sample("drain_state", r,
				     drain_state_string(states[j]),
				     r->state == states[j]);
		}
	}
}

static double get_holders(const struct view *view)
{
	return view->holders;
}

static double get_waiting(const struct view *view)
{
	return view->waiting;
}

static double get_longest_wait(const struct view *view)
{
	return view->longest_wait / 1000.0;
}

static double get_unacknowledged(const struct view *view)
{
	return view->num_silent;
}

static double get_begun(const struct view *view)
{
	return view->record->begun / 1000000.0;
}

static double get_deadline(const struct view *view)
{
	uint64_t when = view->record->deadline;

	return when != 0 ? when / 1000000.0 : NAN;
}

static double get_half_published(const struct view *view)
{
	return view->record->publishing[0] != '\0';
}

static void print_drains(const struct overview *all)
{
	static const struct {
		const char *name;
		const char *help;
		double (*value)(const struct view *view); /* NAN: none */
	} metrics[] = {
		{"drain_holders", "Number of counted handles.", get_holders},
		{"drain_waiting_opens",
		 "Number of deferred opens, which wait for the end of the "
		 "drain.",
		 get_waiting},
		{"drain_longest_wait_seconds",
		 "How long the first of the deferred opens has waited.",
		 get_longest_wait},
		{"drain_unacknowledged_smbds",
		 "Number of smbds that have not acknowledged the drain.",
		 get_unacknowledged},
		{"drain_begun_timestamp_seconds",
		 "When the drain was begun.",
		 get_begun},
		{"drain_deadline_timestamp_seconds",
		 "The deadline of the drain, if it has one.",
		 get_deadline},
		{"drain_half_published",
		 "Whether a publish was interrupted and the share holds parts "
		 "of both versions.",
		 get_half_published},
	};
	size_t i;
	size_t j;

	for (i = 0; i < ARRAY_SIZE(metrics); i++) {
		print_head(metrics[i].name, metrics[i].help);
		for (j = 0; j < all->num_views; j++) {
			double value = metrics[i].value(&all->views[j]);

			if (!isnan(value)) {
				print_sample(metrics[i].name,
					     all->views[j].record, NULL,
					     value);
			}
		}
	}
}

static void print_others(const char *name,
			 const char *help,
			 const char *target,
			 const struct drain_record *const *records,
			 size_t num)
{
	size_t i;

	if (num == 0) {
		return;
	}
	print_head(name, help);
	for (i = 0; i < num; i++) {
		printf("smbdrain_%s{", name);
		print_label("target", show_text(target));
		putchar(',');
		print_label("drain", show_target(records[i]));
		printf("} 1\n");
	}
}

/* Print the metrics of the target, whether or not it has a drain of its own. */
static void print_target(const struct overview *all)
{
	const struct relations *relations = all->relations;
	const bool is_armed = all->num_views > 0 &&
			      all->views[0].record->state != DRAIN_ARMING;

	print_head("target_closed",
		   "Whether opens in the target are refused or deferred.");
	printf("smbdrain_target_closed{");
	print_label("target", show_text(all->target));
	printf("} %d\n", is_armed || relations_close(relations));
	print_others("target_covered",
		     "1 for each drain that covers the target.",
		     all->target, relations->outer, relations->num_outer);
	print_others("target_part_drained",
		     "1 for each drain that covers a part of the target.",
		     all->target, relations->inner, relations->num_inner);
}

static double count_errors(const struct survey *survey)
{
	double errors = 0;
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		errors += survey->smbds[i].errors;
	}
	return errors;
}

bool show_as_metrics(const struct overview *all)
{
	print_one("smbd_running", "Whether smbd is running.", all->smbd_runs);
	print_one("smbds",
		  "Number of smbds with clients of shares with the module.",
		  all->survey->num_smbds);
	print_one("smbd_errors",
		  "Number of internal errors of the module in the running "
		  "smbds.",
		  count_errors(all->survey));
	print_one("unreadable_records",
		  "Number of unreadable records: shares with the module refuse "
		  "new connections while there are any.", all->num_unreadable);
	print_one("drains", "Number of drains in force.", all->num_views);
	if (all->relations != NULL) {
		print_target(all);
	}
	if (all->num_views > 0) {
		print_states(all);
		print_drains(all);
	}
	return output_flush();
}
