// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain close". */

#include "verb/verb.h"
#include <fnmatch.h>
#include "drain/address.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/record.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "smbd/ask.h"
#include "smbd/holders.h"
#include "protocol/find.h"
#include "verb/exit_status.h"
#include "verb/options.h"

#define CLOSE_MSEC 60000 /* a deferred rename may take 35 s */
#define CLOSE_LIST_MSEC 5000
#define CLOSE_AT_ONCE 1024

#define CLOSE_TICK_MSEC 500

/* One message to one smbd, and the handles that it is about */
struct order {
	struct server_id smbd;
	uint64_t cookie;
	const struct holder *handles;
	size_t num_handles;
	bool done; /* all are closed, or the smbd has died */
};

struct closing {
	struct tool *tool;
	struct order *orders;
	size_t num_orders;
};

/* An smbd answers when all the handles are closed. */
static void heard_closed(const struct drain_reply *reply,
			 struct server_id src _UNUSED_,
			 void *private_data)
{
	struct order *order = private_data;

	order->done |= reply->tell == DRAIN_TELL_CLOSED;
}

static bool same_address(const char *a, const char *b)
{
	struct sockaddr_storage x;
	struct sockaddr_storage y;

	/* compare binary: IPv6 has several spellings of one address */
	return interpret_string_addr(&x, a, AI_NUMERICHOST) &&
	       interpret_string_addr(&y, b, AI_NUMERICHOST) &&
	       sockaddr_equal((struct sockaddr *)&x, (struct sockaddr *)&y);
}

/* Return true if any address of the client matches. */
static bool comes_from(const struct drain_addresses *client,
		       const char *address)
{
	size_t i;

	for (i = 0; i < client->num; i++) {
		if (same_address(address, client->list[i])) {
			return true;
		}
	}
	return false;
}

static bool is_meant(const struct options *options, const struct holder *h)
{
	if (!h->counts || h->disconnected || h->server_id.pid == 0) {
		return false;
	}
	if (options->client != NULL &&
	    !comes_from(h->client, options->client)) {
		return false;
	}
	if (options->user != NULL && !strequal(options->user, h->user)) {
		return false;
	}
	return options->path == NULL ||
	       fnmatch(options->path, h->path, FNM_CASEFOLD) == 0;
}

static size_t keep_meant(const struct options *options,
			 struct holder_list *list)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < list->num_holders; i++) {
		if (is_meant(options, &list->holders[i])) {
			list->holders[kept] = list->holders[i];
			kept += 1;
		}
	}
	list->num_holders = kept;
	return kept;
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a;
	const struct holder *y = b;

	return server_id_cmp(&x->server_id, &y->server_id);
}

/*
 * Return how many of the handles go into one message: those of one smbd, up to
 * a limit.
 */
static size_t count_for_message(const struct holder *h, size_t left)
{
	size_t n = 1;

	while (n < left && n < CLOSE_AT_ONCE &&
	       server_id_equal(&h[n].server_id, &h[0].server_id)) {
		n += 1;
	}
	return n;
}

static bool give_order(struct tool *tool,
		       TALLOC_CTX *mem_ctx,
		       struct order *order)
{
	struct drain_close_handle handles[CLOSE_AT_ONCE];
	struct drain_request request = {
		.ask = DRAIN_ASK_CLOSE,
		.cookie = order->cookie,
		.body.close.num_handles = order->num_handles,
		.body.close.handles = handles,
	};
	NTSTATUS status;
	size_t i;

	if (ask_listen(mem_ctx, tool, order->cookie, heard_closed, order) ==
	    NULL) {
		complain("out of memory");
		return false;
	}
	for (i = 0; i < order->num_handles; i++) {
		handles[i] = (struct drain_close_handle) {
			.key = order->handles[i].key,
			.share_file_id = order->handles[i].share_file_id,
		};
	}
	status = drain_request_send(tool->msg_ctx, order->smbd, &request);
	if (!NT_STATUS_IS_OK(status) && drain_is_alive(&order->smbd)) {
		complain("cannot send a request to smbd %s: %s",
			 show_server(order->smbd), nt_errstr(status));
		return false;
	}
	return true;
}

/* Ask every smbd to close its own handles, in messages of limited size. */
static bool give_orders(struct closing *closing,
			TALLOC_CTX *mem_ctx,
			const struct holder_list *list)
{
	size_t given;

	closing->orders = talloc_zero_array(mem_ctx, struct order,
					    list->num_holders);
	if (closing->orders == NULL) {
		complain("out of memory");
		return false;
	}
	for (given = 0; given < list->num_holders;) {
		struct order *order = &closing->orders[closing->num_orders];

		order->handles = &list->holders[given];
		order->num_handles =
			count_for_message(order->handles,
					  list->num_holders - given);
		order->smbd = order->handles->server_id;
		order->cookie = ask_new_cookie(closing->tool);
		if (!give_order(closing->tool, mem_ctx, order)) {
			return false;
		}
		closing->num_orders += 1;
		given += order->num_handles;
	}
	return true;
}

/*
 * Return the number of orders not done. An smbd that has died has no handles
 * any more.
 */
static size_t num_waiting(struct closing *closing)
{
	size_t num = 0;
	size_t i;

	for (i = 0; i < closing->num_orders; i++) {
		struct order *order = &closing->orders[i];

		order->done |= !drain_is_alive(&order->smbd);
		num += order->done ? 0 : 1;
	}
	return num;
}

static void say_whose(const struct order *order)
{
	size_t i;

	for (i = 0; i < order->num_handles; i++) {
		TALLOC_CTX *frame = talloc_stackframe();
		const struct holder *h = &order->handles[i];

		printf("closed: %s@%s %s/%s\n", show_text(h->user),
		       show_client(h->client), show_text(h->share),
		       show_text(h->path));
		TALLOC_FREE(frame);
	}
}

static int close_listed(struct tool *tool,
			TALLOC_CTX *mem_ctx,
			struct holder_list *list)
{
	struct closing closing = {.tool = tool};
	uint64_t deadline = tool_deadline(CLOSE_MSEC);
	struct tevent_req *tick = NULL;
	size_t left;
	bool ok;
	size_t i;

	TYPESAFE_QSORT(list->holders, list->num_holders, compare_holders);
	ok = give_orders(&closing, mem_ctx, list);

	while ((left = num_waiting(&closing)) > 0 &&
	       !tool_is_late(deadline)) {
		tick = tevent_wakeup_send(
			mem_ctx, tool->ev,
			tool_until(deadline, CLOSE_TICK_MSEC));
		if (tick == NULL || tevent_loop_once(tool->ev) != 0) {
			complain("out of memory");
			return EXIT_FAILED;
		}
		TALLOC_FREE(tick);
	}

	for (i = 0; i < closing.num_orders; i++) {
		if (closing.orders[i].done) {
			say_whose(&closing.orders[i]);
		}
	}
	if (left > 0) {
		complain("%zu smbds are still closing handles; see \"smbdrain "
			 "holders\"", left);
	}
	return (ok && left == 0) ? EXIT_DONE : EXIT_FAILED;
}

static int close_target(struct tool *tool,
			const struct options *options,
			TALLOC_CTX *mem_ctx)
{
	struct drain_record *record = NULL;
	struct holder_list *list = NULL;
	int ret = EXIT_DONE;

	record = find_place(mem_ctx, tool, options->target);
	if (record == NULL) {
		return EXIT_FAILED;
	}
	list = holders_get(mem_ctx, tool, record, false, CLOSE_LIST_MSEC);
	if (list == NULL) {
		return EXIT_FAILED;
	}
	if (keep_meant(options, list) > 0) {
		ret = close_listed(tool, mem_ctx, list);
	} else {
		printf("nothing to close\n");
	}
	if (list->num_silent > 0) {
		complain("%zu smbds have not answered: their handles are not "
			 "closed", list->num_silent);
		ret = EXIT_FAILED;
	}
	return ret;
}

static int run_close(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	int ret = close_target(tool, options, frame);

	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_close = {
	.name = "close",
	.purpose = "Close open files in the target.",
	.usage = "close TARGET [--client=ADDRESS] [--user=NAME] "
		 "[--path=GLOB]",
	.takes_target = true,
	.succeeded = "close has succeeded",
	.relies_on_locks = true,
	.run = run_close,
};
