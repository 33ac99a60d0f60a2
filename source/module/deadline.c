// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deadlines of drains: forced close and automatic resume. The smbds do both, so
 * that no tool needs to run.
 */

#include "module.h"
#include "drain/timeouts.h"
#include "counted.h"
#include "deadline.h"
#include "drains.h"
#include "error.h"
#include "process.h"

static void deadline_fn(struct tevent_context *ev,
			struct tevent_timer *te,
			struct timeval now,
			void *private_data);

static void set_timer(struct drain *drain, struct timeval when)
{
	const struct drain_record *record = drain->record;
	struct smbd_server_connection *sconn = drain_process_sconn();

	TALLOC_FREE(drain->deadline);
	if (record->deadline == 0 || sconn == NULL ||
	    record->on_timeout == DRAIN_TIMEOUT_FAIL ||
	    record->state == DRAIN_QUIESCENT) {
		return;
	}
	drain->deadline = tevent_add_timer(sconn->ev_ctx, drain, when,
					   deadline_fn, drain);
	if (drain->deadline == NULL) {
		drain_error(drain_about_record(drain->record),
			    "out of memory for a deadline");
	}
}

/* As root. Not while a command or a publish has the drain: see locks.h. */
static NTSTATUS expire(const struct drain_id *id)
{
	struct drain_locks *locks = drain_process.locks;
	struct server_id who = {0};
	NTSTATUS status = drain_end_claim(locks, id, &who);

	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	status = drain_store_expire(drain_process.store, id);
	if (NT_STATUS_IS_OK(status)) {
		drain_hold_wake(locks, id);
		drain_roster_tell(locks);
	}
	drain_end_release(locks, id);
	return status;
}

/* Afterwards @drain may be freed */
static void resume(struct drain *drain)
{
	const struct drain_about about = drain_about_record(drain->record);
	const struct drain_id id = drain->record->id;
	NTSTATUS status;

	become_root();
	status = expire(&id);
	unbecome_root();

	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		return; /* the timer is set again */
	}
	if (NT_STATUS_IS_OK(status)) {
		DRAIN_LOG(DBG_NOTICE, about, "resumed at the deadline");
	} else if (!NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND) &&
		   !NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		drain_error(about, "cannot resume at the deadline: %s",
			    nt_errstr(status));
	}
	(void)drains_catch_up();
}

static void force(struct drain *drain)
{
	const struct drain_id id = drain->record->id;

	if (drain->num_counted == 0 || !drains_catch_up()) {
		return;
	}
	drain = drains_find(&id);
	if (drain != NULL && drain_is_forced(drain)) {
		drain_counted_close(drain);
	}
}

static void deadline_fn(struct tevent_context *ev _UNUSED_,
			struct tevent_timer *te _UNUSED_,
			struct timeval now _UNUSED_,
			void *private_data)
{
	struct drain *drain = private_data;

	/* A client may reconnect to a durable handle: check again */
	set_timer(drain, timeval_current_ofs(DRAIN_DEADLINE_AGAIN_SECONDS, 0));
	if (drain->record->on_timeout == DRAIN_TIMEOUT_RESUME) {
		resume(drain);
	} else {
		force(drain);
	}
}

static void set_deadline(struct drain *drain)
{
	uint64_t usec = drain->record->deadline;

	if (drain->record->on_timeout == DRAIN_TIMEOUT_RESUME) {
		usec += DRAIN_DEADLINE_RESUME_USEC;
	}
	set_timer(drain, (struct timeval) {
				 .tv_sec = usec / 1000000,
				 .tv_usec = usec % 1000000,
			 });
}

void drain_deadlines_set(void)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (drain->deadline == NULL) {
			set_deadline(drain);
		}
	}
}
