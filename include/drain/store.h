/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The database of records: one record a drain, under its id.
 *
 * Persistent and opened through dbwrap, so that with "clustering = yes" it is
 * replicated by CTDB. Every change is one transaction. What it says is the
 * truth; messages and wake-ups only say that it is worth a look.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_STORE_H_
#define _DRAIN_STORE_H_

#include "drain/record.h"

struct drain_store;
struct messaging_context;

/* All records, as they were at one moment */
struct drain_list {
	struct drain_record **records;
	size_t num_records;
	size_t num_unreadable; /* damaged, foreign, or of another version */
};

/**
 * Open the database, make it if it is not there. As root.
 *
 * @return NULL on failure, with errno. One that is damaged is not replaced.
 */
struct drain_store *drain_store_open(TALLOC_CTX *mem_ctx);

/** Where it is, for messages to people. */
const char *drain_store_name(const struct drain_store *store);

/** Where it would be, before it is open. On talloc_tos(). */
const char *drain_store_path(void);

/**
 * Read one record.
 *
 * @return NT_STATUS_NOT_FOUND: there is none (any more);
 *         NT_STATUS_INTERNAL_DB_CORRUPTION: it can not be read.
 */
NTSTATUS drain_store_read(struct drain_store *store,
			  TALLOC_CTX *mem_ctx,
			  const struct drain_id *id,
			  struct drain_record **record);

/**
 * Has the drain ended? Its record is gone then.
 *
 * A record that cannot be read is there: the safe side is a drain in force.
 */
bool drain_store_is_over(struct drain_store *store, const struct drain_id *id);

/**
 * How often the records have been changed, as this node of a cluster knows.
 *
 * CTDB counts that. While the node is not part of the cluster this does not
 * return; afterwards its records are those of all others.
 *
 * @return 0 if there is no cluster.
 */
uint64_t drain_store_version(struct drain_store *store);

/** Read all records; unreadable ones are counted, and are no error. */
NTSTATUS drain_store_list(struct drain_store *store,
			  TALLOC_CTX *mem_ctx,
			  struct drain_list **list);

/**
 * Of those, the drain that a person means: by name, or by place: through
 * another share, or by another spelling.
 *
 * @param[in] place  What shares_make_record() says of the target; may be NULL.
 * @return It hangs off @mem_ctx. NULL: there is none.
 */
struct drain_record *drain_list_find(TALLOC_CTX *mem_ctx,
				     struct drain_list *list,
				     const struct drain_target *target,
				     const struct drain_record *place);

/**
 * Add a new record.
 *
 * @param[out] rival  With NT_STATUS_OBJECT_NAME_COLLISION: the record that
 *                    covers one of the same real paths already.
 */
NTSTATUS drain_store_add(struct drain_store *store,
			 TALLOC_CTX *mem_ctx,
			 const struct drain_record *record,
			 struct drain_record **rival);

/**
 * Take one step of the state machine, see drain_record_step().
 *
 * @return NT_STATUS_NOT_FOUND: resumed meanwhile;
 *         NT_STATUS_INVALID_DEVICE_STATE: it is not in state @from.
 */
NTSTATUS drain_store_step(struct drain_store *store,
			  const struct drain_id *id,
			  enum drain_state from,
			  enum drain_state to);

/**
 * Give a drain another deadline, while it is not quiescent.
 *
 * @return As drain_store_step().
 */
NTSTATUS drain_store_set_deadline(struct drain_store *store,
				  const struct drain_id *id,
				  uint64_t deadline,
				  enum drain_on_timeout on_timeout);

/**
 * Have a drain cover one path more, or no more, whatever its state. A path that
 * is covered already, or is not, is no error.
 *
 * @return As drain_store_step(); NT_STATUS_INVALID_DEVICE_STATE from cover: it
 *         covers too many paths already; from uncover: it is the only one.
 */
NTSTATUS drain_store_cover(struct drain_store *store,
			   const struct drain_id *id,
			   const char *path);
NTSTATUS drain_store_uncover(struct drain_store *store,
			     const struct drain_id *id,
			     const char *path);

/**
 * Note that the share is half one version and half another, or that it is not
 * any more (""). It has to be quiescent, and @from what was noted before.
 *
 * @return As drain_store_step().
 */
NTSTATUS drain_store_set_publishing(struct drain_store *store,
				    const struct drain_id *id,
				    const char *from,
				    const char *to);

/**
 * Change what a drain says of itself, but for id, target and state, while it
 * is arming.
 *
 * @return As drain_store_step().
 */
NTSTATUS drain_store_change_arming(struct drain_store *store,
				   const struct drain_record *record);

/** Take a record away. NT_STATUS_NOT_FOUND: somebody else has. */
NTSTATUS drain_store_remove(struct drain_store *store,
			    const struct drain_id *id);

/**
 * Take a record away whose deadline says so.
 *
 * @return NT_STATUS_NOT_FOUND: somebody else has; NT_STATUS_INVALID_DEVICE_STATE:
 *         it is quiescent by now, or its deadline has been put off.
 */
NTSTATUS drain_store_expire(struct drain_store *store,
			    const struct drain_id *id);

/** Take away what can not be read. */
NTSTATUS drain_store_remove_unreadable(struct drain_store *store,
				       size_t *num_removed);

/** Microseconds since 1970. */
uint64_t drain_now(void);

#endif /* _DRAIN_STORE_H_ */
