// SPDX-License-Identifier: GPL-3.0-or-later
/* Find what smb.conf is for clients for which it includes other files. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_VIEWS_H_
#define _DRAIN_TOOL_SAMBA_CONF_VIEWS_H_

#include "drain/samba_compat.h"

struct conf_files;
struct share_list;

/**
 * The shares that are other ones for some clients, by files that smb.conf
 * includes for them. Loads those: smb.conf is to be loaded again afterwards.
 *
 * @return NULL: out of memory.
 */
struct share_list *conf_views(TALLOC_CTX *mem_ctx,
			      struct conf_files *files,
			      const char *file,
			      const struct share_list *shares);

/** Are there any to look at? */
bool conf_has_views(const struct conf_files *files);

#endif /* _DRAIN_TOOL_SAMBA_CONF_VIEWS_H_ */
