// SPDX-License-Identifier: GPL-3.0-or-later
/* Load smb.conf as smbd does, also more than once. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_LOAD_H_
#define _DRAIN_TOOL_SAMBA_CONF_LOAD_H_

#include "drain/samba_compat.h"

/**
 * Load one file and what it includes: all shares of the registry, too, which
 * smbd loads when one is asked for. What Samba says about it is heard once.
 */
bool conf_load_file(const char *path);

/** The same, and go on to "config file", as smbd does. Without a complaint. */
bool conf_load_files(const char *file);

/** Load the shares of users, all that a client can ask for. */
void conf_load_usershares(void);

/** Forget all shares. */
void conf_forget_shares(void);

#endif /* _DRAIN_TOOL_SAMBA_CONF_LOAD_H_ */
