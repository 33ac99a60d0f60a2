// SPDX-License-Identifier: GPL-3.0-or-later
/* Run the event loop until a request is done, or a time has passed. */

#include "base/loop.h"
#include "base/clock.h"
#include "base/tool.h"

void tool_timer_set(struct tevent_context *ev _UNUSED_,
		    struct tevent_timer *te _UNUSED_,
		    struct timeval now _UNUSED_,
		    void *private_data)
{
	bool *passed = private_data;

	*passed = true;
}

bool tool_poll(struct tool *tool, struct tevent_req *req, uint64_t deadline)
{
	TALLOC_CTX *frame = talloc_stackframe();
	bool late = tool_is_late(deadline);

	if (deadline != UINT64_MAX &&
	    tevent_add_timer(tool->ev, frame, tool_until(deadline, UINT32_MAX),
			     tool_timer_set, &late) == NULL) {
		late = true;
	}
	while (!late && tool->stop_signal == 0 &&
	       tevent_req_is_in_progress(req)) {
		if (tevent_loop_once(tool->ev) != 0) {
			break;
		}
	}
	TALLOC_FREE(frame);
	return !tevent_req_is_in_progress(req);
}
