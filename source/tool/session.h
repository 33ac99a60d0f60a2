// SPDX-License-Identifier: GPL-3.0-or-later
/* Open what all verbs need: smb.conf, the message bus, the databases. */

#ifndef _DRAIN_TOOL_SESSION_H_
#define _DRAIN_TOOL_SESSION_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Open what all verbs need.
 *
 * @return false after an error message.
 */
bool tool_open(struct tool *tool);

#endif /* _DRAIN_TOOL_SESSION_H_ */
