// SPDX-License-Identifier: GPL-3.0-or-later
/* Send requests to smbds over the message bus and receive their replies. */

#ifndef _DRAIN_TOOL_SMBD_ASK_H_
#define _DRAIN_TOOL_SMBD_ASK_H_

#include "drain/samba_compat.h"

struct drain_reply;
struct tool;

typedef void (*ask_fn)(const struct drain_reply *reply,
		       struct server_id src,
		       void *private_data);

struct ask_listener {
	struct ask_listener *prev, *next;
	struct tool *tool;
	uint64_t cookie;
	ask_fn fn;
	void *private_data;
};

/** Receive replies from now on. */
bool ask_start(struct tool *tool);

/** Receive the replies with this cookie, until the listener is freed. */
struct ask_listener *ask_listen(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				uint64_t cookie,
				ask_fn fn,
				void *private_data);

uint64_t ask_new_cookie(struct tool *tool);

/*
 * A round asks many smbds the same, some at a time, because their answers must
 * fit into our socket. It holds ten messages (net.unix.max_dgram_qlen). An smbd
 * that finds it full starts a thread that waits (messages_dgm.c), which costs
 * more than everything else. If answers come slowly, more smbds are asked at a
 * time: the machine is busy then, and they should not wait one after the other.
 */
struct ask_round {
	size_t num;
	/* Ask number @i. Return false if there is no answer to wait for. */
	bool (*ask)(size_t i, void *private_data);
	void *private_data;
	bool over; /* true when all answers have arrived */

	size_t next; /* the next one to ask */
	size_t waiting; /* number of answers to come */
	size_t window; /* limit of waiting */
	size_t num_heard; /* answers since the last tick */
};

/** Start a round with @round->num, @round->ask and @round->private_data set. */
void ask_round_start(struct ask_round *round);

/**
 * Note an answer.
 *
 * @param[in] last  true for the last answer of an smbd, after which the next
 * one can be asked.
 */
void ask_round_heard(struct ask_round *round, bool last);

/**
 * Receive answers until the round is over, until all have been asked and no
 * answer has come for @quiet milliseconds, until @deadline, or until asked to
 * stop.
 *
 * @return false if out of memory.
 */
bool ask_round_hear(struct tool *tool,
		    struct ask_round *round,
		    uint64_t quiet,
		    uint64_t deadline);

#endif /* _DRAIN_TOOL_SMBD_ASK_H_ */
