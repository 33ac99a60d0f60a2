// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Internal errors. "smbdrain status" shows how many there were and the last
 * one.
 */

#ifndef _DRAIN_ERROR_H_
#define _DRAIN_ERROR_H_

#include "log.h"

/* The errors of this process */
struct drain_errors {
	uint32_t num;
	const char *last; /* static; "" if there was none */
};

/** Count an error, keep its text, and log it once for each @fmt. */
void drain_error(struct drain_about about, const char *fmt, ...)
	PRINTF_ATTRIBUTE(2, 3);

/** Return the errors so far. */
struct drain_errors drain_errors(void);

#endif /* _DRAIN_ERROR_H_ */
