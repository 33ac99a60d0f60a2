// SPDX-License-Identifier: GPL-3.0-or-later
/* Make every smbd read smb.conf after a change. */

#ifndef _DRAIN_TOOL_SMBD_RELOAD_H_
#define _DRAIN_TOOL_SMBD_RELOAD_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * If smb.conf is so young that not every smbd need have read it, have them.
 *
 * @return false after a complaint: somebody has not.
 */
bool reload_if_changed(struct tool *tool, uint64_t deadline);

#endif /* _DRAIN_TOOL_SMBD_RELOAD_H_ */
