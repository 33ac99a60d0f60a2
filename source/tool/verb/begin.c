// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain begin". */

#include "verb/verb.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf.h"
#include "samba/handles.h"
#include "protocol/arm.h"
#include "protocol/begin.h"
#include "protocol/deadline.h"
#include "protocol/warn.h"
#include "verb/exit_status.h"
#include "verb/options.h"

static void begin_armed(struct tool *tool,
			const struct options *options,
			const struct drain_record *record)
{
	printf("%s is armed\n", show_target(record));
	if (options->terms.warn_command != NULL && handles_start()) {
		warn(tool, options->terms.warn_command, record);
	}
}

/* Succeed, because the target is already armed or quiescent. */
static int begin_nothing(struct tool *tool,
			 const struct options *options,
			 const struct share_list *shares,
			 const struct drain_record *rival)
{
	if (options->wait && rival->state != DRAIN_QUIESCENT) {
		return exit_status_of_wait(
			begin_wait(tool, shares, &options->terms, rival));
	}
	printf("%s is already %s\n", show_target(rival),
	       drain_state_string(rival->state));
	return EXIT_DONE;
}

static int begin_target(struct tool *tool,
			const struct options *options,
			TALLOC_CTX *mem_ctx)
{
	struct share_list *shares = conf_shares(mem_ctx, tool);
	struct drain_record *record = NULL;
	struct drain_record *rival = NULL;
	bool armed;

	if (shares == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	if (!begin_smbd_runs()) {
		return EXIT_FAILED;
	}
	record = begin_record(mem_ctx, tool, shares, options->target,
			      &options->terms, &rival);
	if (record == NULL && rival != NULL &&
	    rival->state == DRAIN_ARMING) {
		if (!begin_go_on(tool, &options->terms, rival)) {
			return EXIT_FAILED;
		}
		record = rival;
	}
	if (record == NULL && rival != NULL && options->if_needed) {
		return begin_nothing(tool, options, shares, rival);
	}
	if (record == NULL) {
		if (rival != NULL) {
			begin_complain_of(rival);
		}
		return EXIT_FAILED;
	}

	if (!options->wait) {
		armed = arm(tool, shares, record,
			    begin_deadline(&options->terms));
		if (armed) {
			begin_armed(tool, options, record);
		}
		deadline_arrange(tool, record);
		return armed ? EXIT_DONE : EXIT_FAILED;
	}
	return exit_status_of_wait(
		begin_wait(tool, shares, &options->terms, record));
}

static int run_begin(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = begin_target(tool, options, frame);

	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_begin = {
	.name = "begin",
	.purpose = "Begin a drain of the target and arm it.",
	.usage = "begin TARGET [--reason=TEXT] [--allow-unguarded] [--wait] "
		 "[--timeout=DURATION] [--on-timeout=fail|force|resume] "
		 "[--warn-command=COMMAND] [--new-opens=refuse|hold] "
		 "[--hold-timeout=DURATION] [--let-holders-finish] "
		 "[--purge-durables] [--if-needed]",
	.takes_target = true,
	.succeeded = "begin has succeeded",
	.relies_on_locks = true,
	.run = run_begin,
};
