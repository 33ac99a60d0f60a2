// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Requests from smbdrain, and the replies to them.
 *
 * A message is handled between requests, while the user of the last request is
 * still impersonated. So handlers become root first. A message may be received
 * twice, late, or from another version; the database decides.
 */

#include "module.h"
#include "lib/substitute.h"
#include "drain/page.h"
#include "answer.h"
#include "close.h"
#include "counted.h"
#include "defer.h"
#include "drains.h"
#include "error.h"
#include "place.h"
#include "process.h"
#include "watchers.h"

/* Return what the drains in force say of a handle */
static uint32_t flags_in_drains(const struct files_struct *fsp)
{
	struct drain_place place;
	struct drain *drain = NULL;
	bool exempt = false;
	bool grace = false;
	bool counts = false;

	if (drain_process.drains == NULL ||
	    !drain_place_of_handle(&place, fsp)) {
		return 0;
	}
	while ((drain = drain_place_next(&place)) != NULL) {
		if (drain_handle_is_exempt(fsp, drain)) {
			exempt = true;
		} else {
			counts = true; /* by any drain */
			grace |= drain_client_has_grace(drain, NULL);
		}
	}
	return (exempt && !counts ? DRAIN_HOLDER_EXEMPT : 0) |
	       (grace ? DRAIN_HOLDER_GRACE : 0);
}

/*
 * DRAIN_ASK_APPLY
 */

static uint32_t *guarded_trees(TALLOC_CTX *mem_ctx, uint32_t *num_trees)
{
	struct drain_tree *tree = NULL;
	uint32_t *ids = NULL;
	size_t count = 0;

	for (tree = drain_process.trees; tree != NULL; tree = tree->next) {
		count += 1;
	}
	ids = talloc_array(mem_ctx, uint32_t, count);
	if (ids == NULL) {
		*num_trees = 0; /* claims too little */
		return NULL;
	}
	count = 0;
	for (tree = drain_process.trees; tree != NULL; tree = tree->next) {
		ids[count] = tree->handle->conn->tcon->global->tcon_global_id;
		count += 1;
	}
	*num_trees = count;
	return ids;
}

static void answer_apply(TALLOC_CTX *mem_ctx,
			 struct server_id src,
			 const struct drain_request *request)
{
	const struct drain_ask_apply *ask = &request->body.apply;
	const struct drain_id id = drain_id_from_guid(&ask->id);
	struct drain_reply reply = {
		.tell = DRAIN_TELL_STATE,
		.cookie = request->cookie,
	};
	struct drain_tell_state *tell = &reply.body.state;
	const struct drain_errors errors = drain_errors();
	struct drain *drain = NULL;
	struct timeval parked_since;
	size_t num_unreadable = 0;
	NTSTATUS status;

	status = drains_sync(&num_unreadable);
	if (NT_STATUS_IS_OK(status)) {
		drain = drains_find(&id);
	} else {
		drain_error(drain_about_all(),
			    "cannot obey the drains in force: %s",
			    nt_errstr(status));
	}

	if (request->cookie == 0) {
		return; /* the tool does not wait for a reply */
	}

	/* Acknowledge a drain only if it is obeyed from now on */
	if (drain != NULL) {
		tell->id = ask->id;
		tell->holders = drain->num_counted;
		tell->parked = drain_deferred_count(drain, &parked_since);
		tell->parked_since = drain_usec(parked_since);
		if (ask->flags & DRAIN_APPLY_WATCH) {
			drain_watchers_add(drain, src);
		}
	}
	tell->trees = guarded_trees(mem_ctx, &tell->num_trees);
	tell->errors = errors.num;
	tell->last_error = drain_bytes(errors.last);
	drain_reply(src, &reply);
}

/*
 * DRAIN_ASK_HOLDERS
 */

#define DRAIN_PAGE_MAX 1024

struct collect_state {
	const struct drain_record *record; /* the paths and policy asked for */
	struct drain_page *page;
};

static struct files_struct *collect_fn(struct files_struct *fsp,
				       void *private_data)
{
	struct collect_state *state = private_data;

	/* To find the place of a handle takes long, so check the page first */
	if (fsp->op == NULL || !fsp->fsp_flags.is_fsa ||
	    !drain_page_wants(state->page, fsp->fnum)) {
		return NULL;
	}
	if (drain_place_handle_in(fsp, state->record)) {
		drain_page_offer(state->page, fsp->fnum, fsp);
	}
	return NULL;
}

static bool asked_record(TALLOC_CTX *mem_ctx,
			 const struct drain_ask_holders *ask,
			 struct drain_record *record)
{
	size_t i;

	record->policy.count_directories = ask->count_directories;
	record->real = talloc_array(mem_ctx, const char *, ask->num_real);
	if (record->real == NULL) {
		return false;
	}
	for (i = 0; i < ask->num_real; i++) {
		record->real[i] = drain_bytes_string(mem_ctx, &ask->real[i]);
		if (record->real[i] == NULL) {
			return false;
		}
	}
	record->num_real = ask->num_real;
	return true;
}

static bool describe_page(TALLOC_CTX *mem_ctx,
			  const struct collect_state *state,
			  struct drain_tell_holders *tell)
{
	struct drain_page *page = state->page;
	size_t i;

	tell->holders = talloc_array(mem_ctx, struct drain_holder,
				     page->count);
	if (tell->holders == NULL) {
		return false;
	}
	for (i = 0; i < page->count; i++) {
		struct files_struct *fsp = page->entries[i].item;

		drain_describe_handle(tell->holders, fsp, &tell->holders[i]);
		if (drain_handle_counts(fsp, &state->record->policy)) {
			tell->holders[i].flags |= DRAIN_HOLDER_COUNTS;
		}
		tell->holders[i].flags |= flags_in_drains(fsp);
	}
	tell->num_holders = page->count;
	tell->more = page->more;
	return true;
}

static void answer_holders(TALLOC_CTX *mem_ctx,
			   struct server_id src,
			   const struct drain_request *request)
{
	const struct drain_ask_holders *ask = &request->body.holders;
	struct smbd_server_connection *sconn = drain_process_sconn();
	struct drain_record record = {.num_real = 0};
	struct collect_state state = {.record = &record};
	struct drain_reply reply = {
		.tell = DRAIN_TELL_HOLDERS,
		.cookie = request->cookie,
	};
	struct drain_tell_holders *tell = &reply.body.holders;

	tell->machine = drain_bytes(get_remote_machine_name());

	state.page = drain_page_new(mem_ctx, ask->after,
				    MIN(MAX(ask->max, 1), DRAIN_PAGE_MAX));
	if (state.page == NULL || !asked_record(mem_ctx, ask, &record)) {
		return; /* the tool sends the request again */
	}
	if (sconn != NULL) {
		files_forall(sconn, collect_fn, &state);
	}
	drain_page_sort(state.page);
	if (describe_page(mem_ctx, &state, tell)) {
		drain_reply(src, &reply);
	}
}

/*
 * DRAIN_ASK_CLOSE
 */

struct close_asked {
	struct server_id src;
	uint64_t cookie;
};

static void answer_close_done(struct tevent_req *req)
{
	struct close_asked *asked = tevent_req_callback_data(
		req, struct close_asked);
	struct drain_reply reply = {
		.tell = DRAIN_TELL_CLOSED,
		.cookie = asked->cookie,
	};
	NTSTATUS status;

	status = drain_close_recv(req, &reply.body.closed.num_closed);
	if (NT_STATUS_IS_OK(status)) {
		drain_reply(asked->src, &reply);
	} else {
		drain_error(drain_about_all(),
			    "cannot close the requested handles: %s",
			    nt_errstr(status));
	}
	TALLOC_FREE(req);
}

static void answer_close(struct server_id src,
			 const struct drain_request *request)
{
	const struct drain_ask_close *ask = &request->body.close;
	struct smbd_server_connection *sconn = drain_process_sconn();
	struct close_asked *asked = NULL;
	struct tevent_req *req = NULL;

	if (sconn == NULL) {
		return; /* there is no client, and so no handle */
	}
	asked = talloc(sconn, struct close_asked);
	req = drain_close_send(sconn, ask->handles, ask->num_handles);
	if (asked == NULL || req == NULL) {
		TALLOC_FREE(asked);
		TALLOC_FREE(req);
		drain_error(drain_about_all(),
			    "out of memory for a forced close");
		return;
	}
	asked->src = src;
	asked->cookie = request->cookie;
	talloc_steal(req, asked);
	tevent_req_set_callback(req, answer_close_done, asked);
}

void drain_answer(struct messaging_context *msg_ctx _UNUSED_,
		  void *private_data _UNUSED_,
		  uint32_t msg_type _UNUSED_,
		  struct server_id src,
		  DATA_BLOB *data)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_request request;
	struct server_id_buf buf;
	NTSTATUS status;

	status = drain_request_pull(frame, data, &request);
	if (!NT_STATUS_IS_OK(status)) {
		drain_error(drain_about_all(),
			    "cannot read a message from %s: %s",
			    server_id_str_buf(src, &buf), nt_errstr(status));
		TALLOC_FREE(frame);
		return;
	}

	become_root();
	switch (request.ask) {
	case DRAIN_ASK_APPLY:
		answer_apply(frame, src, &request);
		break;
	case DRAIN_ASK_HOLDERS:
		answer_holders(frame, src, &request);
		break;
	case DRAIN_ASK_CLOSE:
		answer_close(src, &request);
		break;
	}
	unbecome_root();
	TALLOC_FREE(frame);
}
