// SPDX-License-Identifier: GPL-3.0-or-later
/* Check that all processes on Samba's message bus are in our PID namespace. */

#ifndef _DRAIN_TOOL_SAMBA_NAMESPACE_H_
#define _DRAIN_TOOL_SAMBA_NAMESPACE_H_

#include "drain/samba_compat.h"

/**
 * Return a message if a process on the bus is in another PID namespace, or if
 * this cannot be determined. Return NULL if all are in ours.
 */
const char *namespace_problem(TALLOC_CTX *mem_ctx);

/**
 * Return true if all are in our PID namespace, false after an error message.
 */
bool namespace_is_shared(void);

#endif /* _DRAIN_TOOL_SAMBA_NAMESPACE_H_ */
