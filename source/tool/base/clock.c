// SPDX-License-Identifier: GPL-3.0-or-later
/* Deadlines by the monotonic clock. */

#include "base/clock.h"

static uint64_t now_msec(void)
{
	struct timespec t = {0};

	clock_gettime_mono(&t);
	return (uint64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t tool_deadline(uint64_t milliseconds)
{
	return now_msec() + milliseconds;
}

bool tool_is_late(uint64_t deadline)
{
	return now_msec() >= deadline;
}

uint64_t tool_halfway(uint64_t deadline)
{
	uint64_t now = now_msec();

	return (deadline > now) ? now + (deadline - now) / 2 : now;
}

struct timeval tool_until(uint64_t deadline, uint64_t most)
{
	uint64_t now = now_msec();
	uint64_t left = (deadline > now) ? deadline - now : 0;

	left = MIN(left, most);
	return timeval_current_ofs(left / 1000, left % 1000 * 1000);
}
