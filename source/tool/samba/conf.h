// SPDX-License-Identifier: GPL-3.0-or-later
/* Load smb.conf with all files that any client can get, and list the shares. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_H_
#define _DRAIN_TOOL_SAMBA_CONF_H_

#include "drain/samba_compat.h"

struct share_list;
struct tool;

/**
 * Load smb.conf and the files that it includes for any client. This discards
 * what was loaded before, including the numbers of shares.
 *
 * @return false after an error message.
 */
bool conf_load(struct tool *tool);

/**
 * Return all shares, like shares_load(), including those that only some clients
 * get. Return NULL if out of memory.
 */
struct share_list *conf_shares(TALLOC_CTX *mem_ctx, const struct tool *tool);

#endif /* _DRAIN_TOOL_SAMBA_CONF_H_ */
