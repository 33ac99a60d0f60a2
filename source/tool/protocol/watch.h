// SPDX-License-Identifier: GPL-3.0-or-later
/* Watch all drains as they begin, change and end. */

#ifndef _DRAIN_TOOL_PROTOCOL_WATCH_H_
#define _DRAIN_TOOL_PROTOCOL_WATCH_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Call @look at once, and whenever a drain has begun, changed or ended, until
 * @look returns false or tool->stop_signal is set.
 *
 * @param[in] every  Call @look at least once in so many milliseconds;
 * UINT64_MAX: only at events.
 */
void watch_drains(struct tool *tool,
		  uint64_t every,
		  bool (*look)(void *private_data),
		  void *private_data);

#endif /* _DRAIN_TOOL_PROTOCOL_WATCH_H_ */
