// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The database of records: one record for each drain, with its id as the key.
 *
 * It is persistent and opened through dbwrap. With "clustering = yes" CTDB
 * replicates it. Each change is one transaction. Processes obey the database;
 * messages and wake-ups only say that it may have changed.
 */

#ifndef _DRAIN_STORE_H_
#define _DRAIN_STORE_H_

#include "drain/record.h"

struct drain_store;

/* All records, read at one moment */
struct drain_list {
	struct drain_record **records;
	size_t num_records;
	size_t num_unreadable; /* damaged, or of another version */
};

/**
 * Open the database as root, and create it if it does not exist. A damaged one
 * is not replaced.
 *
 * @return NULL: that failed; errno is set.
 */
struct drain_store *drain_store_open(TALLOC_CTX *mem_ctx);

/** Return the path of an open database, for messages. */
const char *drain_store_name(const struct drain_store *store);

/** Return the path of the database before it is open, on talloc_tos(). */
const char *drain_store_path(void);

/**
 * Read one record.
 *
 * @return NT_STATUS_NOT_FOUND: there is none;
 *         NT_STATUS_INTERNAL_DB_CORRUPTION: it cannot be read.
 */
NTSTATUS drain_store_read(struct drain_store *store,
			  TALLOC_CTX *mem_ctx,
			  const struct drain_id *id,
			  struct drain_record **record);

/**
 * Test whether a drain has ended, which is when its record was removed. A
 * record that cannot be read counts as in force.
 */
bool drain_store_is_over(struct drain_store *store, const struct drain_id *id);

/**
 * Return the version of the database, a number that CTDB increments at each
 * change. While the node is cut off from the cluster this does not return;
 * afterwards the node has the records of the cluster.
 *
 * @return 0: there is no cluster.
 */
uint64_t drain_store_version(struct drain_store *store);

/** Read all records. Unreadable ones are counted and are no error. */
NTSTATUS drain_store_list(struct drain_store *store,
			  TALLOC_CTX *mem_ctx,
			  struct drain_list **list);

/**
 * Find the drain of a target in a list: by name, or by its path, which may be
 * reached through another share or by another spelling.
 *
 * @param[in] place  From shares_make_record(); may be NULL.
 * @return The record, moved to @mem_ctx; NULL: there is none.
 */
struct drain_record *drain_list_find(TALLOC_CTX *mem_ctx,
				     struct drain_list *list,
				     const struct drain_target *target,
				     const struct drain_record *place);

/**
 * Add a new record.
 *
 * @param[out] rival  The record that covers one of the real paths already,
 *                    with NT_STATUS_OBJECT_NAME_COLLISION.
 */
NTSTATUS drain_store_add(struct drain_store *store,
			 TALLOC_CTX *mem_ctx,
			 const struct drain_record *record,
			 struct drain_record **rival);

/**
 * Change the state of a drain, see drain_record_step().
 *
 * @return NT_STATUS_NOT_FOUND: the drain has ended;
 *         NT_STATUS_INVALID_DEVICE_STATE: its state is not @from.
 */
NTSTATUS drain_store_step(struct drain_store *store,
			  const struct drain_id *id,
			  enum drain_state from,
			  enum drain_state to);

/**
 * Change the deadline of a drain that is not quiescent.
 *
 * @return As drain_store_step().
 */
NTSTATUS drain_store_set_deadline(struct drain_store *store,
				  const struct drain_id *id,
				  uint64_t deadline,
				  enum drain_on_timeout on_timeout);

/**
 * Add a path to those that a drain covers, or remove one, in any state. It is
 * no error to add a path that is covered, or to remove one that is not.
 *
 * @return As drain_store_step(). NT_STATUS_INVALID_DEVICE_STATE: the drain
 *         covers too many paths (cover), or only this one (uncover).
 */
NTSTATUS drain_store_cover(struct drain_store *store,
			   const struct drain_id *id,
			   const char *path);
NTSTATUS drain_store_uncover(struct drain_store *store,
			     const struct drain_id *id,
			     const char *path);

/**
 * Set or clear ("") the incomplete publish of a quiescent drain, by
 * compare-and-set from @from.
 *
 * @return As drain_store_step().
 */
NTSTATUS drain_store_set_publishing(struct drain_store *store,
				    const struct drain_id *id,
				    const char *from,
				    const char *to);

/**
 * Change an arming drain, except its id, target and state.
 *
 * @return As drain_store_step().
 */
NTSTATUS drain_store_change_arming(struct drain_store *store,
				   const struct drain_record *record);

/** Remove a record. NT_STATUS_NOT_FOUND: there is none. */
NTSTATUS drain_store_remove(struct drain_store *store,
			    const struct drain_id *id);

/**
 * Remove a record that is to be resumed at its deadline.
 *
 * @return NT_STATUS_NOT_FOUND: there is none; NT_STATUS_INVALID_DEVICE_STATE:
 *         the drain is quiescent, or not past its deadline.
 */
NTSTATUS drain_store_expire(struct drain_store *store,
			    const struct drain_id *id);

/** Remove the unreadable records. */
NTSTATUS drain_store_remove_unreadable(struct drain_store *store,
				       size_t *num_removed);

/** Return the time in microseconds since 1970. */
uint64_t drain_now(void);

#endif /* _DRAIN_STORE_H_ */
