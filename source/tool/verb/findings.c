/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What "smbdrain check" has found.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

void check_problem(struct findings *f, const char *share, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	text = talloc_vasprintf(talloc_tos(), fmt, ap);
	va_end(ap);
	json_array_append_new(
		f->problems,
		json_pack("{s:o, s:o}",
			  "share", share != NULL ? show_json_text(share)
						 : json_null(),
			  "text", show_json_text(text != NULL ? text : "?")));
}
