// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Counted handles: the open files that a drain waits for.
 *
 * As long as a drain has one here, this process has the lock hold(id), and
 * the drain does not become quiescent.
 */

#ifndef _DRAIN_COUNTED_H_
#define _DRAIN_COUNTED_H_

struct drain;
struct drain_policy;

/** Test whether a drain with that policy counts a handle, if it covers it. */
bool drain_handle_counts(const struct files_struct *fsp,
			 const struct drain_policy *policy);

/**
 * Test whether a drain exempts an open handle. That is decided once and stays
 * so until the handle is closed, whatever connections its session gets or
 * loses.
 */
bool drain_handle_is_exempt(const struct files_struct *fsp,
			    const struct drain *drain);

/**
 * Return true if a drain exempts the handle, which would count in that drain
 * otherwise.
 */
bool drain_handle_would_count(const struct files_struct *fsp);

/** Count a handle in each drain that covers it. */
NTSTATUS drain_counted_add(struct files_struct *fsp);

/**
 * Count all handles of the client in the drains of drain_process, and take or
 * give back the hold locks.
 */
NTSTATUS drain_counted_add_all(void);

/** Count no handle in a drain any more, and give back its hold lock. */
void drain_counted_drop(struct drain *drain);

/** Count the handle of an open that the client was allowed to do. */
void drain_counted_opened(struct files_struct *fsp);

/**
 * Take hold(id) if the drain has counted or returning handles, else give it
 * back. An error is noted.
 */
NTSTATUS drain_counted_update_hold(struct drain *drain);

/** Take all hold locks again after a recovery of the cluster. As root. */
NTSTATUS drain_counted_hold_again(void);

/** Test whether a drain is past a deadline at which it closes handles. */
bool drain_is_forced(const struct drain *drain);

/**
 * Test whether a client with counted handles may open more files in a drain.
 * It may until its last one is closed, or all are closed by force.
 *
 * @param[in] except  A handle to ignore, or NULL.
 */
bool drain_client_has_grace(const struct drain *drain,
			    const struct files_struct *except);

/** Test whether the client has a counted handle on the file at @path. */
bool drain_client_holds(const struct drain *drain, const char *path);

/** Start to close all counted handles of a drain. */
void drain_counted_close(const struct drain *drain);

#endif /* _DRAIN_COUNTED_H_ */
