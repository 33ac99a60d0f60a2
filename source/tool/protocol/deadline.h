// SPDX-License-Identifier: GPL-3.0-or-later
/* Arrange that a drain is resumed at its deadline when no tool waits for it. */

#ifndef _DRAIN_TOOL_PROTOCOL_DEADLINE_H_
#define _DRAIN_TOOL_PROTOCOL_DEADLINE_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

/**
 * If the drain is to be resumed at its deadline, start a timer that does so
 * when no tool waits, and print which one.
 */
void deadline_arrange(struct tool *tool, const struct drain_record *record);

#endif /* _DRAIN_TOOL_PROTOCOL_DEADLINE_H_ */
