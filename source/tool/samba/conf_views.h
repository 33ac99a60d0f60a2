// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the shares of clients for which smb.conf includes other files. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_VIEWS_H_
#define _DRAIN_TOOL_SAMBA_CONF_VIEWS_H_

#include "drain/samba_compat.h"

struct conf_files;
struct share_list;

/**
 * Return the shares that differ for some clients because smb.conf includes
 * other files for them. This loads these files, so load smb.conf again
 * afterwards.
 *
 * @return NULL if out of memory.
 */
struct share_list *conf_views(TALLOC_CTX *mem_ctx,
			      struct conf_files *files,
			      const char *file,
			      const struct share_list *shares);

/** Return true if there are such files. */
bool conf_has_views(const struct conf_files *files);

#endif /* _DRAIN_TOOL_SAMBA_CONF_VIEWS_H_ */
