// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deferred opens: they wait for the end of a drain, then smbd runs them again
 * from the start.
 */

#ifndef _DRAIN_DEFER_H_
#define _DRAIN_DEFER_H_

struct drain;
struct drain_deferred;

/* What is known of an open that arrives, perhaps again */
struct drain_deferral {
	bool was_deferred; /* true: by this module */
	struct timeval since; /* when it arrived first */
};

/**
 * Set the function to call when the first open is deferred, and whenever one
 * is not deferred any more. Call once, before all others.
 */
void drain_deferred_on_change(void (*fn)(void));

/**
 * Take the deferral of an open that arrives. smbd must not find it later,
 * however the open ends.
 */
struct drain_deferral drain_deferral_take(struct smb_request *req);

/**
 * Defer an open to the end of a drain, or until it has waited for "drain:hold
 * timeout". The client receives STATUS_PENDING.
 *
 * @param[in] before  The result of drain_deferral_take().
 *
 * @return false: it cannot be deferred. It is no SMB2 CREATE, or one in a
 *         compound that smbd could not run again, or it has waited for long
 *         enough, or too many are deferred. After true, return any error to
 *         smbd.
 */
bool drain_defer(struct drain *drain,
		 struct connection_struct *conn,
		 struct smb_request *req,
		 const struct drain_deferral *before);

/**
 * Defer an open until a point in time, for whatever reason.
 *
 * @param[in] list   Where to keep it until then.
 * @param[in] since  When it arrived first.
 */
bool drain_defer_until(struct drain_deferred **list,
		       struct connection_struct *conn,
		       struct smb_request *req,
		       struct timeval since,
		       struct timeval until);

/** Run the opens that wait for a drain again, the oldest first. */
void drain_deferred_release(struct drain *drain);

/** Run again the deferred opens of a tree connect that is about to end. */
void drain_deferred_release_tree(const struct connection_struct *conn);

/** Test whether any open of this client is deferred or about to run again. */
bool drain_deferred_any(void);

/**
 * Count the opens that wait for a drain.
 *
 * @param[out] since  When the oldest arrived first; 0: there is none.
 */
size_t drain_deferred_count(const struct drain *drain, struct timeval *since);

#endif /* _DRAIN_DEFER_H_ */
