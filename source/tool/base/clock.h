// SPDX-License-Identifier: GPL-3.0-or-later
/* Deadlines by the monotonic clock. */

#ifndef _DRAIN_TOOL_BASE_CLOCK_H_
#define _DRAIN_TOOL_BASE_CLOCK_H_

#include "drain/samba_compat.h"

/*
 * Return the time @milliseconds from now, by the monotonic clock. UINT64_MAX
 * stands for never.
 */
uint64_t tool_deadline(uint64_t milliseconds);

/** Return true if the deadline has passed. */
bool tool_is_late(uint64_t deadline);

/** Return the time halfway between now and the deadline. */
uint64_t tool_halfway(uint64_t deadline);

/**
 * Return when the deadline is reached, or in @most milliseconds if that is
 * earlier.
 */
struct timeval tool_until(uint64_t deadline, uint64_t most);

#endif /* _DRAIN_TOOL_BASE_CLOCK_H_ */
