// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * State of one smbd process.
 */

#include "module.h"
#include "process.h"

struct drain_process drain_process;

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
	return conn->session_info; /* the session has just ended */
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
