// SPDX-License-Identifier: GPL-3.0-or-later
/* Collect the findings of "smbdrain check". */

#include "verb/findings.h"
#include "output/json.h"

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
