// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Forced close of handles.
 *
 * smbd panics if a file is closed that a request still uses. It deletes
 * wrongly, or as root, if a file is closed from within another share or as
 * another user. So the steps for each handle are:
 *
 * 1. A client that caches writes is asked for them and gets a short time.
 * 2. New requests are refused; requests that wait for something are cancelled.
 * 3. Requests that use the handle are waited for (in_use.c).
 * 4. The handle is closed, as its user and in its share.
 *
 * Between these steps the client may close the handle, and its memory is freed.
 * So the handle is looked up by its number each time the event loop has run.
 * All timers are owned by the smbd_server_connection of the client.
 */

#include "module.h"
#include "drain/timeouts.h"
#include "breaks.h"
#include "close.h"
#include "error.h"
#include "in_use.h"
#include "process.h"

struct closing {
	struct drain_close_handle id;
	struct files_struct *fsp; /* NULL: closed. Found again at each check */
	struct timeval grace_end;
	struct timeval grace_max;
	struct timespec changed; /* ctime of the file at the last check */
	bool shut; /* true: new requests are refused */
	bool closes_itself; /* true: SMB1 is closing it */
	bool used; /* true: a request uses it now */
	bool written; /* true: that is a WRITE */
};

struct drain_close_state {
	struct tevent_context *ev;
	struct smbd_server_connection *sconn;
	struct closing *closing; /* sorted */
	size_t num;
	uint32_t num_closed;
	uint32_t pause_usec;
	struct timeval complain;
	bool sends; /* true: READ data of one is being sent */
	struct timeval stuck; /* when to disconnect the client */
	uint64_t progress; /* of drain_sends_nothing() */
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

/* Return the entry of a handle to close, or NULL */
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

static void note_use(const struct drain_use *use, void *private_data)
{
	struct drain_close_state *state = private_data;
	size_t i;

	for (i = 0; i < state->num; i++) {
		struct closing *closing = &state->closing[i];

		if (closing->fsp != NULL &&
		    drain_use_is_of(use, closing->fsp)) {
			closing->used = true;
			closing->written |= use->writes;
			state->sends |= use->sends;
		}
	}
}

static void find_all(struct drain_close_state *state)
{
	size_t i;

	for (i = 0; i < state->num; i++) {
		state->closing[i].fsp = NULL;
		state->closing[i].used = false;
		state->closing[i].written = false;
	}
	state->sends = false;
	files_forall(state->sconn, find_fn, state);
	drain_uses_forall(state->sconn, note_use, state);
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
	closing->grace_max = timeval_add(&now, DRAIN_FLUSH_MAX_SECONDS, 0);
	closing->grace_end = timeval_add(&now, DRAIN_FLUSH_SECONDS, 0);
	(void)has_changed(closing);
	drain_break_cache(closing->fsp);
}

/* Wait for as long as the client sends data */
static void prolong_grace(struct closing *closing, struct timeval now)
{
	struct timeval end = timeval_add(&now, DRAIN_FLUSH_SECONDS, 0);

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
 * 2. and 3. Requests
 */

static void cancel_requests(struct files_struct *fsp)
{
	unsigned i = 0;

	while (i < fsp->num_aio_requests) {
		unsigned before = fsp->num_aio_requests;

		/* A cancelled request may have left the array */
		if (!tevent_req_cancel(fsp->aio_requests[i]) ||
		    fsp->num_aio_requests == before) {
			i += 1;
		}
	}
}

/*
 * A CLOSE of SMB1 that waits has set the closing flag of the handle. Its own
 * reference to the handle cannot be found.
 */
static void shut(const struct drain_close_state *state,
		 struct closing *closing)
{
	struct files_struct *fsp = closing->fsp;

	closing->shut = true;
	closing->closes_itself = fsp->fsp_flags.closing &&
				 !drain_using_smb2(state->sconn);
	fsp->fsp_flags.closing = true;
	fsp->op->global->durable = false;
	cancel_requests(fsp);
}

/* smbd counts SMB1 requests and those that VFS modules delay in the handle */
static bool is_in_use(const struct closing *closing)
{
	return closing->used || closing->closes_itself ||
	       closing->fsp->num_aio_requests > 0;
}

/*
 * 4. The close
 */

/*
 * A close deletes the file by a name relative to the current directory, and
 * runs the "magic script" as the current user.
 */
static enum file_close_type prepare_close(struct files_struct *fsp)
{
	if (change_to_user_and_service_by_fsp(fsp)) {
		return NORMAL_CLOSE;
	}
	change_to_root_user();
	if (chdir_current_service(fsp->conn)) {
		return SHUTDOWN_CLOSE; /* does not run the script */
	}
	return ERROR_CLOSE; /* and deletes nothing */
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
		DRAIN_LOG(DBG_WARNING, about, "forced close: %s",
			  nt_errstr(status));
	}
}

/*
 * All of it
 */

/* Do the next step for a handle; return true if it is closed */
static bool is_done(struct drain_close_state *state, struct closing *closing)
{
	if (closing->fsp == NULL) {
		return true;
	}
	if (!closing->shut) {
		if (may_still_write_back(closing)) {
			return false;
		}
		shut(state, closing);
	}
	if (is_in_use(closing)) {
		return false;
	}
	close_now(closing->fsp);
	state->num_closed += 1;
	return true;
}

/*
 * To close one of them does not close another: the base file of a stream is
 * open by a handle of smbd itself.
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
		drain_error(drain_about_handle(state->closing[0].fsp),
			    "cannot be closed yet: a request has "
			    "used it for %d s",
			    DRAIN_IN_USE_SECONDS);
		state->complain = timeval_zero();
	}
}

/* smbd waits for ever for a client that does not take sendfile(2) data */
static void hang_up_if_stuck(struct drain_close_state *state)
{
	if (!drain_sends_nothing(state->sconn, &state->progress) ||
	    !state->sends) {
		state->stuck = timeval_current_ofs(DRAIN_STUCK_SECONDS, 0);
	} else if (timeval_expired(&state->stuck)) {
		drain_error(drain_about_handle(state->closing[0].fsp),
			    "connection ended: a handle is to be "
			    "closed, and the client has not taken the "
			    "data of a READ for %d s",
			    DRAIN_STUCK_SECONDS);
		drain_hang_up(state->sconn);
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
		hang_up_if_stuck(state);
		wait_for_next(req, state->pause_usec);
		state->pause_usec = MIN(2 * state->pause_usec,
					DRAIN_CLOSE_PAUSE_MAX_USEC);
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
	state->pause_usec = DRAIN_CLOSE_PAUSE_MIN_USEC;
	state->complain = timeval_current_ofs(DRAIN_IN_USE_SECONDS, 0);
	state->num = num;
	state->closing = sorted(state, handles, num);
	if (tevent_req_nomem(state->closing, req)) {
		return tevent_req_post(req, state->ev);
	}

	/* The caller may be another user or use the handle */
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
