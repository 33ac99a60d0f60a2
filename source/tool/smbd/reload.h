// SPDX-License-Identifier: GPL-3.0-or-later
/* Make every smbd read smb.conf after a change. */

#ifndef _DRAIN_TOOL_SMBD_RELOAD_H_
#define _DRAIN_TOOL_SMBD_RELOAD_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Make every smbd reload smb.conf if it changed too recently for all of them to
 * have noticed.
 *
 * @return false after an error message, if one of them has not.
 */
bool reload_if_changed(struct tool *tool, uint64_t deadline);

#endif /* _DRAIN_TOOL_SMBD_RELOAD_H_ */
