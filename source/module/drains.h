// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The drains that this smbd obeys, as the database has them.
 */

#ifndef _DRAIN_DRAINS_H_
#define _DRAIN_DRAINS_H_

struct drain;
struct drain_id;

/**
 * Set the function to call when the list of drains or a deadline may have
 * changed. Call once, before all others.
 */
void drains_on_change(void (*fn)(void));

/**
 * Read the database and obey it: new drains, changed ones, ended ones. Call
 * as root.
 *
 * @param[out] num_unreadable  Number of records that cannot be read, and so
 *                             cannot be obeyed.
 */
NTSTATUS drains_sync(size_t *num_unreadable);

/**
 * Do the same as any user: the message that something has changed may have
 * been lost. Unreadable records are ignored.
 *
 * @return false: the database cannot be read. The error is noted.
 */
bool drains_catch_up(void);

/** Return the drain with this id that is obeyed here, or NULL. */
struct drain *drains_find(const struct drain_id *id);

/** Test whether the database still has a drain that is obeyed here. */
bool drain_is_in_force(const struct drain *drain);

#endif /* _DRAIN_DRAINS_H_ */
