// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain publish". */

#include "verb/verb.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf.h"
#include "publish/publish.h"
#include "verb/exit_status.h"
#include "verb/options.h"

/* Find the id of the drain, which only its holder knows. */
static bool find_id(const struct options *options, struct drain_id *id)
{
	const char *text = options->id;

	if (text == NULL) {
		text = getenv("DRAIN_ID");
	}
	if (text == NULL) {
		complain("cannot publish without a drain: call it from "
			 "\"smbdrain run\", or give --id=DRAIN_ID");
		return false;
	}
	if (!drain_id_parse(text, id)) {
		complain("cannot publish: %s is not the id of a drain",
			 show_text(text));
		return false;
	}
	return true;
}

static int run_publish(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_id id = {{0}};
	struct share_list *shares = NULL;
	struct publish *p = NULL;
	int ret = EXIT_FAILED;

	if (!options->dry_run && !find_id(options, &id)) {
		TALLOC_FREE(frame);
		return EXIT_USAGE;
	}
	shares = conf_shares(frame, tool);
	if (shares == NULL) {
		complain("out of memory");
	} else {
		p = publish_new(frame, tool, shares, options->target,
				options->new_directory, options->dry_run,
				options->undo);
	}
	if (p != NULL &&
	    (options->dry_run ||
	     (publish_now(p, &id, false) && publish_finish(p)))) {
		ret = EXIT_DONE;
	}
	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_publish = {
	.name = "publish",
	.purpose = "Replace the quiescent target with a prepared directory.",
	.usage = "publish TARGET NEW_DIRECTORY [--id=DRAIN_ID] [--dry-run] "
		 "[--undo]",
	.takes_target = true,
	.succeeded = "publish has succeeded",
	.relies_on_locks = true,
	.run = run_publish,
};
