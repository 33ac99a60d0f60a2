/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The end of a drain.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

void end_wake(struct tool *tool, const struct drain_id *id)
{
	static const struct drain_id all;

	drain_hold_wake(tool->locks, id);
	drain_hold_wake(tool->locks, &all);
}

void end_tell_roster(struct tool *tool)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_request request = {.ask = DRAIN_ASK_APPLY};
	struct server_id *members = NULL;
	size_t num = 0;
	size_t i;

	/* No cookie: nobody listens for the answers */
	if (NT_STATUS_IS_OK(drain_roster_members(tool->locks, frame, &members,
						 &num))) {
		for (i = 0; i < num; i++) {
			(void)drain_request_send(tool->msg_ctx, members[i],
						 &request);
		}
	}
	TALLOC_FREE(frame);
}

bool end_is_due(const struct drain_record *record)
{
	return record->on_timeout == DRAIN_TIMEOUT_RESUME &&
	       drain_record_is_due(record, drain_now());
}

NTSTATUS end_at_deadline(struct tool *tool, const struct drain_record *record)
{
	struct server_id owner = {0};
	NTSTATUS status;

	status = drain_owner_claim(tool->locks, &record->id, &owner);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	status = end_drain(tool, &record->id);
	drain_owner_release(tool->locks, &record->id);
	if (NT_STATUS_IS_OK(status)) {
		complain("%s: resumed at its deadline", show_target(record));
	}
	return status;
}

NTSTATUS end_drain(struct tool *tool, const struct drain_id *id)
{
	NTSTATUS status = drain_store_remove(tool->store, id);

	if (NT_STATUS_IS_OK(status)) {
		end_tell_roster(tool);
		end_wake(tool, id);
	}
	return status;
}
