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
	struct share_list *shares = shares_load(mem_ctx);
	const struct options *options = tool->options;
	struct drain_record *record = NULL;
	NTSTATUS status;

	if (shares == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	record = show_find(mem_ctx, tool, options->target);
	if (record == NULL) {
		return EXIT_FAILED;
	}
	if (options->has_on_timeout) {
		/* Then it is the drain's deadline, whoever waits */
		record->deadline = drain_now() + options->timeout * 1000;
		record->on_timeout = options->on_timeout;
		status = drain_store_set_deadline(tool->store, &record->id,
						  record->deadline,
						  record->on_timeout);
		if (!NT_STATUS_IS_OK(status)) {
			complain("%s: can not set its deadline: %s",
				 show_target(record), tool_write_error(status));
			return EXIT_FAILED;
		}
		end_tell_roster(tool);
		end_wake(tool, &record->id);
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
	.run = run_wait,
};
