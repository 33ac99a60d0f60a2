// SPDX-License-Identifier: GPL-3.0-or-later
/* Read and change the database of records. */

#include "drain/samba_compat.h"
#include "dbwrap/dbwrap.h"
#include "dbwrap/dbwrap_open.h"
#include "ctdb/include/ctdb_protocol.h"
#include "drain/codec.h"
#include "drain/store.h"

#define DRAIN_STORE_FILE "smbdrain.tdb"

struct drain_store {
	struct db_context *db;
};

uint64_t drain_now(void)
{
	struct timeval now = timeval_current();

	return (uint64_t)now.tv_sec * 1000000 + now.tv_usec;
}

/*
 * Avoid O_CREAT for an existing database: tdb would replace a damaged one with
 * an empty one, and the drains in force would be lost.
 */
static int open_flags(const char *path)
{
	struct stat st;

	if (!lp_clustering() && stat(path, &st) == 0 && st.st_size > 0) {
		return O_RDWR;
	}
	return O_RDWR | O_CREAT;
}

struct drain_store *drain_store_open(TALLOC_CTX *mem_ctx)
{
	struct drain_store *store = talloc_zero(mem_ctx, struct drain_store);
	char *path = NULL;

	if (store == NULL) {
		return NULL;
	}
	path = state_path(store, DRAIN_STORE_FILE);
	if (path == NULL) {
		TALLOC_FREE(store);
		return NULL;
	}

	/*
	 * Not CLEAR_IF_FIRST: a share that was being updated when the power
	 * failed must come up closed. NOMMAP: on a full file system that needs
	 * space even to overwrite (btrfs, or a sparse file), a write through a
	 * memory map causes SIGBUS.
	 */
	store->db = db_open(store, path, 0, TDB_DEFAULT | TDB_NOMMAP,
			    open_flags(path), 0600, DBWRAP_LOCK_ORDER_NONE,
			    DBWRAP_FLAG_NONE);
	if (store->db == NULL) {
		TALLOC_FREE(store);
		return NULL;
	}
	TALLOC_FREE(path);
	return store;
}

const char *drain_store_path(void)
{
	const char *path = state_path(talloc_tos(), DRAIN_STORE_FILE);

	return (path != NULL) ? path : DRAIN_STORE_FILE;
}

const char *drain_store_name(const struct drain_store *store)
{
	return dbwrap_name(store->db);
}

static TDB_DATA record_key(const struct drain_id *id)
{
	return make_tdb_data(id->bytes, sizeof(id->bytes));
}

struct read_state {
	TALLOC_CTX *mem_ctx;
	struct drain_record *record;
	NTSTATUS status;
};

static void read_parser(TDB_DATA key _UNUSED_,
			TDB_DATA value,
			void *private_data)
{
	struct read_state *state = private_data;
	DATA_BLOB blob = data_blob_const(value.dptr, value.dsize);

	if (value.dsize == 0) {
		/* CTDB keeps an empty record after a deletion. */
		state->status = NT_STATUS_NOT_FOUND;
		return;
	}
	state->status = drain_record_pull(state->mem_ctx, &blob,
					  &state->record);
}

NTSTATUS drain_store_read(struct drain_store *store,
			  TALLOC_CTX *mem_ctx,
			  const struct drain_id *id,
			  struct drain_record **record)
{
	struct read_state state = {.mem_ctx = mem_ctx};
	NTSTATUS status;

	*record = NULL;
	status = dbwrap_parse_record(store->db, record_key(id), read_parser,
				     &state);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	*record = state.record;
	return state.status;
}

bool drain_store_is_over(struct drain_store *store, const struct drain_id *id)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	NTSTATUS status = drain_store_read(store, frame, id, &record);

	TALLOC_FREE(frame);
	return NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND);
}

static void version_parser(TDB_DATA key _UNUSED_,
			   TDB_DATA value,
			   void *private_data)
{
	uint64_t *version = private_data;

	if (value.dsize == sizeof(*version)) {
		memcpy(version, value.dptr, sizeof(*version));
	}
}

uint64_t drain_store_version(struct drain_store *store)
{
	uint64_t version = 0;

	if (lp_clustering()) {
		(void)dbwrap_parse_record(
			store->db, string_term_tdb_data(CTDB_DB_SEQNUM_KEY),
			version_parser, &version);
	}
	return version;
}

static bool key_is_of(TDB_DATA key, const struct drain_record *record)
{
	return key.dsize == sizeof(record->id.bytes) &&
	       memcmp(key.dptr, record->id.bytes, key.dsize) == 0;
}

/*
 * Unpack an entry; NULL if it is unreadable, or has another id than its key and
 * so is not ours. Return false if out of memory.
 */
static bool pull_entry(TALLOC_CTX *mem_ctx,
		       const struct db_record *rec,
		       struct drain_record **record)
{
	TDB_DATA value = dbwrap_record_get_value(rec);
	DATA_BLOB blob = data_blob_const(value.dptr, value.dsize);
	NTSTATUS status;

	status = drain_record_pull(mem_ctx, &blob, record);
	if (NT_STATUS_IS_OK(status) &&
	    !key_is_of(dbwrap_record_get_key(rec), *record)) {
		TALLOC_FREE(*record);
	}
	return !NT_STATUS_EQUAL(status, NT_STATUS_NO_MEMORY);
}

static int list_fn(struct db_record *rec, void *private_data)
{
	struct drain_list *list = private_data;
	struct drain_record *record = NULL;
	struct drain_record **records = NULL;

	if (!pull_entry(list, rec, &record)) {
		return -1;
	}
	if (record == NULL) {
		list->num_unreadable += 1;
		return 0;
	}

	records = talloc_realloc(list, list->records, struct drain_record *,
				 list->num_records + 1);
	if (records == NULL) {
		return -1;
	}
	records[list->num_records] = record;
	list->records = records;
	list->num_records += 1;
	return 0;
}

NTSTATUS drain_store_list(struct drain_store *store,
			  TALLOC_CTX *mem_ctx,
			  struct drain_list **_list)
{
	struct drain_list *list = talloc_zero(mem_ctx, struct drain_list);
	NTSTATUS status;
	int count = 0;

	if (list == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	status = dbwrap_traverse_read(store->db, list_fn, list, &count);
	if (NT_STATUS_IS_OK(status) &&
	    (size_t)count != list->num_records + list->num_unreadable) {
		status = NT_STATUS_NO_MEMORY;
	}
	if (!NT_STATUS_IS_OK(status)) {
		TALLOC_FREE(list);
		return status;
	}
	*_list = list;
	return NT_STATUS_OK;
}

/*
 * Return true if the record has the name of @target. Names that differ in case
 * match only if they are the same place.
 */
static bool is_named(const struct drain_record *record,
		     const struct drain_target *target)
{
	return strequal(record->target.share, target->share) &&
	       strcmp(record->target.path, target->path) == 0;
}

struct drain_record *drain_list_find(TALLOC_CTX *mem_ctx,
				     struct drain_list *list,
				     const struct drain_target *target,
				     const struct drain_record *place)
{
	size_t i;

	for (i = 0; i < list->num_records; i++) {
		struct drain_record *record = list->records[i];

		if (is_named(record, target) ||
		    (place != NULL &&
		     drain_record_same_target(record, place))) {
			return talloc_move(mem_ctx, &list->records[i]);
		}
	}
	return NULL;
}

static bool shares_a_path(const struct drain_record *a,
			  const struct drain_record *b)
{
	size_t i;
	size_t j;

	for (i = 0; i < a->num_real; i++) {
		for (j = 0; j < b->num_real; j++) {
			if (strcmp(a->real[i], b->real[j]) == 0) {
				return true;
			}
		}
	}
	return false;
}

/* Free what the action leaves on talloc_tos(). */
static NTSTATUS transact(struct drain_store *store,
			 NTSTATUS (*action)(struct db_context *db,
					    void *private_data),
			 void *private_data)
{
	TALLOC_CTX *frame = talloc_stackframe();
	NTSTATUS status = dbwrap_trans_do(store->db, action, private_data);

	TALLOC_FREE(frame);
	return status;
}

struct add_state {
	struct drain_store *store;
	TALLOC_CTX *mem_ctx;
	const struct drain_record *record;
	struct drain_record *rival;
};

static NTSTATUS store_record(struct drain_store *store,
			     const struct drain_record *record)
{
	TALLOC_CTX *frame = talloc_stackframe();
	DATA_BLOB blob = data_blob_null;
	NTSTATUS status;

	status = drain_record_push(frame, record, &blob);
	if (NT_STATUS_IS_OK(status)) {
		status = dbwrap_store(store->db, record_key(&record->id),
				      make_tdb_data(blob.data, blob.length),
				      TDB_REPLACE);
	}
	TALLOC_FREE(frame);
	return status;
}

static NTSTATUS add_action(struct db_context *db _UNUSED_,
			   void *private_data)
{
	struct add_state *state = private_data;
	struct drain_list *list = NULL;
	NTSTATUS status;
	size_t i;

	status = drain_store_list(state->store, talloc_tos(), &list);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	for (i = 0; i < list->num_records; i++) {
		if (shares_a_path(list->records[i], state->record)) {
			state->rival = talloc_move(state->mem_ctx,
						   &list->records[i]);
			TALLOC_FREE(list);
			return NT_STATUS_OBJECT_NAME_COLLISION;
		}
	}
	TALLOC_FREE(list);
	return store_record(state->store, state->record);
}

NTSTATUS drain_store_add(struct drain_store *store,
			 TALLOC_CTX *mem_ctx,
			 const struct drain_record *record,
			 struct drain_record **rival)
{
	struct add_state state = {
		.store = store,
		.mem_ctx = mem_ctx,
		.record = record,
	};
	NTSTATUS status = transact(store, add_action, &state);

	*rival = state.rival;
	return status;
}

struct change_state {
	struct drain_store *store;
	const struct drain_id *id;
	/* Change the record. Return false if the change is not allowed. */
	bool (*change)(struct drain_record *record, const void *how);
	const void *how;
};

static NTSTATUS change_action(struct db_context *db _UNUSED_,
			      void *private_data)
{
	struct change_state *state = private_data;
	struct drain_record *record = NULL;
	NTSTATUS status;

	status = drain_store_read(state->store, talloc_tos(), state->id,
				  &record);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	if (!state->change(record, state->how)) {
		return NT_STATUS_INVALID_DEVICE_STATE;
	}
	return store_record(state->store, record);
}

static NTSTATUS change_record(struct drain_store *store,
			      const struct drain_id *id,
			      bool (*change)(struct drain_record *record,
					     const void *how),
			      const void *how)
{
	struct change_state state = {
		.store = store,
		.id = id,
		.change = change,
		.how = how,
	};

	return transact(store, change_action, &state);
}

struct step {
	enum drain_state from;
	enum drain_state to;
};

static bool take_step(struct drain_record *record, const void *how)
{
	const struct step *step = how;

	return drain_record_step(record, step->from, step->to, drain_now());
}

NTSTATUS drain_store_step(struct drain_store *store,
			  const struct drain_id *id,
			  enum drain_state from,
			  enum drain_state to)
{
	struct step step = {.from = from, .to = to};

	return change_record(store, id, take_step, &step);
}

struct new_deadline {
	uint64_t deadline;
	enum drain_on_timeout on_timeout;
};

static bool take_deadline(struct drain_record *record, const void *how)
{
	const struct new_deadline *new_deadline = how;

	if (record->state == DRAIN_QUIESCENT) {
		return false;
	}
	record->deadline = new_deadline->deadline;
	record->on_timeout = new_deadline->on_timeout;
	return true;
}

NTSTATUS drain_store_set_deadline(struct drain_store *store,
				  const struct drain_id *id,
				  uint64_t deadline,
				  enum drain_on_timeout on_timeout)
{
	struct new_deadline new_deadline = {
		.deadline = deadline,
		.on_timeout = on_timeout,
	};

	return change_record(store, id, take_deadline, &new_deadline);
}

/* Return the index of a covered path, or num_real if it is not covered. */
static size_t find_real(const struct drain_record *record, const char *path)
{
	size_t i = 0;

	while (i < record->num_real && strcmp(record->real[i], path) != 0) {
		i += 1;
	}
	return i;
}

static bool take_path(struct drain_record *record, const void *how)
{
	const char **real = NULL;

	if (find_real(record, how) < record->num_real) {
		return true;
	}
	if (record->num_real == DRAIN_MAX_REAL) {
		return false;
	}
	real = talloc_realloc(record, record->real, const char *,
			      record->num_real + 1);
	if (real == NULL) {
		return false;
	}
	real[record->num_real] = how;
	record->real = real;
	record->num_real += 1;
	return true;
}

static bool leave_path(struct drain_record *record, const void *how)
{
	size_t i = find_real(record, how);

	if (i == record->num_real) {
		return true;
	}
	if (record->num_real == 1) {
		return false;
	}
	ARRAY_DEL_ELEMENT(record->real, i, record->num_real);
	record->num_real -= 1;
	return true;
}

NTSTATUS drain_store_cover(struct drain_store *store,
			   const struct drain_id *id,
			   const char *path)
{
	return change_record(store, id, take_path, path);
}

NTSTATUS drain_store_uncover(struct drain_store *store,
			     const struct drain_id *id,
			     const char *path)
{
	return change_record(store, id, leave_path, path);
}

struct new_publishing {
	const char *from;
	const char *to;
};

static bool take_publishing(struct drain_record *record, const void *how)
{
	const struct new_publishing *new_publishing = how;

	if (record->state != DRAIN_QUIESCENT ||
	    strcmp(record->publishing, new_publishing->from) != 0) {
		return false;
	}
	record->publishing = new_publishing->to;
	return true;
}

NTSTATUS drain_store_set_publishing(struct drain_store *store,
				    const struct drain_id *id,
				    const char *from,
				    const char *to)
{
	struct new_publishing new_publishing = {.from = from, .to = to};

	return change_record(store, id, take_publishing, &new_publishing);
}

static bool take_terms(struct drain_record *record, const void *how)
{
	const struct drain_record *terms = how;

	if (record->state != DRAIN_ARMING) {
		return false;
	}
	record->policy = terms->policy;
	record->allow_unguarded = terms->allow_unguarded;
	record->purge_durables = terms->purge_durables;
	record->deadline = terms->deadline;
	record->on_timeout = terms->on_timeout;
	record->reason = terms->reason;
	return true;
}

NTSTATUS drain_store_change_arming(struct drain_store *store,
				   const struct drain_record *record)
{
	return change_record(store, &record->id, take_terms, record);
}

struct remove_state {
	struct drain_store *store;
	const struct drain_id *id;
	/* Return true if it may be removed. NULL: always, even if unreadable */
	bool (*may)(const struct drain_record *record);
};

/* Check that the record exists: in a cluster, deleting it twice succeeds. */
static NTSTATUS remove_action(struct db_context *db, void *private_data)
{
	struct remove_state *state = private_data;
	struct drain_record *record = NULL;
	NTSTATUS status;

	status = drain_store_read(state->store, talloc_tos(), state->id,
				  &record);
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND) ||
	    (record == NULL && state->may != NULL)) {
		return status;
	}
	if (state->may != NULL && !state->may(record)) {
		return NT_STATUS_INVALID_DEVICE_STATE;
	}
	return dbwrap_delete(db, record_key(state->id));
}

NTSTATUS drain_store_remove(struct drain_store *store,
			    const struct drain_id *id)
{
	struct remove_state state = {.store = store, .id = id};

	return transact(store, remove_action, &state);
}

static bool is_to_be_resumed(const struct drain_record *record)
{
	return record->on_timeout == DRAIN_TIMEOUT_RESUME &&
	       drain_record_is_due(record, drain_now());
}

NTSTATUS drain_store_expire(struct drain_store *store,
			    const struct drain_id *id)
{
	struct remove_state state = {
		.store = store,
		.id = id,
		.may = is_to_be_resumed,
	};

	return transact(store, remove_action, &state);
}

struct unreadable_state {
	size_t count;
	NTSTATUS status;
};

static int remove_unreadable_fn(struct db_record *rec, void *private_data)
{
	struct unreadable_state *state = private_data;
	struct drain_record *record = NULL;

	if (!pull_entry(talloc_tos(), rec, &record)) {
		state->status = NT_STATUS_NO_MEMORY;
		return -1;
	}
	if (record != NULL) {
		TALLOC_FREE(record);
		return 0;
	}
	state->count += 1;
	state->status = dbwrap_record_delete(rec);
	return NT_STATUS_IS_OK(state->status) ? 0 : -1;
}

static NTSTATUS remove_unreadable_action(struct db_context *db,
					 void *private_data)
{
	struct unreadable_state *state = private_data;
	NTSTATUS status = dbwrap_traverse(db, remove_unreadable_fn, state,
					  NULL);

	/* A traverse that the callback stopped has not failed. */
	return NT_STATUS_IS_OK(status) ? state->status : status;
}

NTSTATUS drain_store_remove_unreadable(struct drain_store *store,
				       size_t *num_removed)
{
	struct unreadable_state state = {.status = NT_STATUS_OK};
	NTSTATUS status = transact(store, remove_unreadable_action, &state);

	*num_removed = state.count;
	return status;
}
