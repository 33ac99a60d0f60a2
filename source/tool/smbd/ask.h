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

/** Hear replies from now on. */
bool ask_start(struct tool *tool);

/** Hear the replies that bear @cookie, until it is freed. */
struct ask_listener *ask_listen(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				uint64_t cookie,
				ask_fn fn,
				void *private_data);

uint64_t ask_new_cookie(struct tool *tool);

/*
 * Many are asked the same, some at a time: what they answer has to fit into our
 * socket. It takes ten messages (net.unix.max_dgram_qlen); an smbd that finds
 * it full starts a thread that waits (messages_dgm.c), which costs more than
 * all the rest. If answers come slowly more are asked: then the machine is
 * busy, and who waits for a processor does not wait in turn.
 */
struct ask_round {
	size_t num;
	/* Ask number @i; false: there is no answer to wait for */
	bool (*ask)(size_t i, void *private_data);
	void *private_data;
	bool over; /* set when nothing is left to be heard */

	size_t next; /* to be asked */
	size_t waiting; /* for an answer */
	size_t window; /* at most so many */
	size_t num_heard; /* since the last tick */
};

/** Begin with @round->num, @round->ask and @round->private_data set. */
void ask_round_start(struct ask_round *round);

/**
 * There was an answer.
 *
 * @param[in] last  Of the one who gave it: the next one may be asked.
 */
void ask_round_heard(struct ask_round *round, bool last);

/**
 * Hear answers until it is over, until all have been asked and there was none
 * for @quiet milliseconds, until @deadline, or until we shall stop.
 *
 * @return false: out of memory.
 */
bool ask_round_hear(struct tool *tool,
		    struct ask_round *round,
		    uint64_t quiet,
		    uint64_t deadline);

#endif /* _DRAIN_TOOL_SMBD_ASK_H_ */
