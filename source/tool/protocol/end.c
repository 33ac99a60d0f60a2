// SPDX-License-Identifier: GPL-3.0-or-later
/* End a drain. */

#include "protocol/end.h"
#include "drain/alive.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/tool.h"
#include "smbd/survey.h"

#define END_HEAR_MSEC 1000
#define END_OWN_MSEC 5000
#define END_STOPPED_MSEC 1000 /* the same after a signal */

/*
 * Wait for owner(id), which a resume holds for a moment and a publish for
 * longer.
 */
static NTSTATUS wait_to_own(struct tool *tool,
			    const struct drain_id *id,
			    uint64_t milliseconds)
{
	NTSTATUS status = NT_STATUS_IO_TIMEOUT;
	struct tevent_req *req = NULL;

	req = drain_owner_lock_send(tool, tool->ev, tool->locks, id);
	if (req == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	if (tool_poll(tool, req, tool_deadline(milliseconds))) {
		status = drain_owner_lock_recv(req);
	}
	TALLOC_FREE(req);
	return status;
}

/* Take owner(id). NT_STATUS_IO_TIMEOUT: @owner holds it. */
static NTSTATUS take_owner(struct tool *tool,
			   const struct drain_id *id,
			   struct server_id *owner)
{
	NTSTATUS status = drain_owner_claim(tool->locks, id, owner);

	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) &&
	    !drain_runner_is(tool->locks, id, *owner) &&
	    !drain_looks_dead(owner)) {
		status = wait_to_own(tool, id, END_OWN_MSEC);
	}
	/*
	 * Read the owner again: a stopped process may have received the
	 * wake-up.
	 */
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) &&
	    tool->stop_signal == 0) {
		status = drain_owner_claim(tool->locks, id, owner);
	}
	return status;
}

static NTSTATUS wait_to_end(struct tool *tool,
			    const struct drain_id *id,
			    struct server_id *who)
{
	const int signum = tool->stop_signal;
	NTSTATUS status;

	/* A first signal has led here; only another one ends this wait. */
	tool->stop_signal = 0;
	status = wait_to_own(tool, id,
			     signum != 0 ? END_STOPPED_MSEC : END_OWN_MSEC);
	if (tool->stop_signal == 0) {
		tool->stop_signal = signum;
	}
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	status = drain_publish_claim(tool->locks, id, who);
	if (!NT_STATUS_IS_OK(status)) {
		drain_owner_release(tool->locks, id);
	}
	return status;
}

NTSTATUS end_claim(struct tool *tool,
		   const struct drain_id *id,
		   struct server_id *who)
{
	NTSTATUS status = drain_end_claim(tool->locks, id, who);

	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) &&
	    !drain_store_is_over(tool->store, id) &&
	    !drain_runner_is(tool->locks, id, *who)) {
		status = wait_to_end(tool, id, who);
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) &&
	    drain_store_is_over(tool->store, id)) {
		return NT_STATUS_NOT_FOUND;
	}
	return status;
}

enum end_owner end_own(struct tool *tool, const struct drain_record *record)
{
	struct server_id owner = {0};
	NTSTATUS status;

	if (tool->stop_signal != 0) {
		return END_IS_NOT_OURS;
	}
	status = take_owner(tool, &record->id, &owner);
	if (NT_STATUS_IS_OK(status)) {
		return END_IS_OURS;
	}
	if (tool->stop_signal != 0) {
		return END_IS_NOT_OURS;
	}
	if (!NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		complain("cannot lock the drain of %s: %s", show_target(record),
			 nt_errstr(status));
		return END_IS_NOT_OURS;
	}
	if (drain_runner_is(tool->locks, &record->id, owner)) {
		return END_IS_OF_A_RUN;
	}
	if (drain_store_is_over(tool->store, &record->id)) {
		complain("the drain of %s has ended: another process resumed "
			 "it", show_target(record));
		return END_IS_NOT_OURS;
	}
	complain("cannot lock the drain of %s: process %s is using it",
		 show_target(record), show_server(owner));
	return END_IS_NOT_OURS;
}

bool end_is_due(const struct drain_record *record)
{
	return record->on_timeout == DRAIN_TIMEOUT_RESUME &&
	       drain_record_is_due(record, drain_now());
}

bool end_is_half_published(struct tool *tool, const struct drain_id *id)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	NTSTATUS status;
	bool half;

	status = drain_store_read(tool->store, frame, id, &record);
	half = NT_STATUS_IS_OK(status) && record->publishing[0] != '\0';
	if (half) {
		const char *target = show_target(record);
		const char *staged = show_text(record->publishing);
		struct drain_id_buf buf;

		complain("%s is half published: \"smbdrain publish %s %s "
			 "--id=%s\" completes it, and reverts it with --undo",
			 target, target, staged, drain_id_string(id, &buf));
	}
	TALLOC_FREE(frame);
	return half;
}

/*
 * Wait until the smbds have answered, because deferred opens do not check the
 * record by themselves. An smbd that is blocked does not answer.
 */
static void hear_from_roster(struct tool *tool)
{
	static const struct drain_id none;
	struct survey *survey = survey_take(tool, tool, &none, false,
					    tool_deadline(END_HEAR_MSEC));

	TALLOC_FREE(survey);
}

static void tell_everybody(struct tool *tool,
			   const struct drain_record *record)
{
	drain_roster_tell(tool->locks);
	if (record->policy.hold_opens && tool->stop_signal == 0) {
		hear_from_roster(tool);
	}
	drain_hold_wake(tool->locks, &record->id);
}

NTSTATUS end_drain(struct tool *tool, const struct drain_record *record)
{
	NTSTATUS status = drain_store_remove(tool->store, &record->id);

	if (NT_STATUS_IS_OK(status)) {
		tell_everybody(tool, record);
	}
	return status;
}

NTSTATUS end_at_deadline(struct tool *tool, const struct drain_record *record)
{
	struct server_id owner = {0};
	NTSTATUS status = take_owner(tool, &record->id, &owner);

	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	status = drain_store_expire(tool->store, &record->id);
	if (NT_STATUS_IS_OK(status)) {
		tell_everybody(tool, record);
	}
	drain_owner_release(tool->locks, &record->id);
	if (NT_STATUS_IS_OK(status)) {
		complain("%s: resumed at its deadline", show_target(record));
	}
	return status;
}

static NTSTATUS end_if_free(struct tool *tool,
			    const struct drain_record *record)
{
	struct server_id who = {0};
	NTSTATUS status = drain_end_claim(tool->locks, &record->id, &who);

	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	status = drain_store_expire(tool->store, &record->id);
	if (NT_STATUS_IS_OK(status)) {
		tell_everybody(tool, record);
	}
	drain_end_release(tool->locks, &record->id);
	return status;
}

/*
 * Return true if there is nothing to do: another process holds the locks of the
 * drain, the drain has ended, or it is no longer due.
 */
static bool is_for_others(NTSTATUS status)
{
	return NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) ||
	       NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND) ||
	       NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE);
}

void end_all_due(struct tool *tool)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_list *list = NULL;
	size_t i;

	/* The verb that reads the records next reports the error. */
	if (!NT_STATUS_IS_OK(drain_store_list(tool->store, frame, &list))) {
		TALLOC_FREE(frame);
		return;
	}
	for (i = 0; i < list->num_records; i++) {
		const struct drain_record *record = list->records[i];
		NTSTATUS status;

		if (!end_is_due(record)) {
			continue;
		}
		status = end_if_free(tool, record);
		if (NT_STATUS_IS_OK(status)) {
			complain("%s: resumed at its deadline",
				 show_target(record));
		} else if (!is_for_others(status)) {
			complain("cannot resume %s at its deadline: %s",
				 show_target(record),
				 tool_write_error(status));
		}
	}
	TALLOC_FREE(frame);
}
