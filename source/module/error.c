// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Internal errors: counted for "smbdrain status", and logged.
 */

#include "module.h"
#include "error.h"

static struct {
	uint32_t num;
	char last[1024];
} errors;

/* Test whether an error with that format is the first one */
static bool is_news(const char *fmt)
{
	static const char *known[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i] == fmt) {
			return false;
		}
		if (known[i] == NULL) {
			known[i] = fmt;
			return true;
		}
	}
	return false;
}

void drain_error(struct drain_about about, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	errors.num += 1;
	snprintf(errors.last, sizeof(errors.last), "%s: %s",
		 drain_about_text(about), text);
	if (is_news(fmt)) {
		DRAIN_LOG(DBG_ERR, about, "%s", text);
	}
}

struct drain_errors drain_errors(void)
{
	return (struct drain_errors){
		.num = errors.num,
		.last = errors.last,
	};
}
