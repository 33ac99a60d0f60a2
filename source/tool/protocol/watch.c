// SPDX-License-Identifier: GPL-3.0-or-later
/* Watch all drains as they begin, change and end. */

#include "protocol/watch.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/tool.h"
#include "protocol/end.h"

static struct tevent_req *watch_all(struct tool *tool)
{
	static const struct drain_id all;

	return drain_hold_watch_send(tool, tool->ev, tool->locks, &all, false);
}

static bool is_well(struct tevent_req *req)
{
	NTSTATUS status = drain_hold_watch_recv(req);

	if (NT_STATUS_IS_OK(status) ||
	    NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		return true;
	}
	complain("cannot watch the drains: %s", nt_errstr(status));
	return false;
}

void watch_drains(struct tool *tool,
		  uint64_t every,
		  bool (*look)(void *private_data),
		  void *private_data)
{
	struct tevent_req *req = watch_all(tool);
	bool well = true;

	/* Start the watch before the check, so that no change is missed. */
	while (well && req != NULL && look(private_data) &&
	       tool->stop_signal == 0) {
		uint64_t next = (every != UINT64_MAX) ? tool_deadline(every)
						      : UINT64_MAX;

		if (tool_poll(tool, req, next)) {
			well = is_well(req);
			TALLOC_FREE(req);
			end_all_due(tool);
			req = watch_all(tool);
		}
	}
	TALLOC_FREE(req);
}
