// SPDX-License-Identifier: GPL-3.0-or-later
/* Look up and start the command of "smbdrain run". */

#ifndef _DRAIN_TOOL_BASE_COMMAND_H_
#define _DRAIN_TOOL_BASE_COMMAND_H_

#include "drain/samba_compat.h"

struct tool;

/**
 * Would execvp(3) find the command? Looked up before anybody is drained.
 *
 * @return 0, or the errno of the exec that would fail.
 */
int command_look_up(const char *name);

/** Handle the signals that end a run, but those that are ignored. */
bool command_catch_signals(struct tool *tool,
			   TALLOC_CTX *mem_ctx,
			   tevent_signal_handler_t handler,
			   void *private_data);

/* A command that runs */
struct child {
	pid_t pid; /* 0: not started */
	int status; /* of waitpid(2), when it is gone */
	bool gone;
};

/** Note the end of a child: from before it is started, while @mem_ctx is. */
bool command_await_end(struct tool *tool,
		       TALLOC_CTX *mem_ctx,
		       struct child *child);

/**
 * Start the command.
 *
 * @param[out] pid  Its process; command_await_end() tells of its end.
 * @return 0, or an errno: there is no process, and the command has not begun.
 */
int command_start(char **command, pid_t *pid);

#endif /* _DRAIN_TOOL_BASE_COMMAND_H_ */
