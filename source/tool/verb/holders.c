// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain holders". */

#include "verb/verb.h"
#include "drain/record.h"
#include "base/caller.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "smbd/holders.h"
#include "smbd/holders_json.h"
#include "protocol/find.h"
#include "verb/exit_status.h"
#include "verb/options.h"

#define HOLDERS_MSEC 10000

static const char *describe_kind(const struct holder *h)
{
	if (h->disconnected && h->returns_until != 0) {
		return talloc_asprintf(talloc_tos(),
				       "disconnected, client may return until "
				       "%s",
				       show_time(h->returns_until));
	}
	if (h->disconnected) {
		return "disconnected";
	}
	if (h->unguarded) {
		return "unguarded";
	}
	if (h->exempt) {
		return "exempt";
	}
	if (h->grace) {
		return "may open more until its last handle is closed";
	}
	return h->counts ? "" : "not counted";
}

static void print_text(const struct holder_list *list)
{
	size_t i;

	for (i = 0; i < list->num_holders; i++) {
		TALLOC_CTX *frame = talloc_stackframe();
		const struct holder *h = &list->holders[i];

		printf("%-15s %-12s %-6s %-5s %s %-8s %s/%s%s%s\n",
		       show_client(h->client),
		       show_text(h->user),
		       show_access(h->access),
		       h->lease,
		       show_time(h->opened),
		       h->server,
		       show_text(h->share),
		       show_text(h->path),
		       describe_kind(h)[0] != '\0' ? "  " : "",
		       describe_kind(h));
		TALLOC_FREE(frame);
	}
}

static int print_holders(struct tool *tool,
			 const struct options *options,
			 TALLOC_CTX *mem_ctx)
{
	struct drain_record *record = NULL;
	struct holder_list *list = NULL;

	record = find_place(mem_ctx, tool, options->target);
	if (record == NULL) {
		return EXIT_FAILED;
	}
	list = holders_get(mem_ctx, tool, record, options->all,
			   HOLDERS_MSEC);
	if (list == NULL) {
		return EXIT_FAILED;
	}
	if (!options->json) {
		print_text(list);
	} else if (!show_json_holders(stdout, list)) {
		if (ferror(stdout)) {
			output_failed(errno);
		} else {
			complain("out of memory");
		}
		return EXIT_FAILED;
	}
	if (list->num_silent > 0) {
		complain("%zu smbds have not answered: the list is incomplete",
			 list->num_silent);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}

static int run_holders(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = print_holders(tool, options, frame);

	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_holders = {
	.name = "holders",
	.purpose = "List the open files in the target.",
	.usage = "holders TARGET [--all] [--json]",
	.takes_target = true,
	.run = run_holders,
};
