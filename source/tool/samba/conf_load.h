// SPDX-License-Identifier: GPL-3.0-or-later
/* Load smb.conf as smbd does, repeatedly if needed. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_LOAD_H_
#define _DRAIN_TOOL_SAMBA_CONF_LOAD_H_

#include "drain/samba_compat.h"

/** Let Samba's libraries print their own messages only with -d. */
void conf_silence_samba(void);

/**
 * Load one file and the files that it includes, and all shares of the registry,
 * which smbd loads on demand. Samba's messages about it appear once.
 */
bool conf_load_file(const char *path);

/**
 * Like conf_load_file(), but follow "config file" as smbd does. Prints no error
 * message.
 */
bool conf_load_files(const char *file);

/** Load all usershares that a client can connect to. */
void conf_load_usershares(void);

/** Remove all loaded shares. */
void conf_forget_shares(void);

#endif /* _DRAIN_TOOL_SAMBA_CONF_LOAD_H_ */
