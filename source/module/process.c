/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What one smbd has once: its place on the bus and on the roster, and the list
 * of tree connections that it guards.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

struct drain_process drain_process;

/* Each kind of error is logged once, however often and for whatever it comes */
static bool is_news(const char *fmt)
{
	static const char *known[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i] == fmt) {
			return false;
		}
		if (known[i] == NULL) {
			known[i] = fmt;
			return true;
		}
	}
	return false;
}

void drain_process_error(struct drain_about about, const char *fmt, ...)
{
	struct drain_process *p = &drain_process;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	p->num_errors += 1;
	snprintf(p->last_error, sizeof(p->last_error), "%s: %s",
		 drain_about_text(about), text);
	if (is_news(fmt)) {
		DRAIN_LOG(DBG_ERR, about, "%s", text);
	}
}

struct smbd_server_connection *drain_process_sconn(void)
{
	if (drain_process.trees == NULL) {
		return NULL;
	}
	return drain_process.trees->handle->conn->sconn;
}

const struct auth_session_info *drain_process_user(
	const struct connection_struct *conn, uint64_t vuid)
{
	struct smbXsrv_client *client = conn->sconn->client;
	struct auth_session_info *info = NULL;

	if (client != NULL &&
	    NT_STATUS_IS_OK(smbXsrv_session_info_lookup(client, vuid,
							&info))) {
		return info;
	}
	return conn->session_info; /* it has just logged off */
}

static NTSTATUS hear(struct smbd_server_connection *sconn)
{
	NTSTATUS status;

	status = messaging_register(sconn->msg_ctx, &drain_process,
				    MSG_DRAIN_REQUEST, drain_answer);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	if (!drain_rejoin_hear()) {
		return NT_STATUS_UNEXPECTED_NETWORK_ERROR;
	}
	return drain_smbcontrol_hear(sconn->msg_ctx, sconn);
}

/*
 * Everything that is there once and stays. The handlers come last, for they
 * need the others; nobody is asked before he is on the roster.
 */
static bool get_on_the_bus(const struct connection_struct *conn)
{
	const struct drain_about about = drain_about_tree(conn);
	struct drain_process *p = &drain_process;
	NTSTATUS status;

	if (p->store == NULL) {
		p->store = drain_store_open(NULL);
	}
	if (p->store == NULL) {
		DRAIN_LOG(DBG_ERR, about, "can not open %s: %s",
			  drain_store_path(), strerror(errno));
		return false;
	}
	if (p->locks == NULL) {
		p->locks = drain_locks_open(NULL, conn->sconn->msg_ctx);
	}
	if (p->locks == NULL) {
		DRAIN_LOG(DBG_ERR, about, "can not open g_lock.tdb in %s",
			  lp_lock_directory());
		return false;
	}
	if (p->msg_ctx == NULL) {
		status = hear(conn->sconn);
		if (!NT_STATUS_IS_OK(status)) {
			DRAIN_LOG(DBG_ERR, about, "can not hear messages: %s",
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
			  "can not join the roster: %s", nt_errstr(status));
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
		drain_process_error(drain_about_all(),
				    "can not leave the roster: %s",
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
		DRAIN_LOG(DBG_ERR, about, "it is not served: can not read the "
			  "drains in force from %s: %s",
			  drain_store_name(drain_process.store),
			  nt_errstr(status));
		return false;
	}
	if (num_unreadable > 0) {
		DRAIN_LOG(DBG_ERR, about, "it is not served: %zu records of %s "
			  "can not be read, so that nobody knows what they "
			  "close. \"smbdrain resume --all\" removes them.",
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
 * smbds of two PID namespaces take each other for dead, and g_lock removes the
 * locks of a process that is dead: no drain holds then.
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
		DRAIN_LOG(DBG_ERR, about, "it is not served: cannot read "
			  "Samba's message files in %s: %s",
			  lp_lock_directory(), strerror(ret));
		return false;
	}
	if (stranger.number != 0) {
		DRAIN_LOG(DBG_ERR, about, "it is not served while a drain is "
			  "in force: process %d of lock directory %s runs in "
			  "another PID namespace, so that Samba's locks do "
			  "not hold. Have all smbds share one PID namespace.",
			  (int)stranger.number, lp_lock_directory());
		return false;
	}
	return true;
}

struct drain_tree *drain_process_join(struct vfs_handle_struct *handle)
{
	struct connection_struct *conn = handle->conn;
	struct drain_options options;
	struct drain_tree *tree = NULL;

	if (!get_on_the_bus(conn) || !join_roster(conn)) {
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

	/* Listed first: deadlines need to know of the client */
	DLIST_ADD(drain_process.trees, tree);
	if (!learn_of_drains(conn) || !sees_all_processes(conn)) {
		drain_process_leave(tree);
		return NULL;
	}
	return tree;
}

void drain_process_leave(struct drain_tree *tree)
{
	DLIST_REMOVE(drain_process.trees, tree);
	TALLOC_FREE(tree);
	leave_roster_if_idle();
}

struct drain_tree *drain_process_tree(const struct connection_struct *conn)
{
	struct drain_tree *tree = NULL;

	for (tree = drain_process.trees; tree != NULL; tree = tree->next) {
		if (tree->handle->conn == conn) {
			return tree;
		}
	}
	return NULL;
}
