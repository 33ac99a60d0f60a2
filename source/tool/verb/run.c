// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain run". */

#include "verb/verb.h"
#include <sys/wait.h>
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/store.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/notify.h"
#include "samba/conf.h"
#include "protocol/begin.h"
#include "protocol/end.h"
#include "protocol/near.h"
#include "protocol/warn.h"
#include "publish/publish.h"
#include "verb/exit_status.h"
#include "verb/options.h"

struct run {
	struct tool *tool;
	const struct options *options;
	struct publish *publish; /* the publish, or NULL: a command */
	struct drain_record *record;
	/* we began the drain, so we end it if the work is not begun */
	bool ours;
	bool resumed; /* another process resumed the drain, and we said so */
	bool begun; /* the command or the publish was started */
	struct child child;
};

static void stop_fn(struct tevent_context *ev _UNUSED_,
		    struct tevent_signal *se _UNUSED_,
		    int signum,
		    int count _UNUSED_,
		    void *siginfo _UNUSED_,
		    void *private_data)
{
	struct run *run = private_data;

	run->tool->stop_signal = signum;
	if (run->child.pid > 0 && !run->child.gone) {
		(void)kill(run->child.pid, signum);
	}
}

static bool catch_signals(struct run *run, TALLOC_CTX *mem_ctx)
{
	return command_catch_signals(run->tool, mem_ctx, stop_fn, run) &&
	       command_await_end(run->tool, mem_ctx, &run->child);
}

static int exit_status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 128 + WTERMSIG(status);
}

/* For an errno of the exec, as of timeout(1) */
static int exit_status_of_exec(int error)
{
	switch (error) {
	case ENOENT:
		return EXIT_NOT_FOUND;
	case ENOMEM: /* errors that do not concern the command */
	case EAGAIN:
	case EMFILE:
	case ENFILE:
		return EXIT_RUN_FAILED;
	default:
		return EXIT_NOT_EXECUTABLE;
	}
}

static int complain_of_exec(const char *command, int error)
{
	complain("cannot run %s: %s", show_text(command), strerror(error));
	return exit_status_of_exec(error);
}

static int run_command(struct run *run)
{
	char **command = run->options->command;
	int error;

	(void)output_flush();
	if (!drain_set_environment(run->record)) {
		complain("out of memory");
		return EXIT_RUN_FAILED;
	}
	error = command_start(command, &run->child.pid);
	if (error != 0) {
		return complain_of_exec(command[0], error);
	}
	run->begun = true;
	while (!run->child.gone) {
		if (tevent_loop_once(run->tool->ev) != 0) {
			complain("cannot wait for the command: %s",
				 strerror(errno));
			return EXIT_RUN_FAILED;
		}
	}
	return exit_status_of(run->child.status);
}

static bool is_still_quiescent(struct run *run)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	NTSTATUS status;
	bool ok;

	status = drain_store_read(run->tool->store, frame, &run->record->id,
				  &record);
	ok = NT_STATUS_IS_OK(status) && record->state == DRAIN_QUIESCENT;
	if (!ok && !NT_STATUS_IS_OK(status) &&
	    !NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain("cannot read the record of %s: %s",
			 show_target(run->record), nt_errstr(status));
	} else if (!ok) {
		run->resumed = true;
		complain("cannot run the command for %s: another process has "
			 "resumed the drain",
			 show_target(run->record));
	}
	TALLOC_FREE(frame);
	return ok;
}

/* Report once that another process has resumed the drain. */
static void complain_of_resume(struct run *run)
{
	if (!run->resumed) {
		run->resumed = true;
		complain("the drain of %s has ended: another process resumed "
			 "it",
			 show_target(run->record));
	}
}

/* Return true if the drain has ended. */
static bool end_ours(struct run *run)
{
	NTSTATUS status = end_drain(run->tool, run->record);

	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain_of_resume(run);
		return true;
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot resume %s: %s; try \"smbdrain resume\"",
			 show_target(run->record), tool_write_error(status));
		return false;
	}
	return true;
}

static void complain_of_other(const struct run *run,
			      NTSTATUS status,
			      struct server_id who)
{
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		complain("%s stays drained: process %s is working on it",
			 show_target(run->record), show_server(who));
		return;
	}
	complain("%s stays drained: cannot lock its drain: %s",
		 show_target(run->record), nt_errstr(status));
}

static void complain_of_interrupt(const struct run *run)
{
	if (run->tool->stop_signal != 0 && !run->resumed) {
		complain("interrupted; %s %s", show_target(run->record),
			 run->ours ? "is open again" : "stays drained");
	}
}

/* End a drain whose command was not started, unless another process uses it. */
static void end_undone(struct run *run)
{
	const struct drain_record *record = run->record;
	struct server_id who = {0};
	NTSTATUS status = end_claim(run->tool, &record->id, &who);

	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain_of_resume(run);
		return;
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain_of_other(run, status, who);
		return;
	}
	if (!end_is_half_published(run->tool, &record->id) && end_ours(run)) {
		complain_of_interrupt(run);
	}
	drain_end_release(run->tool->locks, &record->id);
}

/*
 * Return true if a publish, left by the command or another process, is still
 * running.
 */
static bool is_published_still(struct run *run)
{
	struct server_id publisher = {0};
	NTSTATUS status = drain_publish_claim(
		run->tool->locks, &run->record->id, &publisher);

	if (NT_STATUS_IS_OK(status)) {
		return false;
	}
	complain_of_other(run, status, publisher);
	return true;
}

static bool is_done(const struct run *run, int ret)
{
	/* a publish that is done stays done, whatever signals arrive */
	return ret == EXIT_DONE &&
	       (run->tool->stop_signal == 0 || run->publish != NULL);
}

/* A publish that fails leaves the old version intact; a command may not. */
static bool may_be_resumed(const struct run *run)
{
	const struct options *options = run->options;

	return options->resume_on_failure ||
	       (run->publish != NULL && !options->has_on_failure);
}

/* Describe how the command or the publish failed. */
static const char *describe_failure(const struct run *run)
{
	const int status = run->child.status;
	const char *what = "the publish";

	if (run->publish == NULL) {
		what = talloc_asprintf(
			talloc_tos(), "command %s",
			show_text(run->options->command[0]));
	}
	if (run->tool->stop_signal != 0) {
		return talloc_asprintf(talloc_tos(), "%s was interrupted",
				       what);
	}
	if (!run->child.gone) {
		return talloc_asprintf(talloc_tos(), "%s failed", what);
	}
	return WIFEXITED(status)
		       ? talloc_asprintf(talloc_tos(),
					 "%s failed with status %d", what,
					 WEXITSTATUS(status))
		       : talloc_asprintf(talloc_tos(),
					 "%s was killed by signal %d", what,
					 WTERMSIG(status));
}

static void complain_of_failure(const struct run *run)
{
	complain("%s; %s stays drained, so that clients do not get half an "
		 "update: \"smbdrain resume %s\" opens it",
		 describe_failure(run),
		 show_target(run->record),
		 show_target(run->record));
}

/* Return false if the drain is still in force. */
static bool end_in_spite_of_failure(struct run *run)
{
	if (!end_ours(run)) {
		return false;
	}
	if (!run->resumed && run->publish == NULL) {
		complain("%s; %s is open again",
			 describe_failure(run),
			 show_target(run->record));
	}
	return true;
}

static int do_work(struct run *run)
{
	if (run->publish == NULL) {
		return run_command(run);
	}
	run->begun = true;
	return publish_now(run->publish, &run->record->id, true)
		       ? EXIT_DONE
		       : EXIT_RUN_FAILED;
}

/* Nothing was changed: end the drain if it is ours, else leave it as it was. */
static bool end_not_begun(struct run *run)
{
	if (!run->ours) {
		complain("%s stays drained; the command was not started",
			 show_target(run->record));
		return true;
	}
	if (!end_ours(run)) {
		return false;
	}
	if (!run->resumed) {
		complain("%s is open again; the command was not started",
			 show_target(run->record));
	}
	return true;
}

static int end_after_work(struct run *run, int ret)
{
	bool ok = true;

	if (is_published_still(run) ||
	    end_is_half_published(run->tool, &run->record->id)) {
		ok = false;
	} else if (!run->begun) {
		ok = end_not_begun(run);
	} else if (is_done(run, ret)) {
		ok = end_ours(run);
	} else if (may_be_resumed(run)) {
		ok = end_in_spite_of_failure(run);
	} else {
		complain_of_failure(run);
	}
	return (!ok && ret == EXIT_DONE) ? EXIT_RUN_FAILED : ret;
}

/*
 * Return true if no process works on an overlapping drain. A publish checks
 * this itself, once it holds publish(id).
 */
static bool near_let_us(struct run *run)
{
	return run->publish != NULL ||
	       near_is_quiet(run->tool, run->record, NULL, NEAR_PUBLISHES);
}

static int work_and_end(struct run *run)
{
	int ret;

	if (end_own(run->tool, run->record) != END_IS_OURS) {
		return EXIT_RUN_FAILED;
	}
	if (!is_still_quiescent(run) || !near_let_us(run)) {
		drain_owner_release(run->tool->locks, &run->record->id);
		return EXIT_RUN_FAILED;
	}

	notify_quiescent(run->record);
	ret = do_work(run);

	ret = end_after_work(run, ret);
	run->ours = false; /* the work decided about the drain */
	drain_end_release(run->tool->locks, &run->record->id);
	if (run->publish != NULL && ret == EXIT_DONE &&
	    !publish_finish(run->publish)) {
		ret = EXIT_RUN_FAILED;
	}
	return ret;
}

/* Begin a drain, or take over the existing one if that is allowed. */
static bool find_or_begin(struct run *run,
			  TALLOC_CTX *mem_ctx,
			  const struct share_list *shares)
{
	struct drain_record *rival = NULL;

	run->record = begin_record(mem_ctx, run->tool, shares,
				   run->options->target, &run->options->terms,
				   &rival);
	if (run->record != NULL) {
		run->ours = true;
		return true;
	}
	if (rival == NULL) {
		return false;
	}
	if (rival->state != DRAIN_ARMING && !run->options->adopt) {
		begin_complain_of(rival);
		complain("--continue takes over the drain that is in force");
		return false;
	}
	run->record = rival;
	return begin_go_on(run->tool, &run->options->terms, rival);
}

/* Take runner(id), so that no second run uses the drain. */
static bool be_the_runner(struct run *run)
{
	struct server_id runner = {0};
	NTSTATUS status;

	status = drain_runner_claim(run->tool->locks, &run->record->id,
				    &runner);
	if (NT_STATUS_IS_OK(status)) {
		return true;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		complain("cannot run a command for %s: another \"smbdrain "
			 "run\" (process %s) is working on it",
			 show_target(run->record), show_server(runner));
	} else {
		complain("cannot lock the drain of %s: %s",
			 show_target(run->record), nt_errstr(status));
	}
	return false;
}

/* Check the publish, and do what takes long, before the drain begins. */
static bool prepare_publish(struct run *run,
			    TALLOC_CTX *mem_ctx,
			    const struct share_list *shares)
{
	const char *directory = run->options->publish;

	if (directory == NULL) {
		return true;
	}
	run->publish = publish_new(mem_ctx, run->tool, shares,
				   run->options->target, directory, false,
				   false);
	return run->publish != NULL && publish_prepare(run->publish);
}

/*
 * Look the command up before the drain begins. Return EXIT_DONE if it exists.
 */
static int look_up_command(const struct options *options)
{
	int error;

	if (options->publish != NULL) {
		return EXIT_DONE;
	}
	error = command_look_up(options->command[0]);
	return (error != 0) ? complain_of_exec(options->command[0], error)
			    : EXIT_DONE;
}

static int run_in(struct run *run, TALLOC_CTX *mem_ctx)
{
	const struct options *options = run->options;
	struct share_list *shares = conf_shares(mem_ctx, run->tool);
	uint64_t deadline = UINT64_MAX;
	int ret = look_up_command(options);

	if (ret != EXIT_DONE) {
		return ret;
	}

	if (shares == NULL || !catch_signals(run, mem_ctx)) {
		complain("out of memory");
		return EXIT_RUN_FAILED;
	}
	if (!begin_smbd_runs() || !prepare_publish(run, mem_ctx, shares) ||
	    !find_or_begin(run, mem_ctx, shares) || !be_the_runner(run)) {
		return EXIT_RUN_FAILED;
	}
	if (options->terms.has_timeout && !options->terms.has_on_timeout) {
		deadline = tool_deadline(options->terms.timeout);
	}

	ret = exit_status_of_wait(
		arm_and_wait(run->tool, shares, &options->terms, run->record,
			     deadline));
	if (ret == EXIT_DONE) {
		ret = work_and_end(run);
	} else {
		/* If another process has resumed it, this was reported, too. */
		run->resumed = run->tool->stop_signal == 0;
		ret = (ret == EXIT_TIMED_OUT) ? ret : EXIT_RUN_FAILED;
		if (!run->ours) {
			complain_of_interrupt(run);
		}
	}
	if (run->ours) {
		end_undone(run);
	}
	return ret;
}

static int run_run(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct run run = {.tool = tool, .options = options};
	int ret = run_in(&run, frame);

	if (run.record != NULL) {
		drain_runner_release(tool->locks, &run.record->id);
	}
	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_run = {
	.name = "run",
	.purpose = "Drain the target, run a command or publish a "
		   "directory, and end the drain.",
	.usage = "run TARGET [--reason=TEXT] [--allow-unguarded] "
		 "[--timeout=DURATION] [--on-timeout=fail|force|resume] "
		 "[--warn-command=COMMAND] [--new-opens=refuse|hold] "
		 "[--hold-timeout=DURATION] [--let-holders-finish] "
		 "[--purge-durables] [--continue] "
		 "[--on-failure=keep|resume] "
		 "--publish=NEW_DIRECTORY | -- COMMAND [ARG...]",
	.takes_target = true,
	.succeeded = "run has succeeded",
	.relies_on_locks = true,
	.run = run_run,
};
