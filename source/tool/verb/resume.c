// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain resume". */

#include "verb/verb.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "protocol/end.h"
#include "protocol/find.h"
#include "protocol/relations.h"
#include "verb/exit_status.h"
#include "verb/options.h"

/* Print the new state: other drains may cover the target or a part of it. */
static void say_what_is_open(struct tool *tool,
			     const struct drain_record *record)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const struct relations *relations = relations_find(frame, tool, record);

	if (relations == NULL) {
		printf("%s: its drain has ended\n", show_target(record));
	} else if (relations->num_outer > 0) {
		printf("%s: its drain has ended, but it is %s\n",
		       show_target(record), relations_of_outer(relations));
	} else if (relations->num_inner > 0) {
		printf("%s is open, but %s\n", show_target(record),
		       relations_of_inner(relations));
	} else {
		printf("%s is open\n", show_target(record));
	}
	TALLOC_FREE(frame);
}

static int resume_record(struct tool *tool,
			 const struct options *options,
			 const struct drain_record *record)
{
	const bool force = options->force;
	struct server_id who = {0};
	NTSTATUS status;
	bool owned;

	/* A running command must not find the share open. */
	status = drain_end_claim(tool->locks, &record->id, &who);
	owned = NT_STATUS_IS_OK(status);
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) && !force) {
		complain("cannot resume %s: \"smbdrain run\" or \"smbdrain "
			 "publish\" (pid %s) is working on it; end that "
			 "process first, or use --force",
			 show_target(record), show_server(who));
		return EXIT_FAILED;
	}
	if (!owned && !force) {
		complain("cannot lock the drain of %s: %s", show_target(record),
			 nt_errstr(status));
		return EXIT_FAILED;
	}

	/* Clients must not get half of each version. */
	if (!force && end_is_half_published(tool, &record->id)) {
		drain_end_release(tool->locks, &record->id);
		return EXIT_FAILED;
	}

	status = end_drain(tool, record);
	if (owned) {
		drain_end_release(tool->locks, &record->id);
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain("cannot resume %s: another process has already "
			 "resumed it", show_target(record));
		return options->if_needed ? EXIT_DONE : EXIT_FAILED;
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot remove the record of %s: %s",
			 show_target(record), tool_write_error(status));
		return EXIT_FAILED;
	}
	say_what_is_open(tool, record);
	return EXIT_DONE;
}

static int resume_unreadable(struct tool *tool)
{
	size_t num = 0;
	NTSTATUS status;

	status = drain_store_remove_unreadable(tool->store, &num);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot remove unreadable records: %s",
			 tool_write_error(status));
		return EXIT_FAILED;
	}
	/*
	 * An smbd that read such a record while it was readable still obeys it.
	 */
	drain_roster_tell(tool->locks);
	printf("%zu unreadable records removed\n", num);
	return EXIT_DONE;
}

static int resume_all(struct tool *tool,
		      const struct options *options,
		      TALLOC_CTX *mem_ctx)
{
	struct drain_list *list = find_all(mem_ctx, tool);
	int ret = EXIT_DONE;
	size_t i;

	if (list == NULL) {
		return EXIT_FAILED;
	}
	if (list->num_records + list->num_unreadable == 0) {
		printf("no drain is in force\n");
	}
	for (i = 0; i < list->num_records; i++) {
		ret |= resume_record(tool, options, list->records[i]);
	}
	if (list->num_unreadable > 0) {
		ret |= resume_unreadable(tool);
	}
	return ret;
}

/*
 * Return true if this is the drain that --id names: the target can have a newer
 * one.
 */
static bool is_meant(const struct options *options,
		     const struct drain_record *record)
{
	const char *id = options->id;
	struct drain_id_buf buf;

	if (id == NULL || strcmp(id, drain_id_string(&record->id, &buf)) == 0) {
		return true;
	}
	complain("cannot resume %s: the drain %s has ended; the drain in force "
		 "is %s",
		 show_target(record), show_text(id), buf.buf);
	return false;
}

/*
 * Handle a target without a drain of its own: with --if-needed, succeed if it
 * is open.
 */
static int resume_nothing(struct tool *tool,
			  const struct options *options,
			  TALLOC_CTX *mem_ctx,
			  const struct drain_record *place)
{
	const struct relations *relations = relations_find(mem_ctx, tool,
							   place);

	if (relations == NULL) {
		return EXIT_FAILED;
	}
	if (options->if_needed && relations->num_outer == 0) {
		printf("%s is already open\n", show_text(options->target));
		return EXIT_DONE;
	}
	relations_complain(options->target, relations);
	return EXIT_FAILED;
}

static int resume_target(struct tool *tool,
			 const struct options *options,
			 TALLOC_CTX *mem_ctx)
{
	struct drain_record *place = NULL;
	struct drain_record *record = NULL;

	record = find_drain(mem_ctx, tool, options->target,
				  &place);
	if (place != NULL) {
		return resume_nothing(tool, options, mem_ctx, place);
	}
	if (record == NULL || !is_meant(options, record)) {
		return EXIT_FAILED;
	}
	return resume_record(tool, options, record);
}

static int run_resume(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = EXIT_FAILED;

	if (options->all && options->target != NULL) {
		complain("cannot use resume with both a target and --all");
		ret = EXIT_USAGE;
	} else if (options->all && options->id != NULL) {
		complain("cannot use resume with both --id and --all: --id "
			 "names one drain");
		ret = EXIT_USAGE;
	} else if (options->all) {
		ret = resume_all(tool, options, frame);
	} else {
		ret = resume_target(tool, options, frame);
	}
	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_resume = {
	.name = "resume",
	.purpose = "End the drain of the target, or all drains.",
	.usage = "resume TARGET|--all [--id=DRAIN_ID] [--force] "
		 "[--if-needed]",
	.takes_target = true,
	.succeeded = "resume has succeeded",
	.minds_deadline = true,
	.run = run_resume,
};
