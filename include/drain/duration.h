// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Durations in the notation of sleep(1).
 */

#ifndef _DRAIN_DURATION_H_
#define _DRAIN_DURATION_H_

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/**
 * Parse "90", "90s", "1.5m", "2h" or "1d".
 *
 * @param[out] milliseconds  The duration; at most a year.
 *
 * @return false: the text is no duration, or is negative or above a year.
 */
bool drain_duration_parse(const char *text, uint64_t *milliseconds);

/**
 * Format a duration for a message: "1.5s", "2m10s", "3h05m", "2d04h".
 *
 * @return NULL: out of memory.
 */
char *drain_duration_string(TALLOC_CTX *mem_ctx, uint64_t milliseconds);

#endif /* _DRAIN_DURATION_H_ */
