// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Wait until an armed drain is quiescent.
 *
 * Every smbd with a counted handle shares the lock hold(id). When no smbd
 * shares it any more, the waiter takes it exclusively, so that no client can
 * reconnect to a durable handle. It checks the handles that no smbd reports,
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
#include "protocol/terms.h"
#include "protocol/warn.h"

#define LATER_MSEC 1000
#define QUIESCE_NAME_MSEC 500
#define CLAIM_PAUSE_MSEC 50
#define ASK_HOLDERS_MSEC 1000
#define ASK_DURABLE_MSEC 2000

struct waiter {
	struct tool *tool;
	const struct share_list *shares;
	const struct drain_terms *terms;
	const struct drain_record *record;
	uint64_t deadline; /* of this wait */
	uint64_t due; /* the drain's own, by the same clock */
	enum drain_on_timeout on_timeout;
	uint64_t warn_at; /* half of the timeout; UINT64_MAX: never, or done */
	bool named; /* the holders whose handles force will close were named */
	struct share_list *loaded; /* @shares, if they were reloaded here */
	/* mtime of the smb.conf that was checked last */
	struct timespec checked;
	/* smb.conf and all connections were checked at this time or later */
	uint64_t began;
	struct suspect_list *suspects;
	/* true if all smbds and nodes that can hold files have answered */
	bool heard;
	bool told; /* true if a missing answer was reported */
	uint32_t generation; /* of the cluster at that time */
	/* checks that found an smbd with holders but without its lock */
	unsigned num_astray;
};

/* Convert the wall-clock deadline of a record to the monotonic clock. */
static uint64_t to_monotonic(uint64_t usec)
{
	uint64_t now = drain_now();

	return tool_deadline(usec > now ? (usec - now) / 1000 : 0);
}

static void mind_deadline(struct waiter *w, const struct drain_record *record)
{
	w->due = (record->deadline != 0) ? to_monotonic(record->deadline)
					 : UINT64_MAX;
	w->on_timeout = record->on_timeout;
}

/* Return when to name the holders: just before force closes their handles. */
static uint64_t name_at(const struct waiter *w)
{
	if (w->named || w->on_timeout != DRAIN_TIMEOUT_FORCE ||
	    w->due == UINT64_MAX) {
		return UINT64_MAX;
	}
	return w->due - MIN(w->due, QUIESCE_NAME_MSEC);
}

/* Return the time of the next thing to do. */
static uint64_t next_event(const struct waiter *w)
{
	uint64_t next = MIN(w->deadline, w->warn_at);

	next = MIN(next, name_at(w));
	return tool_is_late(w->due) ? next : MIN(next, w->due);
}

/* Return true if the deadline has passed and this process must act on it. */
static bool is_due(const struct waiter *w)
{
	return w->on_timeout != DRAIN_TIMEOUT_FORCE && tool_is_late(w->due);
}

/*
 * Return true if clients may be connected without the module: with
 * --allow-unguarded, or if smb.conf has changed since begin checked it, since
 * that can remove the module or add a share without it.
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

/* The result of a check of the drain */
enum look_result {
	LOOK_WAIT,
	LOOK_AGAIN, /* it has changed during the check */
	LOOK_DONE,
	LOOK_RESUMED,
	/* smb.conf now lets clients reach the target without the module */
	LOOK_UNGUARDED,
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
		/* another process may have changed it */
		mind_deadline(w, record);
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
		/* Opens without the module are possible: check all files. */
		return handles_scan(mem_ctx, w->tool, w->record);
	}
	return handles_look(mem_ctx, w->tool, w->record, w->suspects);
}

/*
 * Return true if all smbds have answered and no cluster recovery has happened
 * since: during a recovery, holders disappear for a while.
 */
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

/*
 * Return true if smb.conf has changed since begin and that change was not
 * checked yet; @if_unknown if this cannot be determined. Always false with
 * --allow-unguarded.
 */
static bool smbconf_changed(const struct waiter *w,
			    struct timespec *changed,
			    bool if_unknown)
{
	if (w->record->allow_unguarded) {
		return false;
	}
	if (!conf_files_changed(w->tool->conf, changed)) {
		return if_unknown;
	}
	return (uint64_t)changed->tv_sec >= w->began / 1000000 &&
	       timespec_compare(changed, &w->checked) != 0;
}

/*
 * Check smb.conf. LOOK_DONE: it has not changed, or no share reaches the target
 * without the module.
 */
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

/* With hold(id) taken, record quiescence if nothing prevents it. */
static enum look_result record_if_quiescent(struct waiter *w)
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
		/* another waiter, or an smbd with a reconnected client */
		return LOOK_WAIT;
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot lock the drain of %s: %s",
			 show_target(w->record), nt_errstr(status));
		return LOOK_FAILED;
	}

	result = record_if_quiescent(w);
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
		return LOOK_AGAIN; /* act on the deadline */
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

/* Check again later: the obstacle causes no event. */
static enum look_result look_later(struct waiter *w)
{
	return sleep_on(w, tevent_wakeup_send(
		w->tool, w->tool->ev,
		timeval_current_ofs_msec(LATER_MSEC)), pause_recv);
}

/*
 * Return true if disconnected durable handles are to be removed before they
 * expire.
 */
static bool may_purge(const struct waiter *w)
{
	return w->terms->purge_durables ||
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

/*
 * Ask the smbds for holders at the start of the wait, to save time at the last
 * close.
 */
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

/* Return an smbd that reports holders, or NULL if none does. */
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
 * Return true if the smbds that had holders report none. hold(id) has no holder
 * left, but a process that believed an smbd to be dead may have removed its
 * lock.
 */
static bool all_have_let_go(struct waiter *w)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const struct survey_smbd *astray = find_astray(w, frame);

	w->num_astray = (astray != NULL) ? w->num_astray + 1 : 0;
	/* the first time it can be a close or a reconnect in progress */
	if (w->num_astray == 2) {
		complain("%s: smbd %s has %u files open there but does not "
			 "hold the lock for them: end that smbd with kill",
			 show_target(w->record), show_server(astray->id),
			 (unsigned)astray->holders);
	}
	TALLOC_FREE(frame);
	return w->num_astray == 0;
}

/*
 * No smbd has holders. Wait for untracked handles, such as disconnected durable
 * handles.
 */
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

/*
 * Wait for a change. Start the watch before the check, so that none is missed.
 */
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

static enum look_result check_drain(struct waiter *w)
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
		 * Another waiter or a durable handle holds the lock. Poll
		 * instead of watching: a stopped waiter could keep both
		 * wake-ups.
		 */
		return sleep_on(w, tevent_wakeup_send(
			w->tool, w->tool->ev,
			timeval_current_ofs_msec(CLAIM_PAUSE_MSEC)),
			pause_recv);
	}
	return result;
}

/*
 * The record is gone. After the deadline, another waiter has resumed the drain
 * as due.
 */
static enum quiesce_result result_of_resume(const struct waiter *w)
{
	if (w->on_timeout != DRAIN_TIMEOUT_RESUME || !tool_is_late(w->due)) {
		return QUIESCE_RESUMED;
	}
	complain("%s: resumed at its deadline", show_target(w->record));
	return QUIESCE_GAVE_UP;
}

/*
 * Act on the deadline of the drain. Return false to check again, if another
 * process was faster.
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
		*result = result_of_resume(w);
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
		switch (check_drain(w)) {
		case LOOK_DONE:
			return QUIESCE_DONE;
		case LOOK_RESUMED:
			return result_of_resume(w);
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
			warn(w->tool, w->terms->warn_command, w->record);
		}
	}
}

static void warn_now_and_later(struct waiter *w)
{
	uint64_t deadline = w->deadline;

	if (w->terms->warn_command == NULL) {
		return;
	}
	warn(w->tool, w->terms->warn_command, w->record);
	if (w->record->deadline != 0) {
		deadline = MIN(deadline, to_monotonic(w->record->deadline));
	}
	if (deadline != UINT64_MAX) {
		w->warn_at = tool_halfway(deadline);
	}
}

enum quiesce_result quiesce(struct tool *tool,
			    const struct share_list *shares,
			    const struct drain_terms *terms,
			    const struct drain_record *record,
			    uint64_t deadline)
{
	struct waiter w = {
		.tool = tool,
		.shares = shares,
		.terms = terms,
		.record = record,
		.deadline = deadline,
		.began = record->begun,
		.warn_at = UINT64_MAX,
	};
	enum quiesce_result result = QUIESCE_FAILED;

	/* Set the deadline first: the record may be gone at the first check. */
	mind_deadline(&w, record);

	/* Ask all smbds now, to save time at the last close. */
	if (handles_start() && (hear_all(&w) || lp_clustering()) &&
	    ask_who_holds(tool, record)) {
		warn_now_and_later(&w);
		result = wait_for_it(&w);
	}
	TALLOC_FREE(w.suspects);
	TALLOC_FREE(w.loaded);
	return result;
}
