/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The locks, all of them Samba's g_lock: crash-safe, event-driven and, with
 * CTDB, cluster-wide. See docs/design.md for what each one means.
 *
 * roster        held shared by every smbd that has a tree connection to a share
 *               with the module. Its dump is the list of them.
 * hold(id)      held shared by every smbd with a counted handle in drain id;
 *               exclusively, for a moment, by the waiter that finds it empty.
 * runner(id)    held exclusively by the "run" that is at work on drain id, from
 *               its begin to its end.
 * publish(id)   held exclusively by the tool that exchanges the files of drain
 *               id.
 * owner(id)     held exclusively by the tool that runs a command for drain id,
 *               and for a moment, with publish(id), by whoever resumes it.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_LOCKS_H_
#define _DRAIN_LOCKS_H_

#include "drain/record.h"

struct drain_locks;
struct messaging_context;
struct server_id;
struct tevent_context;
struct tevent_req;

/** Open Samba's lock database. As root. NULL on failure. */
struct drain_locks *drain_locks_open(TALLOC_CTX *mem_ctx,
				     struct messaging_context *msg_ctx);

/** Join and leave the roster: once per process, however many trees. */
NTSTATUS drain_roster_join(struct drain_locks *locks);
NTSTATUS drain_roster_leave(struct drain_locks *locks);

/**
 * The same for somebody who has joined, or taken hold(id), and may have lost
 * it: when the node of a cluster is cut off the others take its smbds for dead.
 */
NTSTATUS drain_roster_rejoin(struct drain_locks *locks);
NTSTATUS drain_hold_again(struct drain_locks *locks, const struct drain_id *id);

/**
 * The members of the roster, those that have died and that nobody has missed
 * yet among them; none is no error.
 */
NTSTATUS drain_roster_members(struct drain_locks *locks,
			      TALLOC_CTX *mem_ctx,
			      struct server_id **members,
			      size_t *num_members);

/** Is that process on the roster? false, too: it can not be read. */
bool drain_roster_has(struct drain_locks *locks, struct server_id who);

/**
 * Have all on the roster look at the records. A hint: one that misses it looks
 * before it refuses an open.
 */
void drain_roster_tell(struct drain_locks *locks);

/**
 * Become a holder and stop being one, once per process: g_lock would count a
 * second shared hold of the same process as a second holder.
 *
 * @return NT_STATUS_IO_TIMEOUT from take: a waiter has it at this moment.
 */
NTSTATUS drain_hold_take(struct drain_locks *locks, const struct drain_id *id);
NTSTATUS drain_hold_give(struct drain_locks *locks, const struct drain_id *id);

/** Somebody who holds it and lives; pid 0: nobody does. */
NTSTATUS drain_hold_holder(struct drain_locks *locks,
			   const struct drain_id *id,
			   struct server_id *holder);

/**
 * Take hold(id) for oneself; never waits.
 *
 * @return NT_STATUS_IO_TIMEOUT: a living smbd or another waiter has it.
 */
NTSTATUS drain_hold_claim(struct drain_locks *locks, const struct drain_id *id);

/** The record has changed: wake whoever watches hold(id), or all drains. */
void drain_hold_wake(struct drain_locks *locks, const struct drain_id *id);

/**
 * Wait until it is worth a look again: the last holder has given hold(id)
 * back, or none of them lives any more, drain_hold_wake() was called, or some
 * seconds have passed, as in g_lock_lock_send(): a woken watcher passes the
 * wake-up on to the next, and must not be able to keep it by being stopped
 * (SIGSTOP).
 *
 * @param[in] held  Somebody has it: to be looked after.
 */
struct tevent_req *drain_hold_watch_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 const struct drain_id *id,
					 bool held);
/** NT_STATUS_IO_TIMEOUT: some seconds have passed, look all the same. */
NTSTATUS drain_hold_watch_recv(struct tevent_req *req);

/**
 * Own the end of a drain, be the one that runs a command for it, be the one
 * that publishes; never wait.
 *
 * @param[out] owner  With NT_STATUS_IO_TIMEOUT: who has it.
 */
NTSTATUS drain_owner_claim(struct drain_locks *locks,
			   const struct drain_id *id,
			   struct server_id *owner);
NTSTATUS drain_runner_claim(struct drain_locks *locks,
			    const struct drain_id *id,
			    struct server_id *runner);
NTSTATUS drain_publish_claim(struct drain_locks *locks,
			     const struct drain_id *id,
			     struct server_id *publisher);
void drain_owner_release(struct drain_locks *locks, const struct drain_id *id);
void drain_runner_release(struct drain_locks *locks, const struct drain_id *id);
void drain_publish_release(struct drain_locks *locks,
			   const struct drain_id *id);

/**
 * Both for who ends a drain, or none: a publish that a run has begun does not own
 * the end, and may outlive the run.
 */
NTSTATUS drain_end_claim(struct drain_locks *locks,
			 const struct drain_id *id,
			 struct server_id *who);
void drain_end_release(struct drain_locks *locks, const struct drain_id *id);

/** Does that process run a command for it? false, too: that can not be read. */
bool drain_runner_is(struct drain_locks *locks,
		     const struct drain_id *id,
		     struct server_id who);

/* A lock that one process has while it works */
enum drain_work_lock {
	DRAIN_WORK_OWNER, /* owner(id) */
	DRAIN_WORK_PUBLISH, /* publish(id) */
};

/** The process that has the lock. pid 0: no living process has it. */
NTSTATUS drain_work_get(struct drain_locks *locks,
			enum drain_work_lock lock,
			const struct drain_id *id,
			struct server_id *who);

/**
 * Wait until @who gives the lock back, or dies, or for a second: what a watcher
 * that is stopped keeps to itself is seen then.
 */
struct tevent_req *drain_work_watch_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 enum drain_work_lock lock,
					 const struct drain_id *id,
					 struct server_id who);

/** Own the end of a drain, and wait for it as long as that takes. */
struct tevent_req *drain_owner_lock_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 const struct drain_id *id);
NTSTATUS drain_owner_lock_recv(struct tevent_req *req);

#endif /* _DRAIN_LOCKS_H_ */
