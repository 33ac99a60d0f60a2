// SPDX-License-Identifier: GPL-3.0-or-later
/* Remove disconnected durable handles from Samba's table of open files. */

#ifndef _DRAIN_TOOL_SAMBA_PURGE_H_
#define _DRAIN_TOOL_SAMBA_PURGE_H_

#include "drain/samba_compat.h"

struct open_handle_list;

/**
 * Remove disconnected durable handles: those that have expired, which Samba
 * does not remove after a restart, or @all of them.
 */
void handles_purge(const struct open_handle_list *list, bool all);

#endif /* _DRAIN_TOOL_SAMBA_PURGE_H_ */
