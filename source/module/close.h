// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Forced close of handles.
 */

#ifndef _DRAIN_CLOSE_H_
#define _DRAIN_CLOSE_H_

#include "drain/codec.h"

/**
 * Close handles of the client. A client that caches writes is asked for them
 * first and gets a short time; requests in flight are cancelled or waited
 * for. The request is done when none of the handles is open any more.
 *
 * Nothing is closed before the event loop runs.
 *
 * @param[in] handles  Copied. A handle whose number is in use for another
 *                     open by then is left alone.
 * @return Owned by @sconn, and so ended with it; NULL: out of memory.
 */
struct tevent_req *drain_close_send(struct smbd_server_connection *sconn,
				    const struct drain_close_handle *handles,
				    size_t num);

/** @param[out] num_closed  Without those that their client closed. */
NTSTATUS drain_close_recv(struct tevent_req *req, uint32_t *num_closed);

#endif /* _DRAIN_CLOSE_H_ */
