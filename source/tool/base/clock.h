// SPDX-License-Identifier: GPL-3.0-or-later
/* Deadlines by the monotonic clock. */

#ifndef _DRAIN_TOOL_BASE_CLOCK_H_
#define _DRAIN_TOOL_BASE_CLOCK_H_

#include "drain/samba_compat.h"

/* A moment, by the monotonic clock; UINT64_MAX: never */
uint64_t tool_deadline(uint64_t milliseconds);

/** Has it come? */
bool tool_is_late(uint64_t deadline);

/** The moment half way between now and then. */
uint64_t tool_halfway(uint64_t deadline);

/** What is left until then, at most @most milliseconds. */
struct timeval tool_until(uint64_t deadline, uint64_t most);

#endif /* _DRAIN_TOOL_BASE_CLOCK_H_ */
