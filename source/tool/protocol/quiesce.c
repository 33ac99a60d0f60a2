// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Wait until an armed drain is quiescent.
 *
 * Every smbd with a counted handle shares the lock hold(id). When no smbd
 * shares it any more, the waiter takes it exclusively, so that no durable
 * handle can be reconnected meanwhile, checks the handles that no smbd reports,
 * and records that the target is quiescent. Of several waiters the first one
 * records it; the others read it.
 */

#include "protocol/quiesce.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/store.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf.h"
#include "samba/conf_files.h"
#include "samba/handles.h"
#include "samba/nodes.h"
#include "samba/purge.h"
#include "smbd/holders.h"
#include "smbd/survey.h"
#include "protocol/arm.h"
#include "protocol/end.h"
#include "protocol/warn.h"

#define LATER_MSEC 1000
#define QUIESCE_NAME_MSEC 500
#define CLAIM_PAUSE_MSEC 50
#define ASK_HOLDERS_MSEC 1000
#define ASK_DURABLE_MSEC 2000

struct waiter {
	struct tool *tool;
	const struct share_list *shares;
	const struct drain_record *record;
	uint64_t deadline; /* of this wait */
	uint64_t due; /* the drain's own, by the same clock */
	enum drain_on_timeout on_timeout;
	uint64_t warn_at; /* half time; UINT64_MAX: never, or done */
	bool named; /* whose handles are to be closed by force */
	struct share_list *loaded; /* @shares, if they were loaded anew here */
	struct timespec checked; /* smb.conf as it was then has no way past */
	uint64_t began; /* when all connections were looked at, or before */
	struct suspect_list *suspects;
	bool heard; /* all who may hold something */
	bool told; /* that somebody is not heard */
	uint32_t generation; /* of the cluster, then */
	unsigned num_astray; /* looks at smbds that hold without their lock */
};

/* The deadline in a record is a time of day, ours is of the monotonic clock */
static uint64_t monotonic(uint64_t usec)
{
	uint64_t now = drain_now();

	return tool_deadline(usec > now ? (usec - now) / 1000 : 0);
}

static void mind_deadline(struct waiter *w, const struct drain_record *record)
{
	w->due = (record->deadline != 0) ? monotonic(record->deadline)
					 : UINT64_MAX;
	w->on_timeout = record->on_timeout;
}

/* Just before force: then it is still known whose handles it will close */
static uint64_t name_at(const struct waiter *w)
{
	if (w->named || w->on_timeout != DRAIN_TIMEOUT_FORCE ||
	    w->due == UINT64_MAX) {
		return UINT64_MAX;
	}
	return w->due - MIN(w->due, QUIESCE_NAME_MSEC);
}

/* Until when is there nothing to do but to wait? */
static uint64_t next_event(const struct waiter *w)
{
	uint64_t next = MIN(w->deadline, w->warn_at);

	next = MIN(next, name_at(w));
	return tool_is_late(w->due) ? next : MIN(next, w->due);
}

/* Is there something at its deadline that is ours to do? */
static bool is_due(const struct waiter *w)
{
	return w->on_timeout != DRAIN_TIMEOUT_FORCE && tool_is_late(w->due);
}

/*
 * May there be connections past the module? --allow-unguarded says so. And
 * whoever takes the module out of smb.conf after begin has looked, or adds a
 * share without it, lets new ones in.
 */
static bool may_be_unguarded(const struct waiter *w)
{
	struct timespec changed;

	if (w->record->allow_unguarded ||
	    !conf_files_changed(w->tool->conf, &changed)) {
		return true;
	}
	return (uint64_t)changed.tv_sec >= w->began / 1000000;
}

/* What a look at the drain says */
enum look_result {
	LOOK_WAIT,
	LOOK_AGAIN, /* it has changed under our eyes */
	LOOK_DONE,
	LOOK_RESUMED,
	LOOK_UNGUARDED, /* smb.conf has a way past the module now */
	LOOK_FAILED,
};

static enum look_result look_at_record(struct waiter *w)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	enum look_result result = LOOK_WAIT;
	NTSTATUS status;

	status = drain_store_read(w->tool->store, frame, &w->record->id,
				  &record);
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		result = LOOK_RESUMED;
	} else if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read the record of %s: %s",
			 show_target(w->record), nt_errstr(status));
		result = LOOK_FAILED;
	} else if (record->state == DRAIN_QUIESCENT) {
		result = LOOK_DONE;
	} else {
		mind_deadline(w, record); /* somebody may have changed it */
	}
	TALLOC_FREE(frame);
	return result;
}

static bool living_holder(struct waiter *w, struct server_id *holder)
{
	NTSTATUS status;

	status = drain_hold_holder(w->tool->locks, &w->record->id, holder);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read the lock of the drain of %s: %s",
			 show_target(w->record), nt_errstr(status));
		return false;
	}
	return true;
}

static struct open_handle_list *left_overs(struct waiter *w,
					   TALLOC_CTX *mem_ctx)
{
	if (may_be_unguarded(w)) {
		/* New opens past the module: any file may be open */
		return handles_scan(mem_ctx, w->tool, w->record);
	}
	return handles_look(mem_ctx, w->tool, w->record, w->suspects);
}

/* Since all were heard: no recovery, in which holders are lost and come back */
static bool is_as_heard(const struct waiter *w)
{
	uint32_t generation = 0;

	return w->heard && nodes_steady(w->tool, &generation) &&
	       generation == w->generation;
}

static bool find_suspects(struct waiter *w)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct suspect_list held = {.files = NULL};

	TALLOC_FREE(w->suspects);
	if (!lp_clustering() ||
	    holders_durable(frame, w->tool, w->record, ASK_DURABLE_MSEC,
			    &held)) {
		w->suspects = handles_suspects(w->tool, w->tool, w->record,
					       &held);
	}
	TALLOC_FREE(frame);
	return w->suspects != NULL;
}

static bool hear_all(struct waiter *w)
{
	if (!is_as_heard(w)) {
		w->heard = nodes_steady(w->tool, &w->generation) &&
			   (!lp_clustering() ||
			    arm_is_known_to_all(w->tool, w->shares,
						w->record)) &&
			   find_suspects(w);
	}
	if (!w->heard && !w->told) {
		w->told = true;
		complain("%s: some smbds do not answer; \"smbdrain status\" "
			 "names them", show_target(w->record));
	}
	return is_as_heard(w);
}

/* Since begin, and not looked at yet. When that can not be known: each time. */
static bool smbconf_changed(const struct waiter *w,
			    struct timespec *changed,
			    bool unless_known)
{
	if (w->record->allow_unguarded) {
		return false;
	}
	if (!conf_files_changed(w->tool->conf, changed)) {
		return unless_known;
	}
	return (uint64_t)changed->tv_sec >= w->began / 1000000 &&
	       timespec_compare(changed, &w->checked) != 0;
}

/* LOOK_DONE: nothing in it reaches the target past the module */
static enum look_result look_at_smbconf(struct waiter *w)
{
	TALLOC_CTX *frame = NULL;
	struct share_list *shares = NULL;
	struct timespec changed = {0};
	bool passed;

	if (!smbconf_changed(w, &changed, true)) {
		return LOOK_DONE;
	}
	if (!conf_load(w->tool)) {
		return LOOK_FAILED;
	}
	shares = conf_shares(w->tool, w->tool);
	if (shares == NULL) {
		complain("out of memory");
		return LOOK_FAILED;
	}
	TALLOC_FREE(w->loaded);
	w->loaded = shares;
	w->shares = shares;
	w->checked = changed;
	frame = talloc_stackframe();
	passed = arm_is_passed_by(w->tool, frame, shares, w->record);
	TALLOC_FREE(frame);
	return passed ? LOOK_UNGUARDED : LOOK_DONE;
}

static enum look_result record_quiescence(struct waiter *w)
{
	NTSTATUS status;

	status = drain_store_step(w->tool->store, &w->record->id, DRAIN_ARMED,
				  DRAIN_QUIESCENT);
	if (NT_STATUS_IS_OK(status)) {
		return LOOK_DONE;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND) ||
	    NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		return LOOK_AGAIN;
	}
	complain("cannot record that %s is quiescent: %s",
		 show_target(w->record), tool_write_error(status));
	return LOOK_FAILED;
}

/* hold(id) is ours: does anything keep it from being quiescent? */
static enum look_result decide(struct waiter *w)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct open_handle_list *left = left_overs(w, frame);
	struct timespec changed = {0};
	enum look_result result;

	if (left == NULL) {
		result = LOOK_FAILED;
	} else if (left->num_handles > 0 || !is_as_heard(w) ||
		   smbconf_changed(w, &changed, false)) {
		result = LOOK_AGAIN;
	} else {
		result = record_quiescence(w);
	}
	TALLOC_FREE(frame);
	return result;
}

static enum look_result try_to_finish(struct waiter *w)
{
	enum look_result result;
	NTSTATUS status;

	status = drain_hold_claim(w->tool->locks, &w->record->id);
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		return LOOK_WAIT; /* a durable handle is back */
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot lock the drain of %s: %s",
			 show_target(w->record), nt_errstr(status));
		return LOOK_FAILED;
	}

	result = decide(w);
	status = drain_hold_give(w->tool->locks, &w->record->id);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot unlock the drain of %s: %s",
			 show_target(w->record), nt_errstr(status));
	}
	if (result == LOOK_DONE) {
		drain_hold_wake(w->tool->locks, &w->record->id);
	}
	return result;
}

static enum look_result sleep_on(struct waiter *w,
				 struct tevent_req *req,
				 NTSTATUS (*recv)(struct tevent_req *req))
{
	NTSTATUS status = NT_STATUS_IO_TIMEOUT;

	if (req == NULL) {
		complain("out of memory");
		return LOOK_FAILED;
	}
	if (is_due(w)) {
		TALLOC_FREE(req);
		return LOOK_AGAIN; /* to do what the deadline says */
	}
	if (tool_poll(w->tool, req, next_event(w))) {
		status = recv(req);
	}
	TALLOC_FREE(req);
	if (NT_STATUS_IS_OK(status) ||
	    NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		return LOOK_AGAIN;
	}
	complain("cannot watch the drain of %s: %s", show_target(w->record),
		 nt_errstr(status));
	return LOOK_FAILED;
}

static NTSTATUS pause_recv(struct tevent_req *req)
{
	return tevent_wakeup_recv(req) ? NT_STATUS_OK : NT_STATUS_NO_MEMORY;
}

/* What is in the way makes no event */
static enum look_result look_later(struct waiter *w)
{
	return sleep_on(w, tevent_wakeup_send(
		w->tool, w->tool->ev,
		timeval_current_ofs_msec(LATER_MSEC)), pause_recv);
}

/* Are durable handles whose client is away to go before their time? */
static bool may_purge(const struct waiter *w)
{
	return w->tool->options->purge_durables ||
	       w->record->purge_durables ||
	       (w->on_timeout == DRAIN_TIMEOUT_FORCE && tool_is_late(w->due));
}

static struct tevent_req *watch_left_overs(struct waiter *w,
					   TALLOC_CTX *mem_ctx,
					   const struct open_handle_list *left)
{
	struct tevent_req *req = NULL;

	req = handles_watch_send(mem_ctx, w->tool->ev, left);
	if (req != NULL) {
		handles_purge(left, may_purge(w));
	}
	return req;
}

/* At the start of the wait, so that it takes no time at the last close */
static bool ask_who_holds(struct tool *tool, const struct drain_record *record)
{
	if (tool->armed == NULL && record->state == DRAIN_ARMED) {
		tool->armed = survey_take(tool, tool, &record->id,
					  tool->on_gone != NULL,
					  tool_deadline(ASK_HOLDERS_MSEC));
		return tool->armed != NULL;
	}
	return true;
}

/* One that has holders by its own account; NULL: none, as far as they say */
static const struct survey_smbd *find_astray(struct waiter *w,
					     TALLOC_CTX *mem_ctx)
{
	const struct survey *survey = NULL;
	size_t i;

	if (w->tool->armed == NULL) {
		return NULL;
	}
	survey = survey_holders(w->tool->armed, mem_ctx, w->tool,
				&w->record->id,
				tool_deadline(ASK_HOLDERS_MSEC));
	for (i = 0; survey != NULL && i < survey->num_smbds; i++) {
		const struct survey_smbd *s = &survey->smbds[i];

		if (s->obeys && s->holders > 0) {
			return s;
		}
	}
	return NULL;
}

/*
 * Nobody shares hold(id). Those that had holders say the same, unless a process
 * that took one of them for dead has removed its share.
 */
static bool all_have_let_go(struct waiter *w)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const struct survey_smbd *astray = find_astray(w, frame);

	w->num_astray = (astray != NULL) ? w->num_astray + 1 : 0;
	if (w->num_astray == 2) { /* the first may be a close or a return */
		complain("%s: smbd %s has %u files open there but does not "
			 "hold the lock for them: end that smbd with kill",
			 show_target(w->record), show_server(astray->id),
			 (unsigned)astray->holders);
	}
	TALLOC_FREE(frame);
	return w->num_astray == 0;
}

/* The smbds hold nothing. Left-overs may. */
static enum look_result wait_for_left_overs(struct waiter *w)
{
	TALLOC_CTX *frame = NULL;
	struct open_handle_list *left = NULL;
	enum look_result result;

	if (!hear_all(w)) {
		return look_later(w);
	}
	frame = talloc_stackframe();
	left = left_overs(w, frame);
	if (left == NULL) {
		result = LOOK_FAILED;
	} else if (left->num_handles > 0) {
		result = sleep_on(w, watch_left_overs(w, frame, left),
				  handles_watch_recv);
	} else if (may_be_unguarded(w) &&
		   holders_unguarded(w->tool, w->record)) {
		result = look_later(w);
	} else if (!all_have_let_go(w)) {
		result = (w->num_astray > 1) ? look_later(w) : LOOK_WAIT;
	} else {
		result = look_at_smbconf(w);
		if (result == LOOK_DONE) {
			result = try_to_finish(w);
		}
	}
	TALLOC_FREE(frame);
	return result;
}

/* Wait for a change. Watch first, then look: none can slip through. */
static enum look_result wait_for_holders(struct waiter *w)
{
	struct tevent_req *req = NULL;
	struct server_id holder = {0};
	enum look_result result;

	req = drain_hold_watch_send(w->tool, w->tool->ev, w->tool->locks,
				    &w->record->id, true);
	if (req == NULL) {
		complain("out of memory");
		return LOOK_FAILED;
	}
	result = look_at_record(w);
	if (result == LOOK_WAIT && !living_holder(w, &holder)) {
		result = LOOK_FAILED;
	}
	if (result != LOOK_WAIT || holder.pid == 0) {
		TALLOC_FREE(req);
		return (result == LOOK_WAIT) ? LOOK_AGAIN : result;
	}
	return sleep_on(w, req, drain_hold_watch_recv);
}

static enum look_result look(struct waiter *w)
{
	struct server_id holder;
	enum look_result result = look_at_record(w);

	if (result != LOOK_WAIT) {
		return result;
	}
	if (!living_holder(w, &holder)) {
		return LOOK_FAILED;
	}
	if (holder.pid != 0) {
		return wait_for_holders(w);
	}
	result = wait_for_left_overs(w);
	if (result == LOOK_WAIT) {
		/*
		 * Another waiter, or a durable handle, has been quicker. Not
		 * to be watched: of two wake-ups a stopped waiter keeps both.
		 */
		return sleep_on(w, tevent_wakeup_send(
			w->tool, w->tool->ev,
			timeval_current_ofs_msec(CLAIM_PAUSE_MSEC)),
			pause_recv);
	}
	return result;
}

/* The record is gone. At the deadline another waiter has done what is due. */
static enum quiesce_result resumed(const struct waiter *w)
{
	if (w->on_timeout != DRAIN_TIMEOUT_RESUME || !tool_is_late(w->due)) {
		return QUIESCE_RESUMED;
	}
	complain("%s: resumed at its deadline", show_target(w->record));
	return QUIESCE_GAVE_UP;
}

/*
 * The drain's own deadline has come, and what it says is ours to do. false:
 * others have been quicker, look again.
 */
static bool act_on_deadline(struct waiter *w, enum quiesce_result *result)
{
	NTSTATUS status;

	if (w->on_timeout == DRAIN_TIMEOUT_FAIL) {
		*result = QUIESCE_TIMED_OUT;
		return true;
	}
	status = end_at_deadline(w->tool, w->record);
	if (NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		return false;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		*result = resumed(w);
	} else if (NT_STATUS_IS_OK(status)) {
		*result = QUIESCE_GAVE_UP;
	} else {
		complain("cannot resume %s at its deadline: %s",
			 show_target(w->record), tool_write_error(status));
		*result = QUIESCE_FAILED;
	}
	return true;
}

static enum quiesce_result wait_for_it(struct waiter *w)
{
	enum quiesce_result result;

	for (;;) {
		switch (look(w)) {
		case LOOK_DONE:
			return QUIESCE_DONE;
		case LOOK_RESUMED:
			return resumed(w);
		case LOOK_UNGUARDED:
			return QUIESCE_UNGUARDED;
		case LOOK_FAILED:
			return QUIESCE_FAILED;
		case LOOK_WAIT:
		case LOOK_AGAIN:
			break;
		}
		if (w->tool->stop_signal != 0) {
			return QUIESCE_STOPPED;
		}
		if (is_due(w) && act_on_deadline(w, &result)) {
			return result;
		}
		if (tool_is_late(w->deadline)) {
			return QUIESCE_TIMED_OUT;
		}
		if (tool_is_late(name_at(w))) {
			w->named = true;
			complain("%s: its deadline has come; closing the "
				 "handles that are left:",
				 show_target(w->record));
			holders_complain(w->tool, w->record, SIZE_MAX);
		}
		if (tool_is_late(w->warn_at)) {
			w->warn_at = UINT64_MAX;
			warn(w->tool, w->record);
		}
	}
}

static void warn_now_and_later(struct waiter *w)
{
	uint64_t deadline = w->deadline;

	if (w->tool->options->warn_command == NULL) {
		return;
	}
	warn(w->tool, w->record);
	if (w->record->deadline != 0) {
		deadline = MIN(deadline, monotonic(w->record->deadline));
	}
	if (deadline != UINT64_MAX) {
		w->warn_at = tool_halfway(deadline);
	}
}

enum quiesce_result quiesce(struct tool *tool,
			    const struct share_list *shares,
			    const struct drain_record *record,
			    uint64_t deadline)
{
	struct waiter w = {
		.tool = tool,
		.shares = shares,
		.record = record,
		.deadline = deadline,
		.began = record->begun,
		.warn_at = UINT64_MAX,
	};
	enum quiesce_result result = QUIESCE_FAILED;

	/* It may be gone at the first look */
	mind_deadline(&w, record);

	/* Heard now, so that it takes no time at the last close */
	if (handles_start() && (hear_all(&w) || lp_clustering()) &&
	    ask_who_holds(tool, record)) {
		warn_now_and_later(&w);
		result = wait_for_it(&w);
	}
	TALLOC_FREE(w.suspects);
	TALLOC_FREE(w.loaded);
	return result;
}
