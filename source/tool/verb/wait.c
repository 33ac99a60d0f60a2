// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain wait". */

#include "verb/verb.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "base/error.h"
#include "base/tool.h"
#include "samba/conf.h"
#include "protocol/begin.h"
#include "protocol/find.h"
#include "protocol/relations.h"
#include "verb/exit_status.h"
#include "verb/options.h"

/* NULL after a complaint, with what drains it instead */
static struct drain_record *find_target(TALLOC_CTX *mem_ctx,
					struct tool *tool,
					const char *name)
{
	struct drain_record *record = NULL;
	struct drain_record *place = NULL;
	struct relations *relations = NULL;

	record = find_drain(mem_ctx, tool, name, &place);
	if (place != NULL) {
		relations = relations_find(mem_ctx, tool, place);
	}
	if (relations != NULL) {
		relations_complain(name, relations);
	}
	return record;
}

static int wait_for_target(struct tool *tool,
			   const struct options *options,
			   TALLOC_CTX *mem_ctx)
{
	struct share_list *shares = conf_shares(mem_ctx, tool);
	struct drain_record *record = NULL;

	if (shares == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	record = find_target(mem_ctx, tool, options->target);
	if (record == NULL) {
		return EXIT_FAILED;
	}
	if (!begin_set_deadline(tool, &options->terms, record)) {
		return EXIT_FAILED;
	}
	return exit_status_of_wait(
		begin_wait(tool, shares, &options->terms, record));
}

static int run_wait(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = wait_for_target(tool, options, frame);

	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_wait = {
	.name = "wait",
	.purpose = "Wait until the target is quiescent.",
	.usage = "wait TARGET [--timeout=DURATION] "
		 "[--on-timeout=fail|force|resume] [--warn-command=COMMAND] "
		 "[--purge-durables]",
	.takes_target = true,
	.succeeded = "the target is quiescent",
	.relies_on_locks = true,
	.minds_deadline = true,
	.run = run_wait,
};
