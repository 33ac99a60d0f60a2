/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The deadline of a drain. The smbds carry out force and resume, so that both
 * happen with no tool running.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

#define DEADLINE_AGAIN_SECONDS 5
#define DEADLINE_RESUME_USEC 500000 /* later: a tool that waits comes first */

bool drain_is_forced(const struct drain *drain)
{
	return drain->record->on_timeout == DRAIN_TIMEOUT_FORCE &&
	       drain_record_is_due(drain->record, drain_now());
}

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
		drain_process_error(drain_about_drain(drain),
				    "out of memory for its deadline");
	}
}

/* As root. Never while a command or a publish works on it: see the locks. */
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

/* The drain is gone afterwards, or it is not due any more, or another does it */
static void resume(struct drain *drain)
{
	const struct drain_about about = drain_about_drain(drain);
	const struct drain_id id = drain->record->id;
	NTSTATUS status;

	become_root();
	status = expire(&id);
	unbecome_root();

	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		return; /* the timer looks again */
	}
	if (NT_STATUS_IS_OK(status)) {
		DRAIN_LOG(DBG_NOTICE, about, "resumed at its deadline");
	} else if (!NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND) &&
		   !NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		drain_process_error(about,
				    "cannot resume it at its deadline: %s",
				    nt_errstr(status));
	}
	(void)drains_catch_up();
}

static void force(struct drain *drain)
{
	const struct drain_id id = drain->record->id;

	if (drain->num_marks == 0 || !drains_catch_up()) {
		return;
	}
	drain = drains_find(&id);
	if (drain != NULL && drain_is_forced(drain)) {
		drain_close_marked(drain);
	}
}

static void deadline_fn(struct tevent_context *ev _UNUSED_,
			struct tevent_timer *te _UNUSED_,
			struct timeval now _UNUSED_,
			void *private_data)
{
	struct drain *drain = private_data;

	/* A durable handle may still come back: look again */
	set_timer(drain, timeval_current_ofs(DEADLINE_AGAIN_SECONDS, 0));
	if (drain->record->on_timeout == DRAIN_TIMEOUT_RESUME) {
		resume(drain);
	} else {
		force(drain);
	}
}

void drain_set_deadline(struct drain *drain)
{
	uint64_t usec = drain->record->deadline;

	if (drain->record->on_timeout == DRAIN_TIMEOUT_RESUME) {
		usec += DEADLINE_RESUME_USEC;
	}
	set_timer(drain, (struct timeval) {
		.tv_sec = usec / 1000000,
		.tv_usec = usec % 1000000,
	});
}
