// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * State of one smbd process: its databases, the tree connects that it
 * guards, and the drains that it obeys.
 */

#ifndef _DRAIN_PROCESS_H_
#define _DRAIN_PROCESS_H_

#include "drain/locks.h"
#include "drain/record.h"
#include "drain/store.h"

/* A tree connect to a share with the module */
struct drain_tree {
	struct drain_tree *prev, *next;
	struct vfs_handle_struct *handle;
	bool no_durable_handles; /* true: "drain:durable handles = no" */
	bool with_fruit; /* true: vfs_fruit is among its "vfs objects" */
};

struct drain_handle_ref; /* counted.c */
struct drain_deferred; /* defer.c */

/* A drain that this smbd obeys */
struct drain {
	struct drain *prev, *next;
	struct drain_record *record; /* owned by the drain */
	struct drain_handle_ref *refs; /* the counted handles */
	size_t num_counted; /* length of that list */
	size_t num_exempt; /* handles that are exempt, in no list */
	/* reconnects in progress, and opens that could not be counted */
	size_t num_returning;
	bool returns; /* true: the reconnect in progress is one of them */
	bool held; /* true: this process has the lock hold(id) */
	bool fresh; /* true: the leases of its handles are not broken yet */
	bool narrower; /* true: handles outside of it may still be counted */
	struct tevent_timer *deadline; /* NULL: to be set by deadline.c */
	struct drain_deferred *deferred; /* opens that wait for its end */
	struct server_id *watchers; /* receive a message per closed handle */
	size_t num_watchers;
};

/* One for each smbd */
struct drain_process {
	struct messaging_context *msg_ctx; /* NULL: not registered yet */
	struct drain_store *store;
	struct drain_locks *locks;
	struct drain_tree *trees;
	bool on_roster; /* true: the roster has this process */

	struct drain *drains; /* NULL: nothing drains, the normal state */
	uint64_t version; /* of the database that the drains were read from */
};

extern struct drain_process drain_process;

/**
 * Return the connection of the client that this smbd serves, or NULL if it
 * has no tree connect that the module guards.
 */
struct smbd_server_connection *drain_process_sconn(void);

/** Return the guarded tree connect of @conn, or NULL. */
struct drain_tree *drain_process_tree(const struct connection_struct *conn);

/**
 * Return the authenticated user of a session. "force user" does not change
 * that user, only the user on disk.
 *
 * @param[in] vuid  The session. With SMB1 several sessions share a tree
 *                  connect, and @conn has the one of the last request
 *                  (smbd/uid.c).
 */
const struct auth_session_info *drain_process_user(
	const struct connection_struct *conn, uint64_t vuid);

#endif /* _DRAIN_PROCESS_H_ */
