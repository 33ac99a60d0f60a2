// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * List the holders of files.
 *
 * The smbds on the roster report their own handles, a page at a time. The rest
 * comes from Samba's table of open files.
 */

#include "smbd/holders.h"
#include "system/passwd.h"
#include "drain/address.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/target.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/handles.h"
#include "smbd/ask.h"

#define HOLDERS_PAGE 512
#define HOLDERS_TICK_MSEC 500

/* One smbd that is being asked */
struct source {
	struct server_id id;
	uint64_t after;
	bool done;
};

struct fetch_state {
	struct tool *tool;
	struct holder_list *list;
	const struct drain_record *record;
	bool all;
	struct drain_request request;
	struct source *sources;
	size_t num_sources;
	size_t num_open; /* sources that are not done */
	struct ask_round round;
	uint64_t patience; /* ms without an answer */
	uint64_t deadline; /* of it, set again at each answer */
	bool nomem;
};

static struct holder *add_holder(struct holder_list *list)
{
	struct holder *h = list->holders;
	size_t room = talloc_array_length(h);

	if (list->num_holders == room) {
		h = talloc_realloc(list, h, struct holder,
				   MAX(64, room * 2));
		if (h == NULL) {
			return NULL;
		}
		list->holders = h;
	}
	h += list->num_holders;
	list->num_holders += 1;
	*h = (struct holder) {.counts = true};
	return h;
}

static const char *lease_name(uint16_t oplock, uint32_t lease)
{
	static const char *const leases[] = {
		"none", "R", "H", "RH", "W", "RW", "WH", "RWH",
	};

	if (oplock == LEASE_OPLOCK) {
		return leases[lease & 7];
	}
	if (oplock & BATCH_OPLOCK) {
		return "batch";
	}
	if (oplock & EXCLUSIVE_OPLOCK) {
		return "exclusive";
	}
	if (oplock & LEVEL_II_OPLOCK) {
		return "level2";
	}
	return "none";
}

/* Strings that all handles of a page share */
struct whose {
	const char *machine;
	const char *server;
};

/*
 * Return a copy of the string, shared with the handle before if equal, as is
 * common.
 */
static const char *keep_string(struct holder_list *list,
			       const DATA_BLOB *bytes,
			       const char *before)
{
	if (before != NULL && strlen(before) == bytes->length &&
	    memcmp(before, bytes->data, bytes->length) == 0) {
		return before;
	}
	return drain_bytes_string(list, bytes);
}

static bool same_client(const struct drain_addresses *client,
			const struct drain_holder *d)
{
	bool same = client != NULL && client->num == d->num_addresses;
	uint32_t i;

	for (i = 0; same && i < d->num_addresses; i++) {
		const DATA_BLOB address = drain_bytes(client->list[i]);

		same = data_blob_cmp(&address, &d->addresses[i]) == 0;
	}
	return same;
}

static bool take_holder(struct fetch_state *state,
			const struct drain_holder *d,
			struct server_id src,
			const struct whose *whose)
{
	struct holder_list *list = state->list;
	const struct holder *before = NULL;
	struct holder *h = NULL;

	/* Show exempt handles, although no drain waits for them. */
	if (!(d->flags & (DRAIN_HOLDER_COUNTS | DRAIN_HOLDER_EXEMPT)) &&
	    !state->all) {
		return true;
	}
	h = add_holder(list);
	if (h == NULL) {
		return false;
	}
	before = (list->num_holders > 1) ? h - 1 : h;
	h->key = d->key;
	h->client = same_client(before->client, d)
			    ? before->client
			    : drain_holder_addresses(list, d);
	h->machine = whose->machine;
	h->user = keep_string(list, &d->user, before->user);
	h->share = keep_string(list, &d->share, before->share);
	h->path = drain_bytes_string(list, &d->path);
	h->server = whose->server;
	h->lease = lease_name(d->oplock, d->lease);
	h->access = d->access;
	h->opened = d->opened;
	h->exempt = d->flags & DRAIN_HOLDER_EXEMPT;
	h->grace = d->flags & DRAIN_HOLDER_GRACE;
	h->counts = (d->flags & DRAIN_HOLDER_COUNTS) && !h->exempt;
	h->share_file_id = d->share_file_id;
	h->file_id = (struct file_id) {
		.devid = d->devid,
		.inode = d->inode,
		.extid = d->extid,
	};
	h->may_be_durable = d->oplock & (LEASE_OPLOCK | BATCH_OPLOCK);
	h->server_id = src;
	h->directory = d->flags & DRAIN_HOLDER_DIRECTORY;
	h->unguarded = d->flags & DRAIN_HOLDER_UNGUARDED;
	return h->client != NULL && h->user != NULL && h->share != NULL &&
	       h->path != NULL;
}

static int compare_sources(const void *a, const void *b)
{
	const struct source *x = a;
	const struct source *y = b;

	return server_id_cmp(&x->id, &y->id);
}

static struct source *find_source(const struct fetch_state *state,
				  struct server_id id)
{
	struct source key = {.id = id};

	return bsearch(&key, state->sources, state->num_sources, sizeof(key),
		       compare_sources);
}

static NTSTATUS ask_page(struct fetch_state *state,
			 const struct source *source)
{
	state->request.body.holders.after = source->after;
	return drain_request_send(state->tool->msg_ctx, source->id,
				  &state->request);
}

static void source_done(struct fetch_state *state, struct source *source)
{
	source->done = true;
	state->num_open -= 1;
	state->round.over = state->num_open == 0;
}

/* A dead smbd does not answer. */
static bool ask_source(size_t i, void *private_data)
{
	struct fetch_state *state = private_data;
	struct source *source = &state->sources[i];

	if (source->done) {
		return false;
	}
	if (!NT_STATUS_IS_OK(ask_page(state, source)) &&
	    !drain_is_alive(&source->id)) {
		source_done(state, source);
		return false;
	}
	return true;
}

static bool take_page(struct fetch_state *state,
		      struct source *source,
		      const struct drain_tell_holders *tell)
{
	struct holder_list *list = state->list;
	const struct whose whose = {
		.machine = drain_bytes_string(list, &tell->machine),
		.server = talloc_strdup(list, show_server(source->id)),
	};
	uint32_t i;

	if (whose.machine == NULL || whose.server == NULL) {
		return false;
	}
	for (i = 0; i < tell->num_holders; i++) {
		/* A page that was requested twice arrives twice. */
		if (tell->holders[i].key <= source->after) {
			continue;
		}
		if (!take_holder(state, &tell->holders[i], source->id,
				 &whose)) {
			return false;
		}
		source->after = tell->holders[i].key;
	}
	return true;
}

static void heard_page(const struct drain_reply *reply,
		       struct server_id src,
		       void *private_data)
{
	struct fetch_state *state = private_data;
	const struct drain_tell_holders *tell = &reply->body.holders;
	struct source *source = find_source(state, src);
	uint64_t after;

	if (reply->tell != DRAIN_TELL_HOLDERS || source == NULL ||
	    source->done) {
		return;
	}
	state->deadline = tool_deadline(state->patience);
	after = source->after;
	if (!take_page(state, source, tell)) {
		state->nomem = true;
		state->round.over = true;
		return;
	}
	if (!tell->more) {
		source_done(state, source);
	} else if (source->after > after) {
		(void)ask_page(state, source);
	}
	ask_round_heard(&state->round, source->done);
}

static void bury_sources(struct fetch_state *state)
{
	size_t i;

	for (i = 0; i < state->num_sources; i++) {
		struct source *source = &state->sources[i];

		if (!source->done && !drain_is_alive(&source->id)) {
			source_done(state, source);
		}
	}
}

static bool fetch_pages(struct fetch_state *state)
{
	struct tool *tool = state->tool;

	state->deadline = tool_deadline(state->patience);
	while (state->num_open > 0 && !tool_is_late(state->deadline) &&
	       tool->stop_signal == 0 && !state->nomem) {
		state->round = (struct ask_round) {
			.num = state->num_sources,
			.ask = ask_source,
			.private_data = state,
		};
		ask_round_start(&state->round);
		if (!ask_round_hear(tool, &state->round,
				    MIN(HOLDERS_TICK_MSEC, state->patience),
				    UINT64_MAX)) {
			return false;
		}
		bury_sources(state);
	}
	state->list->num_silent = state->num_open;
	return !state->nomem;
}

static bool fetch_from_roster(struct fetch_state *state)
{
	struct drain_ask_holders *ask = &state->request.body.holders;
	const struct drain_record *record = state->record;
	struct ask_listener *listener = NULL;
	struct server_id *members = NULL;
	NTSTATUS status;
	bool ok;
	size_t i;

	status = drain_roster_members(state->tool->locks, state->list,
				      &members, &state->num_sources);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read the list of smbds: %s",
			 nt_errstr(status));
		return false;
	}
	state->request = (struct drain_request) {
		.ask = DRAIN_ASK_HOLDERS,
		.cookie = ask_new_cookie(state->tool),
	};
	ask->count_directories = record->policy.count_directories;
	ask->max = HOLDERS_PAGE;
	ask->num_real = record->num_real;
	ask->real = talloc_array(state->list, DATA_BLOB, record->num_real);
	state->sources = talloc_zero_array(state->list, struct source,
					   state->num_sources);
	listener = ask_listen(state->list, state->tool,
			      state->request.cookie, heard_page, state);
	if (ask->real == NULL || state->sources == NULL || listener == NULL) {
		complain("out of memory");
		return false;
	}

	for (i = 0; i < record->num_real; i++) {
		ask->real[i] = drain_bytes(record->real[i]);
	}
	state->num_open = state->num_sources;
	for (i = 0; i < state->num_sources; i++) {
		state->sources[i].id = members[i];
	}
	TYPESAFE_QSORT(state->sources, state->num_sources, compare_sources);
	ok = fetch_pages(state);
	TALLOC_FREE(listener);
	if (!ok) {
		complain("out of memory");
	}
	return ok;
}

/*
 * Return the path relative to the target's share if it is in the target, else
 * the absolute path.
 */
static char *path_in_share(TALLOC_CTX *mem_ctx,
			   const struct drain_record *record,
			   const char *path)
{
	const char *root = record->real[0];
	const char *top = record->target.path;

	if (!drain_path_within(path, root) || path[strlen(root)] != '/') {
		return talloc_strdup(mem_ctx, path);
	}
	path += strlen(root) + 1;
	return talloc_asprintf(mem_ctx, "%s%s%s", top,
			       top[0] != '\0' ? "/" : "", path);
}

static bool take_left_over(struct fetch_state *state,
			   const struct open_handle *o)
{
	static const struct drain_addresses not_known;
	struct holder_list *list = state->list;
	const struct passwd *pw = getpwuid(o->uid);
	struct holder *h = add_holder(list);
	const char *user = (pw != NULL) ? pw->pw_name : "?";

	if (h == NULL) {
		return false;
	}
	h->client = &not_known;
	h->machine = "?";
	h->user = talloc_strdup(list, user);
	h->share = state->record->target.share;
	h->path = path_in_share(list, state->record, o->path);
	h->server = o->disconnected
			    ? "disconnected"
			    : talloc_strdup(list, show_server(o->server_id));
	h->lease = lease_name(o->oplock, 7);
	h->access = o->access;
	h->opened = o->opened;
	h->disconnected = o->disconnected;
	h->returns_until = o->returns_until;
	h->unguarded = !o->disconnected;
	return h->user != NULL && h->path != NULL && h->server != NULL;
}

static bool fetch_left_overs(struct fetch_state *state)
{
	struct open_handle_list *left = NULL;
	size_t i;

	left = handles_scan(state->list, state->tool, state->record);
	if (left == NULL) {
		return false;
	}
	for (i = 0; i < left->num_handles; i++) {
		if (!take_left_over(state, &left->handles[i])) {
			complain("out of memory");
			return false;
		}
	}
	TALLOC_FREE(left);
	return true;
}

static struct holder_list *get_holders(TALLOC_CTX *mem_ctx,
				       struct tool *tool,
				       const struct drain_record *record,
				       bool all,
				       uint64_t patience,
				       bool left_overs)
{
	struct fetch_state state = {
		.tool = tool,
		.list = talloc_zero(mem_ctx, struct holder_list),
		.record = record,
		.all = all,
		.patience = patience,
	};

	if (state.list == NULL) {
		complain("out of memory");
		return NULL;
	}
	if (!handles_start() || !fetch_from_roster(&state) ||
	    (left_overs && !fetch_left_overs(&state))) {
		TALLOC_FREE(state.list);
	}
	return state.list;
}

struct holder_list *holders_get(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record,
				bool all,
				uint64_t patience)
{
	return get_holders(mem_ctx, tool, record, all, patience, true);
}

bool holders_durable(TALLOC_CTX *mem_ctx,
		     struct tool *tool,
		     const struct drain_record *record,
		     uint64_t patience,
		     struct suspect_list *files)
{
	struct holder_list *told = NULL;
	size_t i;

	told = get_holders(mem_ctx, tool, record, true, patience, false);
	if (told == NULL || told->num_silent > 0) {
		return false;
	}
	files->files = talloc_array(mem_ctx, struct file_id,
				    told->num_holders);
	if (files->files == NULL) {
		complain("out of memory");
		return false;
	}
	for (i = 0; i < told->num_holders; i++) {
		if (told->holders[i].may_be_durable) {
			files->files[files->num_files] =
				told->holders[i].file_id;
			files->num_files += 1;
		}
	}
	return true;
}

size_t holders_drop_exempt(struct holder_list *list)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < list->num_holders; i++) {
		if (!list->holders[i].exempt) {
			list->holders[kept] = list->holders[i];
			kept += 1;
		}
	}
	list->num_holders = kept;
	return kept;
}

void holders_complain(struct tool *tool,
		      const struct drain_record *record,
		      size_t at_most)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct holder_list *list = NULL;
	size_t i;

	list = holders_get(frame, tool, record, false, 2000);
	if (list == NULL) {
		goto done;
	}
	complain("%s: %zu holders left%s", show_target(record),
		 holders_drop_exempt(list),
		 list->num_silent > 0 ? ", and some smbds did not answer" : "");
	for (i = 0; i < list->num_holders && i < at_most; i++) {
		const struct holder *h = &list->holders[i];

		complain("  %s@%s has %s open (%s) since %s",
			 show_text(h->user), show_client(h->client),
			 show_text(h->path), show_access(h->access),
			 show_time(h->opened));
	}
	if (list->num_holders > at_most) {
		complain("  and %zu more: see \"smbdrain holders\"",
			 list->num_holders - at_most);
	}
done:
	TALLOC_FREE(frame);
}

bool holders_unguarded(struct tool *tool, const struct drain_record *record)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct holder_list *list = NULL;
	bool found = true; /* if unknown, assume that there are some */
	size_t i;

	list = holders_get(frame, tool, record, false, 5000);
	if (list != NULL && list->num_silent == 0) {
		found = false;
		for (i = 0; i < list->num_holders; i++) {
			found |= list->holders[i].unguarded;
		}
	}
	TALLOC_FREE(frame);
	return found;
}
