/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Error messages on standard error.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

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
	/* What dbwrap makes of any transaction that can not be committed */
	if (NT_STATUS_EQUAL(status, NT_STATUS_INTERNAL_DB_CORRUPTION)) {
		return "the transaction failed; is the disk full?";
	}
	return nt_errstr(status);
}
