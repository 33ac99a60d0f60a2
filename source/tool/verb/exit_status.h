// SPDX-License-Identifier: GPL-3.0-or-later
/* Exit statuses, and which one the end of a wait gets. */

#ifndef _DRAIN_TOOL_VERB_EXIT_STATUS_H_
#define _DRAIN_TOOL_VERB_EXIT_STATUS_H_

#include "drain/samba_compat.h"
#include "protocol/quiesce.h"

/* Exit statuses; those of "run" are like those of timeout(1) */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNTOLD = 123, /* done, but the output could not be written */
	EXIT_TIMED_OUT = 124,
	EXIT_RUN_FAILED = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/** Return the exit status of a verb that has waited. */
int exit_status_of_wait(enum quiesce_result result);

#endif /* _DRAIN_TOOL_VERB_EXIT_STATUS_H_ */
