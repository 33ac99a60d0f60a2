// SPDX-License-Identifier: GPL-3.0-or-later
/* Arrange that a drain is resumed at its deadline when no tool waits for it. */

#ifndef _DRAIN_TOOL_PROTOCOL_DEADLINE_H_
#define _DRAIN_TOOL_PROTOCOL_DEADLINE_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

/**
 * See to it that somebody resumes the drain at its deadline when no tool waits
 * for it, if it is to be resumed then, and say who does.
 */
void deadline_arrange(struct tool *tool, const struct drain_record *record);

#endif /* _DRAIN_TOOL_PROTOCOL_DEADLINE_H_ */
