// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain monitor". */

#include "verb/verb.h"
#include "lib/util/dlinklist.h"
#include "drain/address.h"
#include "drain/codec.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/json.h"
#include "smbd/survey.h"
#include "protocol/find.h"
#include "protocol/watch.h"
#include "verb/exit_status.h"
#include "verb/options.h"

/* A drain that existed at the last check */
struct known {
	struct known *prev, *next;
	struct drain_record *record;
	bool seen;
};

struct monitor {
	struct tool *tool;
	const struct options *options;
	const struct drain_record *place; /* NULL: all drains */
	struct known *known;
	bool looked; /* at least once */
	bool failed; /* the output cannot be written */
};

static void print_event(struct monitor *m,
			const char *event,
			const struct drain_record *record,
			const struct drain_tell_gone *gone,
			struct server_id src)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const char *now = show_time(drain_now());
	char *path = NULL;
	char *user = NULL;
	struct drain_addresses *client = NULL;

	if (gone != NULL) {
		path = drain_bytes_string(frame, &gone->holder.path);
		user = drain_bytes_string(frame, &gone->holder.user);
		client = drain_holder_addresses(frame, &gone->holder);
	}

	if (m->options->json) {
		json_t *json = show_json_new();

		json_object_set_new(json, "time", json_string(now));
		json_object_set_new(json, "event", json_string(event));
		json_object_set_new(json, "drain", show_json_record(record));
		if (path != NULL && user != NULL && client != NULL) {
			json_object_set_new(
				json, "holder",
				json_pack("{s:o, s:o, s:o, s:o, s:s, s:i}",
					  "client", show_json_client(client),
					  "addresses",
					  show_json_addresses(client),
					  "user", show_json_text(user),
					  "path", show_json_text(path),
					  "server_id", show_server(src),
					  "left_in_smbd", (int)gone->left));
		}
		m->failed |= !show_json(json, true);
	} else {
		printf("%s %s %s", now, show_target(record), event);
		if (path != NULL && user != NULL && client != NULL) {
			printf(" %s@%s %s", show_text(user),
			       show_client(client), show_text(path));
		}
		putchar('\n');
		m->failed |= !output_flush();
	}
	TALLOC_FREE(frame);
}

static void print_change(struct monitor *m,
			 const char *event,
			 const struct drain_record *record)
{
	print_event(m, event, record, NULL, (struct server_id) {0});
}

static struct known *find_known(struct monitor *m, const struct drain_id *id)
{
	struct known *k = NULL;

	for (k = m->known; k != NULL; k = k->next) {
		if (drain_id_equal(&k->record->id, id)) {
			return k;
		}
	}
	return NULL;
}

static void gone_fn(const struct drain_tell_gone *gone,
		    struct server_id src,
		    void *private_data)
{
	struct monitor *m = private_data;
	struct drain_id id = drain_id_from_guid(&gone->id);
	struct known *k = find_known(m, &id);

	if (k != NULL) {
		print_event(m, "holder_gone", k->record, gone, src);
	}
	if (m->failed) {
		m->tool->stop_signal = SIGPIPE;
	}
}

/* Compare places, because the same place can be named through another share. */
static bool is_of_interest(const struct monitor *m,
			   const struct drain_record *record)
{
	return m->place == NULL ||
	       drain_record_same_target(m->place, record);
}

/*
 * Print all steps since the last check, including those that happened in
 * between.
 */
static void print_steps(struct monitor *m,
			enum drain_state from,
			const struct drain_record *record)
{
	if (from < DRAIN_ARMED && record->state >= DRAIN_ARMED) {
		print_change(m, "armed", record);
	}
	if (from < DRAIN_QUIESCENT && record->state >= DRAIN_QUIESCENT) {
		print_change(m, "quiescent", record);
	}
}

static bool update_known(struct monitor *m,
			 struct drain_record **record,
			 bool first)
{
	struct known *k = find_known(m, &(*record)->id);
	struct survey *survey = NULL;
	enum drain_state from = 0;

	if (k == NULL) {
		k = talloc_zero(m->tool, struct known);
		if (k == NULL) {
			return false;
		}
		DLIST_ADD(m->known, k);
		k->record = talloc_move(k, record);
		print_change(m, first ? "present" : "begun", k->record);
		from = first ? k->record->state : DRAIN_ARMING;

		/* From now on the smbds report each holder that is gone. */
		survey = survey_take(m->tool, m->tool, &k->record->id, true,
				     tool_deadline(2000));
		TALLOC_FREE(survey);
	} else {
		from = k->record->state;
		TALLOC_FREE(k->record);
		k->record = talloc_move(k, record);
	}
	k->seen = true;
	print_steps(m, from, k->record);
	return true;
}

static void report_ended(struct monitor *m)
{
	struct known *k = NULL;
	struct known *next = NULL;

	for (k = m->known; k != NULL; k = next) {
		next = k->next;
		if (k->seen) {
			k->seen = false;
			continue;
		}
		print_change(m, "resumed", k->record);
		DLIST_REMOVE(m->known, k);
		TALLOC_FREE(k);
	}
}

static bool check_drains(void *private_data)
{
	struct monitor *m = private_data;
	const bool first = !m->looked;
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_list *list = find_all(frame, m->tool);
	bool ok = list != NULL;
	size_t i;

	for (i = 0; ok && i < list->num_records; i++) {
		if (is_of_interest(m, list->records[i])) {
			ok = update_known(m, &list->records[i], first);
		}
	}
	if (ok) {
		report_ended(m);
	}
	m->looked = true;
	TALLOC_FREE(frame);
	return ok && !m->failed;
}

static int run_monitor(struct tool *tool, const struct options *options)
{
	struct monitor *m = talloc_zero(tool, struct monitor);

	if (m == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	m->tool = tool;
	m->options = options;
	if (options->target != NULL) {
		m->place = find_place(m, tool, options->target);
		if (m->place == NULL) {
			return EXIT_FAILED;
		}
	}
	tool->on_gone = gone_fn;
	tool->on_gone_data = m;
	watch_drains(tool, UINT64_MAX, check_drains, m);
	return EXIT_FAILED; /* a signal ends monitor */
}

const struct verb verb_monitor = {
	.name = "monitor",
	.purpose = "Print a line for each event.",
	.usage = "monitor [TARGET] [--json]",
	.run = run_monitor,
};
