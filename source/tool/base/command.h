// SPDX-License-Identifier: GPL-3.0-or-later
/* Look up and start the command of "smbdrain run". */

#ifndef _DRAIN_TOOL_BASE_COMMAND_H_
#define _DRAIN_TOOL_BASE_COMMAND_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Check if execvp(3) would find the command, before a drain begins.
 *
 * @return 0, or the errno with which the exec would fail.
 */
int command_look_up(const char *name);

/**
 * Handle the signals that interrupt the program, except those that are ignored.
 */
bool command_catch_signals(struct tool *tool,
			   TALLOC_CTX *mem_ctx,
			   tevent_signal_handler_t handler,
			   void *private_data);

/* A running command */
struct child {
	pid_t pid; /* 0: not started */
	int status; /* from waitpid(2), once it has ended */
	bool gone;
};

/**
 * Watch for the end of a child as long as @mem_ctx exists. Call this before the
 * child is started.
 */
bool command_await_end(struct tool *tool,
		       TALLOC_CTX *mem_ctx,
		       struct child *child);

/**
 * Start the command.
 *
 * @param[out] pid  Its process; command_await_end() notes its end.
 * @return 0, or an errno: there is no process, and the command was not started.
 */
int command_start(char **command, pid_t *pid);

#endif /* _DRAIN_TOOL_BASE_COMMAND_H_ */
