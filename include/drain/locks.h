// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Locks of a drain, all of them Samba's g_lock: released when a process dies,
 * event-driven, and cluster-wide with CTDB. docs/design.md explains each of
 * them.
 *
 * roster        Shared, by every smbd with a tree connect to a share with the
 *               module. Its dump is the list of them.
 * hold(id)      Shared, by every smbd with a counted handle in the drain.
 *               Exclusive, for a moment, by a waiter that finds none.
 * runner(id)    Exclusive, by the "run" of the drain, from begin to end.
 * publish(id)   Exclusive, by the tool that exchanges the files of the drain.
 * owner(id)     Exclusive, by the tool that runs a command for the drain, and
 *               for a moment, with publish(id), by a process that resumes it.
 */

#ifndef _DRAIN_LOCKS_H_
#define _DRAIN_LOCKS_H_

#include "drain/record.h"

struct drain_locks;
struct messaging_context;
struct server_id;
struct tevent_context;
struct tevent_req;

/** Open Samba's lock database as root. NULL: that failed. */
struct drain_locks *drain_locks_open(TALLOC_CTX *mem_ctx,
				     struct messaging_context *msg_ctx);

/** Join or leave the roster, once for each process. */
NTSTATUS drain_roster_join(struct drain_locks *locks);
NTSTATUS drain_roster_leave(struct drain_locks *locks);

/**
 * Take the roster lock, or hold(id), again if it was lost. While a node is cut
 * off from a cluster, the others remove the locks of its smbds.
 */
NTSTATUS drain_roster_rejoin(struct drain_locks *locks);
NTSTATUS drain_hold_again(struct drain_locks *locks, const struct drain_id *id);

/**
 * List the members of the roster. The list may be empty, and may have processes
 * that have ended.
 */
NTSTATUS drain_roster_members(struct drain_locks *locks,
			      TALLOC_CTX *mem_ctx,
			      struct server_id **members,
			      size_t *num_members);

/** Test whether a process is on the roster. Also false if it cannot be read. */
bool drain_roster_has(struct drain_locks *locks, struct server_id who);

/**
 * Ask all processes on the roster to read the database. An smbd that does not
 * receive that message reads it before it refuses an open.
 */
void drain_roster_tell(struct drain_locks *locks);

/**
 * Take or give back hold(id), once for each process. g_lock would count a
 * second shared lock of the process as a second holder.
 *
 * @return NT_STATUS_IO_TIMEOUT from take: a waiter has the lock now.
 */
NTSTATUS drain_hold_take(struct drain_locks *locks, const struct drain_id *id);
NTSTATUS drain_hold_give(struct drain_locks *locks, const struct drain_id *id);

/** Return a living process that has hold(id); pid 0: there is none. */
NTSTATUS drain_hold_holder(struct drain_locks *locks,
			   const struct drain_id *id,
			   struct server_id *holder);

/**
 * Take hold(id) exclusively, without waiting.
 *
 * @return NT_STATUS_IO_TIMEOUT: a living smbd or another waiter has the lock.
 */
NTSTATUS drain_hold_claim(struct drain_locks *locks, const struct drain_id *id);

/** Wake the processes that watch hold(id), and those that watch all drains. */
void drain_hold_wake(struct drain_locks *locks, const struct drain_id *id);

/**
 * Wait for a change: the last holder has given hold(id) back or has ended,
 * drain_hold_wake() was called, or some seconds have passed. A woken watcher
 * wakes the next one, which would wait for ever if the first was stopped
 * (SIGSTOP). g_lock_lock_send() does the same.
 *
 * @param[in] held  true: a process has the lock; watch that process.
 */
struct tevent_req *drain_hold_watch_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 const struct drain_id *id,
					 bool held);
/** NT_STATUS_IO_TIMEOUT: some seconds have passed. Check as after a change. */
NTSTATUS drain_hold_watch_recv(struct tevent_req *req);

/**
 * Take or release owner(id), runner(id) or publish(id), without waiting.
 *
 * @param[out] owner  The process that has the lock, with
 *                    NT_STATUS_IO_TIMEOUT.
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
 * Take owner(id) and publish(id), or neither. Both are needed to end a drain: a
 * publish started by run does not have owner(id) and may outlive the run.
 */
NTSTATUS drain_end_claim(struct drain_locks *locks,
			 const struct drain_id *id,
			 struct server_id *who);
void drain_end_release(struct drain_locks *locks, const struct drain_id *id);

/** Test whether a process has runner(id). Also false if it cannot be read. */
bool drain_runner_is(struct drain_locks *locks,
		     const struct drain_id *id,
		     struct server_id who);

/* The locks of drain_work_get() */
enum drain_work_lock {
	DRAIN_WORK_OWNER, /* owner(id) */
	DRAIN_WORK_PUBLISH, /* publish(id) */
};

/** Return the living process that has the lock; pid 0: there is none. */
NTSTATUS drain_work_get(struct drain_locks *locks,
			enum drain_work_lock lock,
			const struct drain_id *id,
			struct server_id *who);

/**
 * Wait until @who releases the lock or ends, or for a second, in case a stopped
 * watcher has not passed a wake-up on.
 */
struct tevent_req *drain_work_watch_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 enum drain_work_lock lock,
					 const struct drain_id *id,
					 struct server_id who);

/** Take owner(id), and wait for it as long as needed. */
struct tevent_req *drain_owner_lock_send(TALLOC_CTX *mem_ctx,
					 struct tevent_context *ev,
					 struct drain_locks *locks,
					 const struct drain_id *id);
NTSTATUS drain_owner_lock_recv(struct tevent_req *req);

#endif /* _DRAIN_LOCKS_H_ */
