/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Closing what a client has open, from here.
 *
 * smbd panics when a file is closed that a request still uses, and deletes
 * wrongly, or as root, when it is closed from within another share or as
 * another user. So for each handle, in this order:
 *
 * 1. a client that caches writes is asked for them, and gets a little time;
 * 2. new requests are turned away, those that wait for something are cancelled;
 * 3. those that work on it are waited for;
 * 4. it is closed, as its user and in its share.
 *
 * In between the handle may go by itself, and so may its memory: it is looked
 * up again, by its number, whenever the event loop has come round. All that
 * waits hangs off the client's smbd_server_connection and ends with it.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

/* Without a sign of life, and at all: a break is given 35 s by smbd itself */
#define GRACE_SECONDS 1
#define GRACE_MAX_SECONDS 30

/* A deferred rename waits for that break, and can not be cancelled */
#define COMPLAIN_SECONDS 45

#define PAUSE_MIN_USEC 1000
#define PAUSE_MAX_USEC 20000

struct closing {
	struct drain_close_handle id;
	struct files_struct *fsp; /* as long as we look; NULL: it is gone */
	struct timeval grace_end;
	struct timeval grace_max;
	struct timespec changed; /* the file, when last seen */
	unsigned shut; /* by which look: no new requests; 0: not yet */
	bool written; /* by a request */
};

/* From any handle to any other */
struct copy {
	const struct smbXsrv_connection *xconn;
	uint64_t mid;
	unsigned since; /* the look that saw it first */
};

struct copies {
	struct copy *copies;
	size_t num;
};

struct drain_close_state {
	struct tevent_context *ev;
	struct smbd_server_connection *sconn;
	struct closing *closing; /* sorted */
	size_t num;
	uint32_t num_closed;
	unsigned look; /* the first is 1 */
	struct copies copies; /* that are going on */
	struct copies before; /* that were so when we looked before */
	bool forgetful; /* out of memory for them */
	unsigned oldest_copy; /* seen first by that look; UINT_MAX: none */
	uint32_t pause_usec;
	struct timeval complain;
};

/*
 * Finding
 */

static int compare_ids(const void *a, const void *b)
{
	const struct drain_close_handle *x = &((const struct closing *)a)->id;
	const struct drain_close_handle *y = &((const struct closing *)b)->id;

	if (x->key != y->key) {
		return x->key < y->key ? -1 : 1;
	}
	return (x->share_file_id > y->share_file_id) -
	       (x->share_file_id < y->share_file_id);
}

/* What we are to close, if this is it */
static struct closing *closing_of(struct drain_close_state *state,
				  const struct files_struct *fsp)
{
	struct closing wanted = {.id.key = fsp->fnum};

	if (fsp->op == NULL || !fsp->fsp_flags.is_fsa) {
		return NULL;
	}
	wanted.id.share_file_id = fh_get_gen_id(fsp->fh);
	return bsearch(&wanted, state->closing, state->num, sizeof(wanted),
		       compare_ids);
}

static struct files_struct *find_fn(struct files_struct *fsp,
				    void *private_data)
{
	struct closing *closing = closing_of(private_data, fsp);

	if (closing != NULL) {
		closing->fsp = fsp;
	}
	return NULL;
}

/*
 * A copy within the server is a request to where it goes; where it comes from
 * is used as well, but nowhere noted as such.
 */
static bool is_copy(struct smbd_smb2_request *smb2req)
{
	switch (IVAL(SMBD_SMB2_IN_BODY_PTR(smb2req), 0x04)) {
	case FSCTL_SRV_COPYCHUNK:
	case FSCTL_SRV_COPYCHUNK_WRITE:
	case FSCTL_OFFLOAD_WRITE:
		return true;
	}
	return false;
}

static unsigned seen_since(const struct drain_close_state *state,
			   const struct copy *copy)
{
	const struct copies *before = &state->before;
	size_t i;

	if (state->forgetful) {
		return 0;
	}
	for (i = 0; i < before->num; i++) {
		if (before->copies[i].xconn == copy->xconn &&
		    before->copies[i].mid == copy->mid) {
			return before->copies[i].since;
		}
	}
	return state->look;
}

static void note_copy(struct drain_close_state *state,
		      const struct smbd_smb2_request *smb2req)
{
	struct copies *now = &state->copies;
	struct copy *copies = NULL;
	struct copy copy = {
		.xconn = smb2req->xconn,
		.mid = BVAL(SMBD_SMB2_IN_HDR_PTR(smb2req),
			    SMB2_HDR_MESSAGE_ID),
	};

	copies = talloc_realloc(state, now->copies, struct copy, now->num + 1);
	state->forgetful |= copies == NULL;
	copy.since = seen_since(state, &copy);
	state->oldest_copy = MIN(state->oldest_copy, copy.since);
	if (copies != NULL) {
		copies[now->num] = copy;
		now->copies = copies;
		now->num += 1;
	}
}

static void note_request(struct drain_close_state *state,
			 struct smbd_smb2_request *smb2req)
{
	struct closing *closing = NULL;
	uint16_t opcode;

	if (smb2req->subreq == NULL ||
	    !tevent_req_is_in_progress(smb2req->subreq)) {
		return;
	}
	opcode = SVAL(SMBD_SMB2_IN_HDR_PTR(smb2req), SMB2_HDR_OPCODE);
	if (opcode == SMB2_OP_IOCTL && is_copy(smb2req)) {
		note_copy(state, smb2req);
	}

	if (opcode != SMB2_OP_WRITE || smb2req->compat_chain_fsp == NULL) {
		return;
	}
	closing = closing_of(state, smb2req->compat_chain_fsp);
	if (closing != NULL) {
		closing->written = true;
	}
}

static void note_requests(struct drain_close_state *state)
{
	struct smbXsrv_connection *xconn = NULL;
	struct smbd_smb2_request *smb2req = NULL;

	if (state->sconn->client == NULL) {
		return;
	}
	for (xconn = state->sconn->client->connections; xconn != NULL;
	     xconn = xconn->next) {
		for (smb2req = xconn->smb2.requests; smb2req != NULL;
		     smb2req = smb2req->next) {
			note_request(state, smb2req);
		}
	}
}

static void find_all(struct drain_close_state *state)
{
	size_t i;

	for (i = 0; i < state->num; i++) {
		state->closing[i].fsp = NULL;
		state->closing[i].written = false;
	}
	state->look += 1;
	state->before = state->copies;
	state->copies = (struct copies) {.copies = NULL};
	state->oldest_copy = UINT_MAX;

	files_forall(state->sconn, find_fn, state);
	note_requests(state);
	TALLOC_FREE(state->before.copies);
}

/*
 * 1. Unwritten data
 */

static bool has_changed(struct closing *closing)
{
	SMB_STRUCT_STAT st = {.st_ex_size = 0};
	struct timespec before = closing->changed;

	if (SMB_VFS_FSTAT(closing->fsp, &st) != 0) {
		return false;
	}
	closing->changed = st.st_ex_ctime;
	return timespec_compare(&before, &closing->changed) != 0;
}

static void begin_grace(struct closing *closing, struct timeval now)
{
	closing->grace_max = timeval_add(&now, GRACE_MAX_SECONDS, 0);
	closing->grace_end = timeval_add(&now, GRACE_SECONDS, 0);
	(void)has_changed(closing);
	drain_break_cache(closing->fsp);
}

/* Much data takes its time: wait as long as some comes in */
static void prolong_grace(struct closing *closing, struct timeval now)
{
	struct timeval end = timeval_add(&now, GRACE_SECONDS, 0);

	if (closing->written || has_changed(closing)) {
		closing->grace_end = timeval_min(&end, &closing->grace_max);
	}
}

static bool may_still_write_back(struct closing *closing)
{
	const struct timeval now = timeval_current();

	if (!(fsp_lease_type(closing->fsp) & SMB2_LEASE_WRITE)) {
		return false;
	}
	if (timeval_is_zero(&closing->grace_end)) {
		begin_grace(closing, now);
	} else {
		prolong_grace(closing, now);
	}
	return timeval_compare(&now, &closing->grace_end) < 0;
}

/*
 * 2. and 3. Requests: smbd notes with a handle all that wait for something, but
 * for notifications, which end with it.
 */

static void cancel_requests(struct files_struct *fsp)
{
	unsigned i = 0;

	while (i < fsp->num_aio_requests) {
		unsigned before = fsp->num_aio_requests;

		/* One that ends leaves the array, another takes its place */
		if (!tevent_req_cancel(fsp->aio_requests[i]) ||
		    fsp->num_aio_requests == before) {
			i += 1;
		}
	}
}

static void shut(const struct drain_close_state *state,
		 struct closing *closing)
{
	struct files_struct *fsp = closing->fsp;

	closing->shut = state->look;
	fsp->fsp_flags.closing = true;
	fsp->op->global->durable = false;
	cancel_requests(fsp);
}

static bool is_in_use(const struct drain_close_state *state,
		      const struct closing *closing)
{
	/* A copy that began later was told that the handle is being closed */
	return state->oldest_copy <= closing->shut ||
	       closing->fsp->num_aio_requests > 0;
}

/*
 * 4. The close
 */

/*
 * A close deletes what it is to delete by a name within the current directory,
 * and runs the "magic script" as the current user.
 */
static enum file_close_type prepare_close(struct files_struct *fsp)
{
	if (change_to_user_and_service_by_fsp(fsp)) {
		return NORMAL_CLOSE;
	}
	change_to_root_user();
	if (chdir_current_service(fsp->conn)) {
		return SHUTDOWN_CLOSE; /* no script */
	}
	return ERROR_CLOSE; /* and nothing is deleted */
}

static void close_now(struct files_struct *fsp)
{
	enum file_close_type type = prepare_close(fsp);
	const struct drain_about about = drain_about_handle(fsp);
	NTSTATUS status;

	DRAIN_LOG(DBG_NOTICE, about, "closed by force, user %s",
		  drain_log_text(drain_process_user(fsp->conn, fsp->vuid)
					 ->unix_info->unix_name));

	status = close_file_free(NULL, &fsp, type);
	if (!NT_STATUS_IS_OK(status)) {
		DRAIN_LOG(DBG_WARNING, about, "closed by force, but: %s",
			  nt_errstr(status));
	}
}

/*
 * All of it
 */

/* Closed, or gone by itself? */
static bool is_done(struct drain_close_state *state, struct closing *closing)
{
	if (closing->fsp == NULL) {
		return true;
	}
	if (closing->shut == 0) {
		if (may_still_write_back(closing)) {
			return false;
		}
		shut(state, closing);
	}
	if (is_in_use(state, closing)) {
		return false;
	}
	close_now(closing->fsp);
	state->num_closed += 1;
	return true;
}

/*
 * None of these goes because another is closed: what goes along with a stream
 * is a handle that smbd opened for itself.
 */
static void advance_all(struct drain_close_state *state)
{
	size_t kept = 0;
	size_t i;

	find_all(state);
	for (i = 0; i < state->num; i++) {
		if (!is_done(state, &state->closing[i])) {
			state->closing[kept] = state->closing[i];
			kept += 1;
		}
	}
	state->num = kept;
}

static void complain_once(struct drain_close_state *state)
{
	if (!timeval_is_zero(&state->complain) &&
	    timeval_expired(&state->complain)) {
		drain_process_error(drain_about_handle(state->closing[0].fsp),
				    "can not be closed yet, a request uses it "
				    "since %d s", COMPLAIN_SECONDS);
		state->complain = timeval_zero();
	}
}

static void drain_close_next(struct tevent_context *ev,
			     struct tevent_timer *te,
			     struct timeval now,
			     void *private_data);

static void wait_for_next(struct tevent_req *req, uint32_t usec)
{
	struct drain_close_state *state = tevent_req_data(
		req, struct drain_close_state);
	struct tevent_timer *te = NULL;

	te = tevent_add_timer(state->ev, state,
			      timeval_current_ofs_usec(usec),
			      drain_close_next, req);
	tevent_req_nomem(te, req);
}

static void drain_close_next(struct tevent_context *ev _UNUSED_,
			     struct tevent_timer *te _UNUSED_,
			     struct timeval now _UNUSED_,
			     void *private_data)
{
	struct tevent_req *req = talloc_get_type_abort(private_data,
						       struct tevent_req);
	struct drain_close_state *state = tevent_req_data(
		req, struct drain_close_state);
	TALLOC_CTX *frame = talloc_stackframe();

	change_to_root_user();
	advance_all(state);
	change_to_root_user();

	if (state->num == 0) {
		tevent_req_done(req);
	} else {
		complain_once(state);
		wait_for_next(req, state->pause_usec);
		state->pause_usec = MIN(2 * state->pause_usec,
					PAUSE_MAX_USEC);
	}
	TALLOC_FREE(frame);
}

static struct closing *sorted(TALLOC_CTX *mem_ctx,
			      const struct drain_close_handle *handles,
			      size_t num)
{
	struct closing *closing = talloc_zero_array(mem_ctx, struct closing,
						    num);
	size_t i;

	if (closing == NULL) {
		return NULL;
	}
	for (i = 0; i < num; i++) {
		closing[i].id = handles[i];
	}
	qsort(closing, num, sizeof(*closing), compare_ids);
	return closing;
}

struct tevent_req *drain_close_send(struct smbd_server_connection *sconn,
				    const struct drain_close_handle *handles,
				    size_t num)
{
	struct tevent_req *req = NULL;
	struct drain_close_state *state = NULL;

	req = tevent_req_create(sconn, &state, struct drain_close_state);
	if (req == NULL) {
		return NULL;
	}
	state->ev = sconn->ev_ctx;
	state->sconn = sconn;
	state->pause_usec = PAUSE_MIN_USEC;
	state->complain = timeval_current_ofs(COMPLAIN_SECONDS, 0);
	state->num = num;
	state->closing = sorted(state, handles, num);
	if (tevent_req_nomem(state->closing, req)) {
		return tevent_req_post(req, state->ev);
	}

	/* Not now: whoever calls may be another user, or in the midst of it */
	wait_for_next(req, 0);
	if (!tevent_req_is_in_progress(req)) {
		return tevent_req_post(req, state->ev);
	}
	return req;
}

NTSTATUS drain_close_recv(struct tevent_req *req, uint32_t *num_closed)
{
	struct drain_close_state *state = tevent_req_data(
		req, struct drain_close_state);
	NTSTATUS status = NT_STATUS_OK;

	*num_closed = state->num_closed;
	(void)tevent_req_is_nterror(req, &status);
	tevent_req_received(req);
	return status;
}

/*
 * All marked handles of a drain
 */

static void drain_close_marked_done(struct tevent_req *req)
{
	uint32_t num_closed = 0;
	NTSTATUS status;

	status = drain_close_recv(req, &num_closed);
	TALLOC_FREE(req);
	if (!NT_STATUS_IS_OK(status)) {
		drain_process_error(drain_about_all(),
				    "can not close the holders of a drain: %s",
				    nt_errstr(status));
	}
}

static size_t marked_handles(const struct drain *drain,
			     struct drain_close_handle *handles)
{
	const struct drain_mark *mark = NULL;
	size_t num = 0;

	for (mark = drain->marks; mark != NULL; mark = mark->next) {
		const struct files_struct *fsp = drains_mark_fsp(mark);

		/* Not what is just being closed, by us or by its client */
		if (!fsp->fsp_flags.closing) {
			handles[num].key = fsp->fnum;
			handles[num].share_file_id = fh_get_gen_id(fsp->fh);
			num += 1;
		}
	}
	return num;
}

void drain_close_marked(const struct drain *drain)
{
	struct smbd_server_connection *sconn = drain_process_sconn();
	struct drain_close_handle *handles = NULL;
	struct tevent_req *req = NULL;
	size_t num = 0;

	if (sconn == NULL || drain->num_marks == 0) {
		return;
	}
	handles = talloc_array(NULL, struct drain_close_handle,
			       drain->num_marks);
	if (handles != NULL) {
		num = marked_handles(drain, handles);
		req = drain_close_send(sconn, handles, num);
	}
	TALLOC_FREE(handles);
	if (req == NULL) {
		drain_process_error(drain_about_drain(drain),
				    "out of memory for closing its holders");
		return;
	}
	tevent_req_set_callback(req, drain_close_marked_done, NULL);
}
