// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tree connect and disconnect: the databases, the roster, the messages, and the
 * list of tree connects that the module guards.
 */

#include "module.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "answer.h"
#include "connect.h"
#include "drains.h"
#include "error.h"
#include "process.h"
#include "rejoin.h"
#include "share_options.h"
#include "smbcontrol.h"

static NTSTATUS register_messages(struct smbd_server_connection *sconn)
{
	NTSTATUS status;

	status = messaging_register(sconn->msg_ctx, &drain_process,
				    MSG_DRAIN_REQUEST, drain_answer);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	if (!drain_rejoin_register()) {
		return NT_STATUS_UNEXPECTED_NETWORK_ERROR;
	}
	return drain_smbcontrol_register(sconn->msg_ctx, sconn);
}

/*
 * Open the databases and register for messages, once for the process. The
 * messages come last, since their handlers need the databases.
 */
static bool set_up_process(const struct connection_struct *conn)
{
	const struct drain_about about = drain_about_tree(conn);
	struct drain_process *p = &drain_process;
	NTSTATUS status;

	if (p->store == NULL) {
		p->store = drain_store_open(NULL);
	}
	if (p->store == NULL) {
		DRAIN_LOG(DBG_ERR, about, "cannot open %s: %s",
			  drain_store_path(), strerror(errno));
		return false;
	}
	if (p->locks == NULL) {
		p->locks = drain_locks_open(NULL, conn->sconn->msg_ctx);
	}
	if (p->locks == NULL) {
		DRAIN_LOG(DBG_ERR, about, "cannot open g_lock.tdb in %s",
			  lp_lock_directory());
		return false;
	}
	if (p->msg_ctx == NULL) {
		status = register_messages(conn->sconn);
		if (!NT_STATUS_IS_OK(status)) {
			DRAIN_LOG(DBG_ERR, about,
				  "cannot register for messages: %s",
				  nt_errstr(status));
			return false;
		}
		p->msg_ctx = conn->sconn->msg_ctx;
	}
	return true;
}

static bool join_roster(const struct connection_struct *conn)
{
	NTSTATUS status;

	if (drain_process.on_roster) {
		return true;
	}
	status = drain_roster_join(drain_process.locks);
	if (!NT_STATUS_IS_OK(status)) {
		DRAIN_LOG(DBG_ERR, drain_about_tree(conn),
			  "cannot join the roster: %s", nt_errstr(status));
		return false;
	}
	drain_process.on_roster = true;
	return true;
}

static void leave_roster_if_idle(void)
{
	NTSTATUS status;

	if (!drain_process.on_roster || drain_process.trees != NULL) {
		return;
	}
	status = drain_roster_leave(drain_process.locks);
	if (!NT_STATUS_IS_OK(status)) {
		drain_error(drain_about_all(), "cannot leave the roster: %s",
			    nt_errstr(status));
	}
	drain_process.on_roster = false;
}

static bool learn_of_drains(const struct connection_struct *conn)
{
	const struct drain_about about = drain_about_tree(conn);
	size_t num_unreadable = 0;
	NTSTATUS status;

	status = drains_sync(&num_unreadable);
	if (!NT_STATUS_IS_OK(status)) {
		DRAIN_LOG(DBG_ERR, about,
			  "not served: cannot read the drains "
			  "in force from %s: %s",
			  drain_store_name(drain_process.store),
			  nt_errstr(status));
		return false;
	}
	if (num_unreadable > 0) {
		DRAIN_LOG(DBG_ERR, about,
			  "not served: cannot read %zu records of "
			  "%s. \"smbdrain resume --all\" removes them.",
			  num_unreadable,
			  drain_store_name(drain_process.store));
		return false;
	}
	return true;
}

static bool has_fruit(const struct connection_struct *conn)
{
	const char **objects = lp_vfs_objects(SNUM(conn));

	while (objects != NULL && *objects != NULL) {
		if (strstr(*objects, "fruit") != NULL) {
			return true;
		}
		objects += 1;
	}
	return false;
}

/*
 * An smbd regards the processes of another PID namespace as dead, and g_lock
 * removes the locks of dead processes. So no hold lock would be safe.
 */
static bool sees_all_processes(const struct connection_struct *conn)
{
	const struct drain_about about = drain_about_tree(conn);
	struct drain_stranger stranger;
	int ret;

	if (drain_process.drains == NULL) {
		return true;
	}
	ret = drain_find_stranger(NULL, &stranger);
	if (ret != 0) {
		DRAIN_LOG(DBG_ERR, about,
			  "not served: cannot read "
			  "Samba's message files in %s: %s",
			  lp_lock_directory(), strerror(ret));
		return false;
	}
	if (stranger.number != 0) {
		DRAIN_LOG(DBG_ERR, about,
			  "not served while a drain is "
			  "in force: process %d of lock directory %s runs in "
			  "another PID namespace, so that Samba's locks do "
			  "not hold. Have all smbds share one PID namespace.",
			  (int)stranger.number, lp_lock_directory());
		return false;
	}
	return true;
}

struct drain_tree *drain_connect(struct vfs_handle_struct *handle)
{
	struct connection_struct *conn = handle->conn;
	struct drain_options options;
	struct drain_tree *tree = NULL;

	if (!set_up_process(conn) || !join_roster(conn)) {
		return NULL;
	}

	tree = talloc_zero(NULL, struct drain_tree);
	if (tree == NULL) {
		leave_roster_if_idle();
		return NULL;
	}
	drain_config_read(tree, conn, &options);
	tree->no_durable_handles = !options.durable_handles;
	tree->with_fruit = has_fruit(conn);
	tree->handle = handle;

	/* Add it first: drain_process_sconn() needs it */
	DLIST_ADD(drain_process.trees, tree);
	if (!learn_of_drains(conn) || !sees_all_processes(conn)) {
		drain_disconnect(tree);
		return NULL;
	}
	return tree;
}

void drain_disconnect(struct drain_tree *tree)
{
	DLIST_REMOVE(drain_process.trees, tree);
	TALLOC_FREE(tree);
	leave_roster_if_idle();
}
