// SPDX-License-Identifier: GPL-3.0-or-later
/* Take and watch the locks of drains, smbds and tools in g_lock.tdb. */

#include "drain/samba_compat.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/locks.h"

#define DRAIN_WATCH_SECONDS 5
#define DRAIN_WATCH_DEATHS_MSEC 500
#define CLAIM_TRIES 10
#define WATCH_OTHER_SECONDS 1

struct drain_locks {
	struct g_lock_ctx *ctx;
	struct messaging_context *msg_ctx;
};

/* Room for the longest of the names below, "drain/publish/<id>" */
struct key_buf {
	char buf[16 + DRAIN_ID_STRING_SIZE];
};

static TDB_DATA roster_key(void)
{
	return string_term_tdb_data("drain/roster");
}

static TDB_DATA id_key(const char *what,
		       const struct drain_id *id,
		       struct key_buf *buf)
{
	struct drain_id_buf id_buf;

	snprintf(buf->buf, sizeof(buf->buf), "drain/%s/%s", what,
		 drain_id_string(id, &id_buf));
	return string_term_tdb_data(buf->buf);
}

static TDB_DATA hold_key(const struct drain_id *id, struct key_buf *buf)
{
	return id_key("hold", id, buf);
}

struct drain_locks *drain_locks_open(TALLOC_CTX *mem_ctx,
				     struct messaging_context *msg_ctx)
{
	struct drain_locks *locks = talloc_zero(mem_ctx, struct drain_locks);

	if (locks == NULL) {
		return NULL;
	}
	locks->msg_ctx = msg_ctx;
	locks->ctx = g_lock_ctx_init(locks, msg_ctx);
	if (locks->ctx == NULL) {
		TALLOC_FREE(locks);
	}
	return locks;
}

/*
 * The holders of a lock. g_lock keeps dead processes until a later lock
 * operation removes them.
 */
struct dump_state {
	TALLOC_CTX *mem_ctx;
	struct server_id exclusive;
	struct server_id *shared;
	size_t num_shared;
	bool nomem;
};

static void dump_fn(struct server_id exclusive,
		    size_t num_shared,
		    const struct server_id *shared,
		    const uint8_t *data _UNUSED_,
		    size_t datalen _UNUSED_,
		    void *private_data)
{
	struct dump_state *state = private_data;

	state->exclusive = exclusive;
	state->shared = talloc_memdup(state->mem_ctx, shared,
				      num_shared * sizeof(*shared));
	state->num_shared = num_shared;
	state->nomem = state->shared == NULL && num_shared > 0;
}

static NTSTATUS dump_holders(struct drain_locks *locks,
			     TALLOC_CTX *mem_ctx,
			     TDB_DATA key,
			     struct dump_state *state)
{
	NTSTATUS status;

	*state = (struct dump_state) {.mem_ctx = mem_ctx};
	status = g_lock_dump(locks->ctx, key, dump_fn, state);
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		return NT_STATUS_OK; /* the lock is free */
	}
	if (state->nomem) {
		return NT_STATUS_NO_MEMORY;
	}
	return status;
}

/*
 * Return the first holder that is alive. A check takes four system calls, so do
 * not check them all.
 */
static struct server_id first_living(const struct dump_state *state)
{
	size_t i;

	for (i = 0; i < state->num_shared; i++) {
		if (drain_is_alive(&state->shared[i])) {
			return state->shared[i];
		}
	}
	return (struct server_id) {0};
}

/* Remove dead holders: each shared lock that is taken removes one. */
static NTSTATUS reap_dead_holders(struct drain_locks *locks,
				  TDB_DATA key,
				  size_t num_dead)
{
	for (; num_dead > 0; num_dead--) {
		NTSTATUS status;

		status = drain_g_lock_lock(locks->ctx, key, G_LOCK_READ);
		if (!NT_STATUS_IS_OK(status)) {
			return status;
		}
		status = g_lock_unlock(locks->ctx, key);
		if (!NT_STATUS_IS_OK(status)) {
			return status;
		}
	}
	return NT_STATUS_OK;
}

static NTSTATUS claim_once(struct drain_locks *locks,
			   TDB_DATA key,
			   struct server_id *owner)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct dump_state state;
	NTSTATUS status;

	status = dump_holders(locks, frame, key, &state);
	if (!NT_STATUS_IS_OK(status)) {
		goto done;
	}
	*owner = first_living(&state);
	if (owner->pid == 0 && drain_looks_dead(&state.exclusive)) {
		*owner = state.exclusive; /* g_lock would remove it */
	}
	if (owner->pid != 0) {
		/*
		 * Do not even try beside living sharers: a waiting exclusive
		 * lock blocks every new sharer.
		 */
		status = NT_STATUS_IO_TIMEOUT;
		goto done;
	}

	*owner = state.exclusive;
	status = reap_dead_holders(locks, key, state.num_shared);
	if (NT_STATUS_IS_OK(status)) {
		status = drain_g_lock_lock(locks->ctx, key, G_LOCK_WRITE);
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_LOCK_NOT_GRANTED)) {
		status = NT_STATUS_IO_TIMEOUT;
	}
done:
	TALLOC_FREE(frame);
	return status;
}

static NTSTATUS claim_lock(struct drain_locks *locks,
			   TDB_DATA key,
			   struct server_id *owner)
{
	int tries = CLAIM_TRIES;
	NTSTATUS status;

	/*
	 * The lock was free, but another process was faster: read its holder
	 * again.
	 */
	do {
		status = claim_once(locks, key, owner);
		tries -= 1;
	} while (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) &&
		 owner->pid == 0 && tries > 0);
	return status;
}

static bool is_shared_by(const struct dump_state *state, struct server_id who)
{
	size_t i;

	for (i = 0; i < state->num_shared; i++) {
		if (server_id_equal(&state->shared[i], &who)) {
			return true;
		}
	}
	return false;
}

/* Take the lock again if another process, believing us dead, has removed it. */
static NTSTATUS take_if_lost(struct drain_locks *locks, TDB_DATA key)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct dump_state state;
	NTSTATUS status;

	status = dump_holders(locks, frame, key, &state);
	if (NT_STATUS_IS_OK(status) &&
	    !is_shared_by(&state, messaging_server_id(locks->msg_ctx))) {
		status = drain_g_lock_lock(locks->ctx, key, G_LOCK_READ);
	}
	TALLOC_FREE(frame);
	return status;
}

NTSTATUS drain_roster_rejoin(struct drain_locks *locks)
{
	return take_if_lost(locks, roster_key());
}

NTSTATUS drain_hold_again(struct drain_locks *locks, const struct drain_id *id)
{
	struct key_buf buf;

	return take_if_lost(locks, hold_key(id, &buf));
}

NTSTATUS drain_roster_join(struct drain_locks *locks)
{
	return drain_g_lock_lock(locks->ctx, roster_key(), G_LOCK_READ);
}

NTSTATUS drain_roster_leave(struct drain_locks *locks)
{
	return g_lock_unlock(locks->ctx, roster_key());
}

NTSTATUS drain_roster_members(struct drain_locks *locks,
			      TALLOC_CTX *mem_ctx,
			      struct server_id **members,
			      size_t *num_members)
{
	struct dump_state state;
	NTSTATUS status;

	status = dump_holders(locks, mem_ctx, roster_key(), &state);
	*members = state.shared;
	*num_members = state.num_shared;
	return status;
}

/* Return true if @who holds the lock, shared or exclusive. pid 0 holds none. */
static bool has_lock(struct drain_locks *locks,
		     TDB_DATA key,
		     struct server_id who)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct dump_state state;
	bool ok;

	ok = who.pid != 0 &&
	     NT_STATUS_IS_OK(dump_holders(locks, frame, key, &state)) &&
	     (server_id_equal(&state.exclusive, &who) ||
	      is_shared_by(&state, who));
	TALLOC_FREE(frame);
	return ok;
}

bool drain_roster_has(struct drain_locks *locks, struct server_id who)
{
	return has_lock(locks, roster_key(), who);
}

void drain_roster_tell(struct drain_locks *locks)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_request request = {.ask = DRAIN_ASK_APPLY};
	struct server_id *members = NULL;
	size_t num = 0;
	size_t i;

	/* Without a cookie, no answer is expected. */
	if (NT_STATUS_IS_OK(
		    drain_roster_members(locks, frame, &members, &num))) {
		for (i = 0; i < num; i++) {
			(void)drain_request_send(locks->msg_ctx, members[i],
						 &request);
		}
	}
	TALLOC_FREE(frame);
}

NTSTATUS drain_hold_take(struct drain_locks *locks, const struct drain_id *id)
{
	struct key_buf buf;

	return drain_g_lock_lock(locks->ctx, hold_key(id, &buf), G_LOCK_READ);
}

NTSTATUS drain_hold_give(struct drain_locks *locks, const struct drain_id *id)
{
	struct key_buf buf;

	return g_lock_unlock(locks->ctx, hold_key(id, &buf));
}

NTSTATUS drain_hold_holder(struct drain_locks *locks,
			   const struct drain_id *id,
			   struct server_id *holder)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct dump_state state;
	struct key_buf buf;
	NTSTATUS status;

	status = dump_holders(locks, frame, hold_key(id, &buf), &state);
	*holder = first_living(&state);
	TALLOC_FREE(frame);
	return status;
}

NTSTATUS drain_hold_claim(struct drain_locks *locks, const struct drain_id *id)
{
	struct key_buf buf;
	struct server_id owner;

	return claim_lock(locks, hold_key(id, &buf), &owner);
}

static void wake_waiters(struct drain_locks *locks, const struct drain_id *id)
{
	struct key_buf buf;
	TDB_DATA key = hold_key(id, &buf);

	g_lock_wake_watchers(locks->ctx, key);

	/* This leaves an empty lock record behind, which reaping removes. */
	(void)reap_dead_holders(locks, key, 1);
}

void drain_hold_wake(struct drain_locks *locks, const struct drain_id *id)
{
	static const struct drain_id all;

	wake_waiters(locks, id);
	wake_waiters(locks, &all);
}

NTSTATUS drain_owner_claim(struct drain_locks *locks,
			   const struct drain_id *id,
			   struct server_id *owner)
{
	struct key_buf buf;

	return claim_lock(locks, id_key("owner", id, &buf), owner);
}

NTSTATUS drain_runner_claim(struct drain_locks *locks,
			    const struct drain_id *id,
			    struct server_id *runner)
{
	struct key_buf buf;

	return claim_lock(locks, id_key("runner", id, &buf), runner);
}

bool drain_runner_is(struct drain_locks *locks,
		     const struct drain_id *id,
		     struct server_id who)
{
	struct key_buf buf;

	return has_lock(locks, id_key("runner", id, &buf), who);
}

NTSTATUS drain_publish_claim(struct drain_locks *locks,
			     const struct drain_id *id,
			     struct server_id *publisher)
{
	struct key_buf buf;

	return claim_lock(locks, id_key("publish", id, &buf), publisher);
}

static void release_lock(struct drain_locks *locks,
			 const char *what,
			 const struct drain_id *id)
{
	struct key_buf buf;

	(void)g_lock_unlock(locks->ctx, id_key(what, id, &buf));
}

void drain_owner_release(struct drain_locks *locks, const struct drain_id *id)
{
	release_lock(locks, "owner", id);
}

void drain_runner_release(struct drain_locks *locks, const struct drain_id *id)
{
	release_lock(locks, "runner", id);
}

void drain_publish_release(struct drain_locks *locks,
			   const struct drain_id *id)
{
	release_lock(locks, "publish", id);
}

NTSTATUS drain_end_claim(struct drain_locks *locks,
			 const struct drain_id *id,
			 struct server_id *who)
{
	NTSTATUS status = drain_owner_claim(locks, id, who);

	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	status = drain_publish_claim(locks, id, who);
	if (!NT_STATUS_IS_OK(status)) {
		drain_owner_release(locks, id);
	}
	return status;
}

void drain_end_release(struct drain_locks *locks, const struct drain_id *id)
{
	drain_publish_release(locks, id);
	drain_owner_release(locks, id);
}

static TDB_DATA work_key(enum drain_work_lock lock,
			 const struct drain_id *id,
			 struct key_buf *buf)
{
	return id_key(lock == DRAIN_WORK_PUBLISH ? "publish" : "owner", id,
		      buf);
}

NTSTATUS drain_work_get(struct drain_locks *locks,
			enum drain_work_lock lock,
			const struct drain_id *id,
			struct server_id *who)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct dump_state state;
	struct key_buf buf;
	NTSTATUS status =
		dump_holders(locks, frame, work_key(lock, id, &buf), &state);

	*who = (struct server_id) {0};
	if (NT_STATUS_IS_OK(status) && state.exclusive.pid != 0 &&
	    drain_is_alive(&state.exclusive)) {
		*who = state.exclusive;
	}
	TALLOC_FREE(frame);
	return status;
}

struct tevent_req *drain_work_watch_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 enum drain_work_lock lock,
					 const struct drain_id *id,
					 struct server_id who)
{
	struct key_buf buf;
	struct tevent_req *req = g_lock_watch_data_send(
		mem_ctx, ev, locks->ctx, work_key(lock, id, &buf), who);

	if (req != NULL) {
		(void)tevent_req_set_endtime(
			req, ev, timeval_current_ofs(WATCH_OTHER_SECONDS, 0));
	}
	return req;
}

struct owner_lock_state {
	struct key_buf key; /* g_lock does not copy it */
};

static void owner_locked(struct tevent_req *subreq);

struct tevent_req *drain_owner_lock_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 const struct drain_id *id)
{
	struct tevent_req *req = NULL;
	struct tevent_req *subreq = NULL;
	struct owner_lock_state *state = NULL;

	req = tevent_req_create(mem_ctx, &state, struct owner_lock_state);
	if (req == NULL) {
		return NULL;
	}
	subreq = drain_g_lock_lock_send(state, ev, locks->ctx,
					id_key("owner", id, &state->key),
					G_LOCK_WRITE);
	if (tevent_req_nomem(subreq, req)) {
		return tevent_req_post(req, ev);
	}
	tevent_req_set_callback(subreq, owner_locked, req);
	return req;
}

static void owner_locked(struct tevent_req *subreq)
{
	struct tevent_req *req =
		tevent_req_callback_data(subreq, struct tevent_req);
	NTSTATUS status = g_lock_lock_recv(subreq);

	TALLOC_FREE(subreq);
	if (!tevent_req_nterror(req, status)) {
		tevent_req_done(req);
	}
}

NTSTATUS drain_owner_lock_recv(struct tevent_req *req)
{
	return tevent_req_simple_recv_ntstatus(req);
}

struct watch_state {
	struct tevent_context *ev;
	struct drain_locks *locks;
	struct drain_id id;
};

static void watch_changed(struct tevent_req *subreq);
static bool watch_deaths(struct tevent_req *req);

struct tevent_req *drain_hold_watch_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 const struct drain_id *id,
					 bool held)
{
	struct tevent_req *req = NULL;
	struct tevent_req *subreq = NULL;
	struct watch_state *state = NULL;
	struct server_id nobody = {0};
	struct key_buf buf;

	req = tevent_req_create(mem_ctx, &state, struct watch_state);
	if (req == NULL) {
		return NULL;
	}

	*state = (struct watch_state) {.ev = ev, .locks = locks, .id = *id};
	subreq = g_lock_watch_data_send(state, ev, locks->ctx,
					hold_key(id, &buf), nobody);
	if (tevent_req_nomem(subreq, req)) {
		return tevent_req_post(req, ev);
	}
	tevent_req_set_callback(subreq, watch_changed, req);

	if (held && !watch_deaths(req)) {
		return tevent_req_post(req, ev);
	}
	if (!tevent_req_set_endtime(
		    req, ev, timeval_current_ofs(DRAIN_WATCH_SECONDS, 0))) {
		return tevent_req_post(req, ev);
	}
	return req;
}

static void watch_changed(struct tevent_req *subreq)
{
	struct tevent_req *req =
		tevent_req_callback_data(subreq, struct tevent_req);
	NTSTATUS status;

	status = g_lock_watch_data_recv(subreq, NULL, NULL);
	TALLOC_FREE(subreq);
	if (tevent_req_nterror(req, status)) {
		return;
	}
	tevent_req_done(req);
}

static void watch_deaths_fn(struct tevent_context *ev _UNUSED_,
			    struct tevent_timer *te _UNUSED_,
			    struct timeval now _UNUSED_,
			    void *private_data)
{
	struct tevent_req *req = talloc_get_type_abort(private_data,
						       struct tevent_req);
	struct watch_state *state = tevent_req_data(req, struct watch_state);
	struct server_id holder = {0};
	NTSTATUS status;

	status = drain_hold_holder(state->locks, &state->id, &holder);
	if (tevent_req_nterror(req, status)) {
		return;
	}
	if (holder.pid == 0) {
		tevent_req_done(req);
		return;
	}
	(void)watch_deaths(req);
}

/*
 * Poll for dead holders, because the death of a process causes no event;
 * Samba's server_id_watch_send() polls as often. It watches a single process,
 * which is not enough: that one can release its lock without an event while
 * others remain, and these can then die.
 */
static bool watch_deaths(struct tevent_req *req)
{
	struct watch_state *state = tevent_req_data(req, struct watch_state);
	struct tevent_timer *te = tevent_add_timer(
		state->ev, state,
		timeval_current_ofs_msec(DRAIN_WATCH_DEATHS_MSEC),
		watch_deaths_fn, req);

	return !tevent_req_nomem(te, req);
}

NTSTATUS drain_hold_watch_recv(struct tevent_req *req)
{
	return tevent_req_simple_recv_ntstatus(req);
}
