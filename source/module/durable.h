// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reconnects to disconnected durable handles.
 */

#ifndef _DRAIN_DURABLE_H_
#define _DRAIN_DURABLE_H_

/**
 * Prepare for a durable reconnect: take the hold locks of all drains that the
 * handle may be in, before it exists.
 *
 * @param[in] cookie  From drain_vfs_durable_cookie(). If it cannot be read,
 *                    the handle may be in any drain of the share.
 *
 * @return false: a drain is quiescent or cannot be held. Refuse the
 *         reconnect. After true, call drain_durable_end().
 */
bool drain_durable_begin(struct connection_struct *conn,
			 const DATA_BLOB *cookie);

/**
 * Finish a durable reconnect.
 *
 * @param[in] fsp  The handle, or NULL if the reconnect failed.
 *
 * @return false: the handle is in a drain that is quiescent; close it.
 */
bool drain_durable_end(struct files_struct *fsp);

#endif /* _DRAIN_DURABLE_H_ */
