// SPDX-License-Identifier: GPL-3.0-or-later
/* Print error messages on standard error. */

#ifndef _DRAIN_TOOL_BASE_ERROR_H_
#define _DRAIN_TOOL_BASE_ERROR_H_

#include "drain/samba_compat.h"

/** Return why a change of the database failed. */
const char *tool_write_error(NTSTATUS status);

/** Print "smbdrain: ..." as one line on standard error. */
void complain(const char *fmt, ...) PRINTF_ATTRIBUTE(1, 2);

#endif /* _DRAIN_TOOL_BASE_ERROR_H_ */
