// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Handles that the client's requests in progress use.
 */

#ifndef _DRAIN_IN_USE_H_
#define _DRAIN_IN_USE_H_

/* What a request in progress uses: see drain_use_is_of() */
struct drain_use {
	const struct files_struct *fsp; /* may be freed: compare only */
	DATA_BLOB input; /* may contain the file id of another handle */
	bool writes; /* true: a WRITE */
	bool sends; /* true: a READ that is answered except for its data */
};

typedef void (*drain_use_fn)(const struct drain_use *use, void *private_data);

/** Call @fn for each request in progress, on all connections. */
void drain_uses_forall(const struct smbd_server_connection *sconn,
		       drain_use_fn fn,
		       void *private_data);

/** Test whether that request uses the handle @fsp of a client. */
bool drain_use_is_of(const struct drain_use *use,
		     const struct files_struct *fsp);

/**
 * Test whether the client has taken none of the READ data that smbd sends
 * since the last call.
 *
 * @param[inout] progress  State between calls; 0 at first.
 * @return true: there is such data, and none was sent or acknowledged.
 */
bool drain_sends_nothing(const struct smbd_server_connection *sconn,
			 uint64_t *progress);

/**
 * Shut down each connection that has such data. smbd then acts as if the
 * client had disconnected.
 */
void drain_hang_up(const struct smbd_server_connection *sconn);

#endif /* _DRAIN_IN_USE_H_ */
