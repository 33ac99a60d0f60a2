// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Arrange that a drain is resumed at its deadline when no tool waits for it.
 *
 * The smbds of connected clients resume it. When no client is connected, no
 * open is refused, and the first client that connects finds the target open;
 * until then only its record says that it is drained. With systemd, a timer
 * resumes such a drain.
 */

#include "protocol/deadline.h"
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include "drain/record.h"
#include "drain/store.h"
#include "base/command.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/tool.h"

#define DEADLINE_START_MSEC 10000
/* after the deadline, so that the smbds act first */
#define DEADLINE_LATER_SECONDS 2

static bool await_end(struct tevent_context *ev,
		      struct child *child,
		      const bool *late)
{
	while (!child->gone && !*late) {
		if (tevent_loop_once(ev) != 0) {
			break;
		}
	}
	if (!child->gone) {
		(void)kill(child->pid, SIGKILL);
		(void)waitpid(child->pid, &child->status, 0);
	}
	return child->gone && WIFEXITED(child->status) &&
	       WEXITSTATUS(child->status) == 0;
}

static bool run_program(struct tool *tool, char **command)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct child child = {0};
	bool late = false;
	bool ok;

	ok = command_await_end(tool, frame, &child) &&
	     tevent_add_timer(tool->ev,
			      frame,
			      timeval_current_ofs_msec(DEADLINE_START_MSEC),
			      tool_timer_set,
			      &late) != NULL &&
	     command_start(command, &child.pid) == 0 &&
	     await_end(tool->ev, &child, &late);
	TALLOC_FREE(frame);
	return ok;
}

static uint64_t seconds_left(const struct drain_record *record)
{
	const uint64_t now = drain_now();

	return (record->deadline > now)
		       ? (record->deadline - now) / 1000000 + 1
		       : 0;
}

static char *own_program(TALLOC_CTX *mem_ctx)
{
	char *path = realpath("/proc/self/exe", NULL);
	char *copy = talloc_strdup(mem_ctx, path != NULL ? path : "smbdrain");

	free(path);
	return copy;
}

static char *own_config(TALLOC_CTX *mem_ctx)
{
	char *path = realpath(get_dyn_CONFIGFILE(), NULL);
	char *copy = talloc_strdup(mem_ctx, path != NULL
						    ? path
						    : get_dyn_CONFIGFILE());

	free(path);
	return copy;
}

/*
 * Start a timer. Any verb that reads the records would do; the unit name
 * contains nothing that systemd expands.
 */
static bool start_timer(struct tool *tool,
			TALLOC_CTX *mem_ctx,
			const struct drain_record *record,
			char *unit)
{
	char *command[] = {
		discard_const_p(char, "systemd-run"),
		discard_const_p(char, "--quiet"),
		discard_const_p(char, "--collect"),
		talloc_asprintf(mem_ctx, "--unit=%s", unit),
		talloc_asprintf(mem_ctx, "--on-active=%" PRIu64,
				seconds_left(record) +
					DEADLINE_LATER_SECONDS),
		discard_const_p(char, "--timer-property=AccuracySec=1s"),
		discard_const_p(char, "--"),
		own_program(mem_ctx),
		discard_const_p(char, "-s"),
		own_config(mem_ctx),
		discard_const_p(char, "status"),
		NULL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(command) - 1; i++) {
		if (command[i] == NULL) {
			return false;
		}
	}
	return sd_booted() > 0 && command_look_up(command[0]) == 0 &&
	       run_program(tool, command);
}

void deadline_arrange(struct tool *tool, const struct drain_record *record)
{
	TALLOC_CTX *frame = NULL;
	struct drain_id_buf buf;
	char *unit = NULL;

	if (record->deadline == 0 ||
	    record->on_timeout != DRAIN_TIMEOUT_RESUME) {
		return;
	}
	frame = talloc_stackframe();
	unit = talloc_asprintf(frame, "smbdrain-deadline-%s-%" PRIu64,
			       drain_id_string(&record->id, &buf),
			       record->deadline / 1000000);
	if (unit != NULL && start_timer(tool, frame, record, unit)) {
		printf("%s.timer resumes %s after %s, unless it is quiescent "
		       "by then\n", unit, show_target(record),
		       show_time(record->deadline));
	} else {
		complain("cannot start a systemd timer for the deadline of %s: "
			 "if no client is connected then, the next client that "
			 "connects or the next smbdrain command resumes it",
			 show_target(record));
	}
	TALLOC_FREE(frame);
}
