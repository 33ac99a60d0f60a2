// SPDX-License-Identifier: GPL-3.0-or-later
/* Send requests to smbds over the message bus and receive their replies. */

#include "smbd/ask.h"
#include "lib/util/dlinklist.h"
#include "drain/codec.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/tool.h"

#define ASK_WINDOW 8
#define ASK_TICK_MSEC 20
#define ASK_BRISK 4 /* windows answered in a tick */

static void receive_reply(struct messaging_context *msg_ctx _UNUSED_,
			  void *private_data,
			  uint32_t msg_type _UNUSED_,
			  struct server_id src,
			  DATA_BLOB *data)
{
	struct tool *tool = talloc_get_type_abort(private_data, struct tool);
	TALLOC_CTX *frame = talloc_stackframe();
	struct ask_listener *l = NULL;
	struct drain_reply reply;
	struct server_id_buf buf;
	NTSTATUS status;

	status = drain_reply_pull(frame, data, &reply);
	if (!NT_STATUS_IS_OK(status)) {
		if (tool->heard_junk) {
			goto done;
		}
		tool->heard_junk = true;
		complain("cannot read the reply of smbd %s: %s; does it run "
			 "another version of the module?",
			 server_id_str_buf(src, &buf), nt_errstr(status));
		goto done;
	}
	if (reply.tell == DRAIN_TELL_GONE) {
		if (tool->on_gone != NULL) {
			tool->on_gone(&reply.body.gone, src,
				      tool->on_gone_data);
		}
		goto done;
	}
	for (l = tool->listeners; l != NULL; l = l->next) {
		if (l->cookie == reply.cookie) {
			l->fn(&reply, src, l->private_data);
			break;
		}
	}
done:
	TALLOC_FREE(frame);
}

bool ask_start(struct tool *tool)
{
	NTSTATUS status;

	status = messaging_register(tool->msg_ctx,
				    tool,
				    MSG_DRAIN_REPLY,
				    receive_reply);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot receive messages from smbds: %s",
			 nt_errstr(status));
		return false;
	}
	return true;
}

static int listener_destructor(struct ask_listener *l)
{
	DLIST_REMOVE(l->tool->listeners, l);
	return 0;
}

struct ask_listener *ask_listen(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				uint64_t cookie,
				ask_fn fn,
				void *private_data)
{
	struct ask_listener *l = talloc_zero(mem_ctx, struct ask_listener);

	if (l == NULL) {
		return NULL;
	}
	*l = (struct ask_listener) {
		.tool = tool,
		.cookie = cookie,
		.fn = fn,
		.private_data = private_data,
	};
	DLIST_ADD(tool->listeners, l);
	talloc_set_destructor(l, listener_destructor);
	return l;
}

uint64_t ask_new_cookie(struct tool *tool)
{
	tool->last_cookie = generate_unique_u64(tool->last_cookie);
	return tool->last_cookie;
}

/*
 * Rounds
 */

static void ask_more(struct ask_round *round)
{
	while (round->next < round->num && round->waiting < round->window) {
		if (round->ask(round->next, round->private_data)) {
			round->waiting += 1;
		}
		round->next += 1;
	}
}

void ask_round_start(struct ask_round *round)
{
	round->next = 0;
	round->waiting = 0;
	round->window = ASK_WINDOW;
	ask_more(round);
}

void ask_round_heard(struct ask_round *round, bool last)
{
	round->num_heard += 1;
	if (last && round->waiting > 0) {
		round->waiting -= 1;
	}
	ask_more(round);
}

static bool hear_until_tick(struct tool *tool,
			    struct ask_round *round,
			    uint64_t deadline)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct tevent_timer *te = NULL;
	bool tick = false;
	bool ok;

	te = tevent_add_timer(tool->ev, frame,
			      tool_until(deadline, ASK_TICK_MSEC),
			      tool_timer_set, &tick);
	ok = te != NULL;
	while (ok && !tick && !round->over && tool->stop_signal == 0) {
		ok = tevent_loop_once(tool->ev) == 0;
	}
	TALLOC_FREE(frame);
	return ok;
}

bool ask_round_hear(struct tool *tool,
		    struct ask_round *round,
		    uint64_t quiet,
		    uint64_t deadline)
{
	uint64_t patience = tool_deadline(quiet);

	while (!round->over && tool->stop_signal == 0 &&
	       !tool_is_late(deadline)) {
		round->num_heard = 0;
		if (!hear_until_tick(tool, round, deadline)) {
			return false;
		}
		if (round->num_heard > 0 || round->next < round->num) {
			patience = tool_deadline(quiet);
		} else if (tool_is_late(patience)) {
			break;
		}
		if (round->next < round->num &&
		    round->num_heard < ASK_BRISK * round->window) {
			/*
			 * They are busy or blocked: do not wait for each in
			 * turn.
			 */
			round->window *= 2;
			ask_more(round);
		}
	}
	return true;
}
