// SPDX-License-Identifier: GPL-3.0-or-later
/* Build and print JSON documents. */

#include "output/json.h"
#include "drain/address.h"
#include "drain/options.h"
#include "drain/record.h"
#include "drain/store.h"
#include "drain/target.h"
#include "drain/text.h"
#include "base/caller.h"
#include "base/error.h"
#include "base/text.h"

json_t *show_json_text(const char *untrusted)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const char *text = drain_text_utf8(frame, untrusted);
	json_t *json = (text != NULL) ? json_string(text) : NULL;

	TALLOC_FREE(frame);
	return json;
}

json_t *show_json_new(void)
{
	return json_pack("{s:i}", "version", SHOW_JSON_VERSION);
}

json_t *show_json_time(uint64_t usec)
{
	return (usec != 0) ? json_string(show_time(usec)) : json_null();
}

static json_t *json_paths(const struct drain_record *record)
{
	json_t *paths = json_array();
	size_t i;

	for (i = 0; i < record->num_real; i++) {
		json_array_append_new(paths,
				      show_json_text(record->real[i]));
	}
	return paths;
}

json_t *show_json_target(const struct drain_record *r)
{
	const char *name = drain_target_name(talloc_tos(), &r->target);

	return (name != NULL) ? show_json_text(name) : NULL;
}

json_t *show_json_record(const struct drain_record *r)
{
	struct drain_id_buf buf;

	return json_pack(
		"{s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:b, s:b, s:s, s:s, s:f, s:o, s:s, s:b, s:b, s:b, s:o}",
		"id", drain_id_string(&r->id, &buf),
		"target", show_json_target(r),
		"share", show_json_text(r->target.share),
		"path", show_json_text(r->target.path),
		"state", drain_state_string(r->state),
		"is_armed", r->state != DRAIN_ARMING,
		"real_paths", json_paths(r),
		"begun", show_json_time(r->begun),
		"armed", show_json_time(r->armed),
		"quiescent", show_json_time(r->quiescent),
		"by", show_json_text(r->by),
		"reason", show_json_text(r->reason),
		"count_directories", (int)r->policy.count_directories,
		"allow_unguarded", (int)r->allow_unguarded,
		"refuse_status",
		drain_refuse_status_name(r->policy.refuse_status),
		"new_opens", r->policy.hold_opens ? "hold" : "refuse",
		"hold_timeout", r->policy.hold_timeout / 1000.0,
		"deadline", show_json_time(r->deadline),
		"on_timeout", drain_on_timeout_string(r->on_timeout),
		"is_due", drain_record_is_due(r, drain_now()),
		"let_holders_finish", (int)r->policy.let_holders_finish,
		"purge_durables", (int)r->purge_durables,
		"publishing", r->publishing[0] != '\0'
				      ? show_json_text(r->publishing)
				      : json_null());
}

json_t *show_json_client(const struct drain_addresses *client)
{
	return show_json_text(client->num > 0 ? client->list[0] : "?");
}

json_t *show_json_addresses(const struct drain_addresses *client)
{
	json_t *addresses = json_array();
	size_t i;

	for (i = 0; i < client->num; i++) {
		json_array_append_new(addresses,
				      show_json_text(client->list[i]));
	}
	return addresses;
}

bool show_json(json_t *json, bool one_line)
{
	size_t flags = one_line ? JSON_COMPACT : JSON_INDENT(2);
	bool ok = json != NULL && json_dumpf(json, stdout, flags) == 0 &&
		  putchar('\n') != EOF;

	if (!output_flush()) {
		ok = false;
	} else if (!ok) {
		complain("out of memory");
	}
	json_decref(json);
	return ok;
}
