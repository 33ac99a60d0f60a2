// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Run the command of --warn-command, with the holders as JSON on its standard
 * input.
 */

#ifndef _DRAIN_TOOL_PROTOCOL_WARN_H_
#define _DRAIN_TOOL_PROTOCOL_WARN_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

/** Run --warn-command with the holders, without waiting for it. */
void warn(struct tool *tool,
	  const char *command,
	  const struct drain_record *record);

/**
 * Set DRAIN_ID, DRAIN_SHARE, ... for a command. Return false if out of memory.
 */
bool drain_set_environment(const struct drain_record *record);

#endif /* _DRAIN_TOOL_PROTOCOL_WARN_H_ */
