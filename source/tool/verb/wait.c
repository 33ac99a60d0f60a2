/*
 * drain: take users off a Samba share so that it can be updated
 *
 * smbdrain wait
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

static int wait_for_target(struct tool *tool, TALLOC_CTX *mem_ctx)
{
	struct share_list *shares = conf_shares(mem_ctx, tool);
	struct drain_record *record = NULL;

	if (shares == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	record = show_find(mem_ctx, tool, tool->options->target);
	if (record == NULL) {
		return EXIT_FAILED;
	}
	if (!begin_set_deadline(tool, record)) {
		return EXIT_FAILED;
	}
	return begin_wait(tool, shares, record);
}

static int run_wait(struct tool *tool)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = wait_for_target(tool, frame);

	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_wait = {
	.name = "wait",
	.usage = "wait TARGET [--timeout=DURATION] "
		 "[--on-timeout=fail|force|resume] [--warn-command=COMMAND] "
		 "[--purge-durables]",
	.takes_target = true,
	.succeeded = "the target is quiescent",
	.relies_on_locks = true,
	.minds_deadline = true,
	.run = run_wait,
};
