/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Durations as people write them for sleep(1).
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
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
 * @return false when it is none, negative, or longer than a year.
 */
bool drain_duration_parse(const char *text, uint64_t *milliseconds);

/** "1.5s", "2m10s", "3h05m", "2d04h": for people. NULL: out of memory. */
char *drain_duration_string(TALLOC_CTX *mem_ctx, uint64_t milliseconds);

#endif /* _DRAIN_DURATION_H_ */
