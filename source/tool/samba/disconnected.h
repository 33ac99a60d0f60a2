// SPDX-License-Identifier: GPL-3.0-or-later
/* Recognize disconnected durable handles in Samba's table of open files. */

#ifndef _DRAIN_TOOL_SAMBA_DISCONNECTED_H_
#define _DRAIN_TOOL_SAMBA_DISCONNECTED_H_

#include "drain/samba_compat.h"

/** Return true if a client can reconnect to the handle of this entry. */
bool entry_is_disconnected(const struct share_mode_entry *e);

#endif /* _DRAIN_TOOL_SAMBA_DISCONNECTED_H_ */
