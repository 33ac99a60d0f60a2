// SPDX-License-Identifier: GPL-3.0-or-later
/* Run the event loop until a request is done. */

#ifndef _DRAIN_TOOL_BASE_LOOP_H_
#define _DRAIN_TOOL_BASE_LOOP_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Run the event loop until @req is done, @deadline has passed, or a signal asks
 * us to stop.
 *
 * @return false if @req is not done.
 */
bool tool_poll(struct tool *tool, struct tevent_req *req, uint64_t deadline);

#endif /* _DRAIN_TOOL_BASE_LOOP_H_ */
