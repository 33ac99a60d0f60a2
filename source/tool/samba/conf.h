// SPDX-License-Identifier: GPL-3.0-or-later
/* Load smb.conf with all that clients may get of it, and list the shares. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_H_
#define _DRAIN_TOOL_SAMBA_CONF_H_

#include "drain/samba_compat.h"

struct share_list;
struct tool;

/**
 * Load smb.conf, and find out what it is to whom. What was loaded before is
 * forgotten: the numbers of shares, too.
 *
 * @return false after a complaint.
 */
bool conf_load(struct tool *tool);

/**
 * All shares, as shares_load(), and those that only some clients get. NULL: out
 * of memory.
 */
struct share_list *conf_shares(TALLOC_CTX *mem_ctx, const struct tool *tool);

#endif /* _DRAIN_TOOL_SAMBA_CONF_H_ */
