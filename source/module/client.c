// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Addresses of the client.
 *
 * smbd serves all connections with one client GUID in one process (SMB 3
 * multichannel). They may come from several addresses, and smbd keeps only the
 * first one for the process. The addresses of a user are those of the
 * connections that the session is bound to.
 */

#include "module.h"
#include "lib/substitute.h"
#include "lib/tsocket/tsocket.h"
#include "client.h"
#include "process.h"

struct drain_channels drain_client_channels(
	const struct connection_struct *conn, uint64_t vuid)
{
	struct drain_channels channels = {.num = 0};
	struct smbXsrv_client *client = conn->sconn->client;
	struct smbXsrv_session *session = NULL;

	if (client == NULL ||
	    !NT_STATUS_IS_OK(
		    get_valid_smbXsrv_session(client, vuid, &session))) {
		return channels;
	}
	channels.list = session->global->channels;
	if (channels.list != NULL) {
		/* smbd keeps the last one for session_yield() */
		channels.num = MAX(session->global->num_channels, 1);
	}
	return channels;
}

struct drain_addresses drain_client_addresses(
	const struct connection_struct *conn, uint64_t vuid)
{
	const struct drain_channels channels =
		drain_client_channels(conn, vuid);
	struct drain_addresses addresses = {.num = 0};
	size_t i;

	for (i = 0; i < channels.num; i++) {
		(void)drain_addresses_add(talloc_tos(), &addresses,
					  channels.list[i].remote_address);
	}
	return addresses;
}

static const char *addresses_text(const struct drain_addresses *addresses)
{
	const char *text = NULL;

	if (addresses->num == 0) {
		return drain_client_first();
	}
	text = drain_addresses_text(talloc_tos(), addresses);
	return (text != NULL) ? text : "?";
}

const char *drain_client_text(const struct connection_struct *conn,
			      uint64_t vuid)
{
	const struct drain_addresses addresses =
		drain_client_addresses(conn, vuid);

	return addresses_text(&addresses);
}

const char *drain_client_first(void)
{
	const char *client = talloc_sub_basic(talloc_tos(), "", "", "%I");

	return (client != NULL) ? client : "?";
}

const char *drain_client_all(void)
{
	const struct smbd_server_connection *sconn = drain_process_sconn();
	const struct smbXsrv_connection *xconn = NULL;
	struct drain_addresses addresses = {.num = 0};

	if (sconn != NULL && sconn->client != NULL) {
		xconn = sconn->client->connections;
	}
	for (; xconn != NULL; xconn = xconn->next) {
		const char *raw = tsocket_address_string(
			xconn->remote_address, talloc_tos());

		if (raw != NULL) {
			(void)drain_addresses_add(talloc_tos(), &addresses,
						  raw);
		}
	}
	return addresses_text(&addresses);
}
