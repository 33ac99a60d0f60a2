// SPDX-License-Identifier: GPL-3.0-or-later
/* Remove disconnected durable handles from Samba's table of open files. */

#ifndef _DRAIN_TOOL_SAMBA_PURGE_H_
#define _DRAIN_TOOL_SAMBA_PURGE_H_

#include "drain/samba_compat.h"

struct open_handle_list;

/**
 * Remove durable handles whose client is away: those that have expired, which
 * Samba forgets to do when it was restarted, or all before their time.
 */
void handles_purge(const struct open_handle_list *list, bool all);

#endif /* _DRAIN_TOOL_SAMBA_PURGE_H_ */
