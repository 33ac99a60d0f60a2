// SPDX-License-Identifier: GPL-3.0-or-later
/* Watch all drains as they begin, change and end. */

#ifndef _DRAIN_TOOL_PROTOCOL_WATCH_H_
#define _DRAIN_TOOL_PROTOCOL_WATCH_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Look at once, and whenever a drain has begun, changed or ended, until @look
 * says false or we shall stop (tool->stop_signal).
 *
 * @param[in] every  Milliseconds after which to look in any case; UINT64_MAX:
 *                   only when there is something to see.
 */
void watch_drains(struct tool *tool,
		  uint64_t every,
		  bool (*look)(void *private_data),
		  void *private_data);

#endif /* _DRAIN_TOOL_PROTOCOL_WATCH_H_ */
