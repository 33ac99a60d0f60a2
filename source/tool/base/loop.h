// SPDX-License-Identifier: GPL-3.0-or-later
/* Run the event loop until a request is done, or a time has passed. */

#ifndef _DRAIN_TOOL_BASE_LOOP_H_
#define _DRAIN_TOOL_BASE_LOOP_H_

#include "drain/samba_compat.h"

struct tool;

/** Timer handler: set the bool at @private_data, which outlives the timer. */
void tool_timer_set(struct tevent_context *ev,
		    struct tevent_timer *te,
		    struct timeval now,
		    void *private_data);

/**
 * Run the event loop until @req is done, @deadline has passed, or a signal asks
 * us to stop.
 *
 * @return false if @req is not done.
 */
bool tool_poll(struct tool *tool, struct tevent_req *req, uint64_t deadline);

#endif /* _DRAIN_TOOL_BASE_LOOP_H_ */
