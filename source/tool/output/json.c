/*
 * drain: take users off a Samba share so that it can be updated
 *
 * For people and for programs.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include "drain/options.h"
#include "drain/text.h"

#define JSON_VERSION 1

const char *show_text(const char *untrusted)
{
	const char *text = drain_text_printable(talloc_tos(), untrusted);

	return (text != NULL) ? text : "?";
}

const char *show_target(const struct drain_record *record)
{
	const char *name = drain_target_name(talloc_tos(), &record->target);

	return (name != NULL) ? show_text(name) : "?";
}

const char *show_access(uint32_t access)
{
	static const struct {
		uint32_t bits;
		char letter;
	} letters[] = {
		{DRAIN_READ_DATA, 'r'},
		{DRAIN_WRITE_DATA | DRAIN_APPEND_DATA, 'w'},
		{DRAIN_EXECUTE, 'x'},
		{DRAIN_DELETE | DRAIN_DELETE_CHILD, 'd'},
		{DRAIN_WRITE_ATTRIBUTES | DRAIN_WRITE_EA, 'a'},
		{DRAIN_WRITE_DAC | DRAIN_WRITE_OWNER | DRAIN_SYSTEM_SECURITY,
		 'p'},
	};
	char text[ARRAY_SIZE(letters) + 1];
	size_t num = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(letters); i++) {
		if (access & letters[i].bits) {
			text[num] = letters[i].letter;
			num += 1;
		}
	}
	text[num] = '\0';
	return (num > 0) ? talloc_strdup(talloc_tos(), text) : "-";
}

const char *show_time(uint64_t usec)
{
	time_t t = usec / 1000000;
	struct tm tm;
	char buf[32];

	if (usec == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		return "-";
	}
	return talloc_strdup(talloc_tos(), buf);
}

const char *show_server(struct server_id id)
{
	struct server_id_buf buf;

	return talloc_strdup(talloc_tos(), server_id_str_buf(id, &buf));
}

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
	return json_pack("{s:i}", "version", JSON_VERSION);
}

/* A time, or null for one that has not come */
static json_t *json_time(uint64_t usec)
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
		"begun", json_time(r->begun),
		"armed", json_time(r->armed),
		"quiescent", json_time(r->quiescent),
		"by", show_json_text(r->by),
		"reason", show_json_text(r->reason),
		"count_directories", (int)r->policy.count_directories,
		"allow_unguarded", (int)r->allow_unguarded,
		"refuse_status",
		drain_refuse_status_name(r->policy.refuse_status),
		"new_opens", r->policy.hold_opens ? "hold" : "refuse",
		"hold_timeout", r->policy.hold_timeout / 1000.0,
		"deadline", json_time(r->deadline),
		"on_timeout", drain_on_timeout_string(r->on_timeout),
		"is_due", drain_record_is_due(r, drain_now()),
		"let_holders_finish", (int)r->policy.let_holders_finish,
		"purge_durables", (int)r->purge_durables,
		"publishing", r->publishing[0] != '\0'
				      ? show_json_text(r->publishing)
				      : json_null());
}

const char *show_client(const struct drain_addresses *client)
{
	const char *text = drain_addresses_text(talloc_tos(), client);

	return (text != NULL) ? show_text(text) : "?";
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

json_t *show_json_holder(const struct holder *h)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:I, s:s, s:o, s:s, s:b, "
		"s:b, s:b, s:b, s:o, s:b, s:b}",
		"client", show_json_client(h->client),
		"addresses", show_json_addresses(h->client),
		"machine", show_json_text(h->machine),
		"user", show_json_text(h->user),
		"share", show_json_text(h->share),
		"path", show_json_text(h->path),
		"access", show_access(h->access),
		"access_mask", (json_int_t)h->access,
		"lease", h->lease,
		"opened", json_time(h->opened),
		"server_id", h->server,
		"counts", (int)h->counts,
		"directory", (int)h->directory,
		"unguarded", (int)h->unguarded,
		"disconnected", (int)h->disconnected,
		"returns_until", json_time(h->returns_until),
		"exempt", (int)h->exempt,
		"grace", (int)h->grace);
}

/* One element at a time: the whole of a long list need not be in memory */
bool show_json_holders(FILE *f, const struct holder_list *list)
{
	bool ok = true;
	size_t i;

	fprintf(f, "{\"version\": %d, \"silent_smbds\": %zu, \"holders\": [",
		JSON_VERSION, list->num_silent);
	for (i = 0; ok && i < list->num_holders; i++) {
		TALLOC_CTX *frame = talloc_stackframe();
		json_t *json = show_json_holder(&list->holders[i]);

		ok = json != NULL && fputs(i > 0 ? ",\n" : "\n", f) >= 0 &&
		     json_dumpf(json, f, JSON_COMPACT) == 0;
		json_decref(json);
		TALLOC_FREE(frame);
	}
	return ok && fputs("\n]}\n", f) >= 0 && fflush(f) == 0;
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

struct drain_list *show_list(TALLOC_CTX *mem_ctx, struct tool *tool)
{
	struct drain_list *list = NULL;
	NTSTATUS status = drain_store_list(tool->store, mem_ctx, &list);

	if (!NT_STATUS_IS_OK(status)) {
		complain("can not read %s: %s", drain_store_name(tool->store),
			 nt_errstr(status));
		return NULL;
	}
	return list;
}

struct drain_record *show_find_if_any(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const char *name,
				      struct drain_record **place)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	struct drain_list *list = NULL;
	struct share_list *shares = NULL;
	struct drain_target target;
	const char *why = NULL;

	*place = NULL;
	why = drain_target_parse(frame, name, &target);
	if (why != NULL) {
		complain("%s: %s", show_text(name), why);
		goto done;
	}
	list = show_list(frame, tool);
	if (list == NULL) {
		goto done;
	}

	/* By name first: the share may be gone from smb.conf */
	record = drain_list_find(mem_ctx, list, &target, NULL);
	if (record != NULL) {
		goto done;
	}
	shares = conf_shares(mem_ctx, tool); /* the place has names of it */
	if (shares == NULL) {
		complain("out of memory");
		goto done;
	}
	*place = shares_resolve(mem_ctx, shares, name);
	if (*place == NULL) {
		goto done;
	}
	record = drain_list_find(mem_ctx, list, &target, *place);
	if (record != NULL) {
		TALLOC_FREE(*place);
	}
done:
	TALLOC_FREE(frame);
	return record;
}

struct drain_record *show_find(TALLOC_CTX *mem_ctx,
			       struct tool *tool,
			       const char *name)
{
	struct drain_record *record = NULL;
	struct drain_record *place = NULL;
	struct relations *relations = NULL;

	record = show_find_if_any(mem_ctx, tool, name, &place);
	if (place != NULL) {
		relations = relations_find(mem_ctx, tool, place);
	}
	if (relations != NULL) {
		relations_complain(name, relations);
	}
	return record;
}
