// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Addresses of the client. All results are allocated on talloc_tos().
 */

#ifndef _DRAIN_CLIENT_H_
#define _DRAIN_CLIENT_H_

#include "drain/address.h"

/* The connections of a session, in the array of the session */
struct drain_channels {
	const DRAIN_CHANNEL_GLOBAL *list;
	size_t num;
};

/**
 * Return the connections that a session is bound to. If all of them have
 * ended, return the last one. If smbd does not know the session, return none.
 *
 * @param[in] vuid  As in drain_process_user().
 */
struct drain_channels drain_client_channels(
	const struct connection_struct *conn, uint64_t vuid);

/** Return the addresses of those connections. */
struct drain_addresses drain_client_addresses(
	const struct connection_struct *conn, uint64_t vuid);

/**
 * Return those addresses as one word: "10.0.0.17", or "10.0.0.17+1" if there
 * is a second one.
 */
const char *drain_client_text(const struct connection_struct *conn,
			      uint64_t vuid);

/** Return the addresses of all connections of this smbd as one word. */
const char *drain_client_all(void);

/**
 * Return the address of the first connection, which may have ended. Reads no
 * structure of smbd.
 */
const char *drain_client_first(void);

#endif /* _DRAIN_CLIENT_H_ */
