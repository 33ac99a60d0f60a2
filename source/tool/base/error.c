// SPDX-License-Identifier: GPL-3.0-or-later
/* Print error messages on standard error. */

#include "base/error.h"

void complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("smbdrain: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

const char *tool_write_error(NTSTATUS status)
{
	/* dbwrap returns this for any transaction that cannot be committed. */
	if (NT_STATUS_EQUAL(status, NT_STATUS_INTERNAL_DB_CORRUPTION)) {
		return "the transaction failed; is the disk full?";
	}
	return nt_errstr(status);
}
