/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The drains that this smbd obeys, and which handles count in them.
 *
 * A drain owns its marks, one for each handle in it that counts, or would if it
 * were not exempt. A handle has a struct drain_handle as fsp extension, made when its first mark is, and
 * reached again through the extension's destructor: the one hook that runs
 * whenever and however a handle ends. Without a drain there are no marks, no
 * extensions and nothing to keep up to date.
 *
 * hold(id) is taken with the first mark and given back with the last.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

/* The fsp extension of a counted handle */
struct drain_handle {
	struct files_struct *fsp;
	struct drain_mark *marks;
};

/*
 * The holding
 */

static NTSTATUS settle(struct drain *drain)
{
	bool needed = drain->num_marks > 0 || drain->num_returning > 0;
	NTSTATUS status;

	if (needed == drain->held) {
		return NT_STATUS_OK;
	}

	/* As any user: smbd takes its own locks of open files so, too */
	if (needed) {
		status = drain_hold_take(drain_process.locks,
					 &drain->record->id);
	} else {
		status = drain_hold_give(drain_process.locks,
					 &drain->record->id);
	}
	if (!NT_STATUS_IS_OK(status)) {
		drain_process_error(drain_about_drain(drain),
				    "can not %s the lock of its drain: %s",
				    needed ? "take" : "give back",
				    nt_errstr(status));
		return status;
	}
	drain->held = needed;
	return NT_STATUS_OK;
}

NTSTATUS drains_hold_again(void)
{
	struct drain *drain = NULL;
	NTSTATUS status = NT_STATUS_OK;

	for (drain = drain_process.drains;
	     NT_STATUS_IS_OK(status) && drain != NULL; drain = drain->next) {
		if (drain->held) {
			status = drain_hold_again(drain_process.locks,
						  &drain->record->id);
		}
	}
	return status;
}

/*
 * Marks
 */

static int mark_destructor(struct drain_mark *mark)
{
	struct drain_mark **p = &mark->handle->marks;

	while (*p != mark) {
		p = &(*p)->sibling;
	}
	*p = mark->sibling;

	if (mark->exempt) {
		mark->drain->num_exempt -= 1;
	} else {
		DLIST_REMOVE(mark->drain->marks, mark);
		mark->drain->num_marks -= 1;
	}
	return 0;
}

static void handle_gone(void *private_data)
{
	struct drain_handle *handle = private_data;

	while (handle->marks != NULL) {
		struct drain_mark *mark = handle->marks;
		struct drain *drain = mark->drain;
		const bool counted = !mark->exempt;

		TALLOC_FREE(mark);
		if (counted) {
			drain_answer_gone(drain, handle->fsp);
			(void)settle(drain);
		}
	}
}

static const struct drain_mark *find_mark(const struct drain_handle *handle,
					  const struct drain *drain)
{
	const struct drain_mark *mark = handle->marks;

	while (mark != NULL && mark->drain != drain) {
		mark = mark->sibling;
	}
	return mark;
}

bool drains_handle_is_exempt(const struct files_struct *fsp,
			     const struct drain *drain)
{
	const struct drain_tree *tree = drain_process_tree(fsp->conn);
	const struct drain_handle *handle = NULL;
	const struct drain_mark *mark = NULL;

	if (tree != NULL) {
		handle = VFS_FETCH_FSP_EXTENSION(
			tree->handle, discard_const_p(struct files_struct, fsp));
	}
	if (handle != NULL) {
		mark = find_mark(handle, drain);
	}
	return (mark != NULL) ? mark->exempt
			      : drain_is_exempt(fsp->conn, fsp->vuid,
						&drain->record->policy);
}

static void count_mark(struct drain *drain, struct drain_mark *mark)
{
	DLIST_ADD(drain->marks, mark);
	drain->num_marks += 1;

	/* Opens of its client would wait for the end of this handle */
	drain_park_release(drain);

	if (drain->record->policy.break_leases) {
		drain_break_cache(mark->handle->fsp);
	}
}

static NTSTATUS mark_handle(struct drain_tree *tree,
			    struct files_struct *fsp,
			    struct drain *drain)
{
	struct drain_handle *handle = NULL;
	struct drain_mark *mark = NULL;

	handle = VFS_ADD_FSP_EXTENSION(tree->handle, fsp, struct drain_handle,
				       handle_gone);
	if (handle == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	handle->fsp = fsp;
	if (find_mark(handle, drain) != NULL) {
		return NT_STATUS_OK; /* it has been decided */
	}

	mark = talloc_zero(drain, struct drain_mark);
	if (mark == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	mark->handle = handle;
	mark->sibling = handle->marks;
	handle->marks = mark;
	mark->drain = drain;
	mark->exempt = drain_is_exempt(fsp->conn, fsp->vuid,
				       &drain->record->policy);
	talloc_set_destructor(mark, mark_destructor);
	if (mark->exempt) {
		drain->num_exempt += 1;
	} else {
		count_mark(drain, mark);
	}
	return NT_STATUS_OK;
}

bool drains_handle_counts(const struct files_struct *fsp,
			  const struct drain_policy *policy)
{
	if (fsp->op == NULL || !fsp->fsp_flags.is_fsa ||
	    fsp->fake_file_handle != NULL) {
		return false;
	}
	return drain_access_counts(policy, fsp->fsp_flags.is_directory,
				   fsp->access_mask) &&
	       !drain_locate_is_snapshot(fsp, fsp->fsp_name);
}

/* Of a drain that covers less than it did */
static void unmark_outside(struct drain *drain)
{
	struct drain_mark *mark = NULL;
	struct drain_mark *next = NULL;

	for (mark = drain->marks; mark != NULL; mark = next) {
		next = mark->next;
		if (!drain_place_handle_in(mark->handle->fsp, drain->record)) {
			TALLOC_FREE(mark);
		}
	}
}

/* Mark a handle in all drains that it counts in */
static NTSTATUS mark_in_drains(struct files_struct *fsp)
{
	struct drain_tree *tree = drain_process_tree(fsp->conn);
	struct drain_place place;
	struct drain *drain = NULL;
	NTSTATUS status = NT_STATUS_OK;

	if (tree == NULL || fsp->op == NULL) {
		return NT_STATUS_OK;
	}
	if (!drain_place_of_handle(&place, fsp)) {
		return NT_STATUS_OBJECT_NAME_INVALID;
	}
	while (NT_STATUS_IS_OK(status) &&
	       (drain = drain_place_next(&place)) != NULL) {
		if (drains_handle_counts(fsp, &drain->record->policy)) {
			status = mark_handle(tree, fsp, drain);
		}
	}
	return status;
}

static bool any_fresh(void)
{
	const struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		if (drain->fresh && drain->record->policy.break_leases) {
			return true;
		}
	}
	return false;
}

/* Is the directory in a drained one, or above one? */
static bool directory_concerned(const struct files_struct *fsp)
{
	struct drain_place place;

	return drain_place_of_handle(&place, fsp) &&
	       (drain_place_next(&place) != NULL || drain_place_above(&place));
}

/*
 * A directory lease (Samba 4.22 and later) lets a client answer listings by
 * itself, and keeps directories open that nobody looks at.
 */
static void break_directory(struct files_struct *fsp)
{
	if (fsp->fsp_flags.is_directory &&
	    fsp->oplock_type == LEASE_OPLOCK && any_fresh() &&
	    directory_concerned(fsp)) {
		drain_break_cache(fsp);
	}
}

static struct files_struct *mark_fn(struct files_struct *fsp,
				    void *private_data)
{
	NTSTATUS *status = private_data;

	if (fsp->op != NULL && fsp->fsp_flags.is_fsa) {
		break_directory(fsp);
	}
	*status = mark_in_drains(fsp);
	return NT_STATUS_IS_OK(*status) ? NULL : fsp;
}

static NTSTATUS mark_all_handles(void)
{
	struct smbd_server_connection *sconn = drain_process_sconn();
	NTSTATUS status = NT_STATUS_OK;
	struct drain *drain = NULL;

	if (drain_process.drains == NULL || sconn == NULL) {
		return NT_STATUS_OK;
	}
	files_forall(sconn, mark_fn, &status);

	for (drain = drain_process.drains;
	     NT_STATUS_IS_OK(status) && drain != NULL; drain = drain->next) {
		if (drain->narrower) {
			unmark_outside(drain);
		}
		drain->narrower = false;
		drain->fresh = false;
		status = settle(drain);
	}
	return status;
}

/* Has the client a counted handle in the drain that is another one? */
static bool has_other(const struct drain *drain,
		      const struct files_struct *fsp)
{
	const struct drain_mark *mark = drain->marks;

	while (mark != NULL && mark->handle->fsp == fsp) {
		mark = mark->next;
	}
	return mark != NULL;
}

bool drains_may_finish(const struct drain *drain,
		       const struct files_struct *but)
{
	/*
	 * What is open once it is quiescent is in a directory that the drain
	 * has come to cover since.
	 */
	return drain->record->policy.let_holders_finish &&
	       drain->record->state != DRAIN_QUIESCENT &&
	       has_other(drain, but) && !drain_is_forced(drain);
}

struct files_struct *drains_mark_fsp(const struct drain_mark *mark)
{
	return mark->handle->fsp;
}

bool drains_holds(const struct drain *drain, const char *path)
{
	const struct drain_mark *mark = NULL;
	struct stat st;

	if (lstat(path, &st) != 0) {
		return false;
	}
	for (mark = drain->marks; mark != NULL; mark = mark->next) {
		const SMB_STRUCT_STAT *held =
			&mark->handle->fsp->fsp_name->st;

		if (held->st_ex_dev == st.st_dev &&
		    held->st_ex_ino == st.st_ino) {
			return true;
		}
	}
	return false;
}

void drains_opened(struct files_struct *fsp)
{
	struct drain *drain = NULL;

	if (NT_STATUS_IS_OK(mark_in_drains(fsp))) {
		return;
	}

	/* Stay a holder: better a drain that does not end */
	drain_process_error(drain_about_handle(fsp),
			    "can not note that it is open");
	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		if (drain->num_marks > 0) {
			drain->num_returning += 1;
		}
	}
}

/*
 * Drains come and go
 */

struct drain *drains_find(const struct drain_id *id)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		if (drain_id_equal(&drain->record->id, id)) {
			return drain;
		}
	}
	return NULL;
}

static bool same_deadline(const struct drain_record *a,
			  const struct drain_record *b)
{
	return a->deadline == b->deadline && a->on_timeout == b->on_timeout &&
	       a->state == b->state;
}

/* Is there a path that it covers no more? */
static bool is_narrower(const struct drain_record *now,
			const struct drain_record *before)
{
	size_t i;

	for (i = 0; i < before->num_real; i++) {
		if (!drain_record_covers(now, before->real[i])) {
			return true;
		}
	}
	return false;
}

static NTSTATUS obey(struct drain_record **record)
{
	struct drain *drain = drains_find(&(*record)->id);
	bool is_set;

	if (drain == NULL) {
		drain = talloc_zero(NULL, struct drain);
		if (drain == NULL) {
			return NT_STATUS_NO_MEMORY;
		}
		drain->fresh = true;
		DLIST_ADD_END(drain_process.drains, drain);
	} else if (is_narrower(*record, drain->record)) {
		drain->narrower = true;
	}
	is_set = drain->deadline != NULL &&
		 same_deadline(drain->record, *record);
	TALLOC_FREE(drain->record);
	drain->record = talloc_move(drain, record);
	if (!is_set) {
		drain_set_deadline(drain);
	}
	return NT_STATUS_OK;
}

static void forget(struct drain *drain)
{
	while (drain->marks != NULL) {
		struct drain_mark *mark = drain->marks;

		TALLOC_FREE(mark);
	}
	drain->num_returning = 0;
	(void)settle(drain);
	drain_park_release(drain);
	DLIST_REMOVE(drain_process.drains, drain);
	TALLOC_FREE(drain);
}

static bool add_to_scope(struct drain_scope *scope, struct drain *drain)
{
	char folded[DRAIN_FOLDED_MAX];
	size_t i;

	for (i = 0; i < drain->record->num_real; i++) {
		if (drain_fold(drain->record->real[i], folded) < 0 ||
		    !drain_scope_add(scope, folded, drain) ||
		    !drain_scope_spell(scope, folded,
				       drain->record->real[i])) {
			return false;
		}
	}
	return true;
}

static NTSTATUS build_scope(void)
{
	struct drain_scope *scope = drain_scope_new(NULL);
	struct drain *drain = NULL;
	bool ok = scope != NULL;

	for (drain = drain_process.drains; ok && drain != NULL;
	     drain = drain->next) {
		ok = add_to_scope(scope, drain);
	}
	if (!ok) {
		TALLOC_FREE(scope);
		return NT_STATUS_NO_MEMORY;
	}
	TALLOC_FREE(drain_process.scope);
	drain_process.scope = scope;
	drain_process.near.dir[0] = '\0';
	return NT_STATUS_OK;
}

/*
 * The scope points to drains: those that ended leave it, with a new one in
 * place, before they are freed. Out of memory leaves more drained, not less,
 * and so does a record that can not be read any more.
 */
static NTSTATUS try_to_replace_drains(struct drain_list *list)
{
	struct drain *ended = NULL;
	struct drain *drain = NULL;
	struct drain *next = NULL;
	NTSTATUS status;
	size_t i;

	for (i = 0; i < list->num_records; i++) {
		status = obey(&list->records[i]);
		if (!NT_STATUS_IS_OK(status)) {
			return status;
		}
	}

	for (drain = drain_process.drains; drain != NULL; drain = next) {
		next = drain->next;
		if (!drain_gate_in_force(drain)) {
			DLIST_REMOVE(drain_process.drains, drain);
			DLIST_ADD_END(ended, drain);
		}
	}

	status = build_scope();
	if (!NT_STATUS_IS_OK(status)) {
		DLIST_CONCATENATE(drain_process.drains, ended);
		return status;
	}

	for (drain = ended; drain != NULL; drain = next) {
		next = drain->next;
		DLIST_REMOVE(ended, drain);
		DLIST_ADD(drain_process.drains, drain);
		forget(drain);
	}
	return NT_STATUS_OK;
}

static NTSTATUS replace_drains(struct drain_list *list)
{
	NTSTATUS status = try_to_replace_drains(list);

	drain_vfs_hook_opens();
	return status;
}

NTSTATUS drains_sync(size_t *num_unreadable)
{
	/* First, so that what changes meanwhile is read again */
	const uint64_t version = drain_store_version(drain_process.store);
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_list *list = NULL;
	NTSTATUS status;

	*num_unreadable = 0;
	status = drain_store_list(drain_process.store, frame, &list);
	if (NT_STATUS_IS_OK(status)) {
		*num_unreadable = list->num_unreadable;
		status = replace_drains(list);
	}
	if (NT_STATUS_IS_OK(status)) {
		drain_process.version = version;
		status = mark_all_handles();
	}
	TALLOC_FREE(frame);
	return status;
}

bool drains_catch_up(void)
{
	size_t num_unreadable = 0;
	NTSTATUS status;

	become_root();
	status = drains_sync(&num_unreadable);
	unbecome_root();

	if (!NT_STATUS_IS_OK(status)) {
		drain_process_error(drain_about_all(),
				    "can not read the drains in force: %s",
				    nt_errstr(status));
		return false;
	}
	return true;
}

/*
 * Durable handles that come back
 */

/* Is a returning handle in this drain, as far as one knows? */
static bool returns_into(struct connection_struct *conn,
			 const char *name,
			 struct drain *drain)
{
	struct drain_place place;
	struct drain *other = NULL;

	if (name == NULL || !drain_place_init(&place, conn, name)) {
		return drain_record_overlaps(drain->record,
					     conn->connectpath);
	}
	while ((other = drain_place_next(&place)) != NULL) {
		if (other == drain) {
			return true;
		}
	}
	return false;
}

/* With hold(id) in hand nobody makes it quiescent: the record decides */
static bool may_return(const struct drain *drain)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	NTSTATUS status;
	bool ok;

	status = drain_store_read(drain_process.store, frame,
				  &drain->record->id, &record);
	if (NT_STATUS_IS_OK(status)) {
		ok = record->state != DRAIN_QUIESCENT;
	} else {
		ok = NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND);
	}
	TALLOC_FREE(frame);
	return ok;
}

/* By what was noted: by now the name may lead elsewhere */
static void return_done(void)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		if (drain->returns) {
			drain->num_returning -= 1;
			drain->returns = false;
		}
		(void)settle(drain);
	}
}

static bool return_into(struct drain *drain)
{
	NTSTATUS status;

	drain->num_returning += 1;
	drain->returns = true;
	status = settle(drain);
	return NT_STATUS_IS_OK(status) && may_return(drain);
}

bool drains_return_begin(struct connection_struct *conn, const char *name)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		if (returns_into(conn, name, drain) && !return_into(drain)) {
			return_done();
			return false;
		}
	}
	return true;
}

/* It may be somewhere else than its name said; then it is held from now on */
static bool came_rightly(struct files_struct *fsp)
{
	struct drain_place place;
	struct drain *drain = NULL;

	if (!drain_place_of_handle(&place, fsp)) {
		return false;
	}
	while ((drain = drain_place_next(&place)) != NULL) {
		if (!drain->returns && !return_into(drain)) {
			return false;
		}
	}
	return true;
}

bool drains_return_end(struct files_struct *fsp)
{
	struct drain *drain = NULL;

	if (fsp != NULL && !came_rightly(fsp)) {
		return_done();
		return false;
	}
	if (fsp != NULL && !NT_STATUS_IS_OK(mark_in_drains(fsp))) {
		/* Stay a holder: better a drain that does not end */
		drain_process_error(drain_about_handle(fsp),
				    "cannot note a durable handle");
		for (drain = drain_process.drains; drain != NULL;
		     drain = drain->next) {
			drain->returns = false;
		}
		return true;
	}
	return_done();
	return true;
}
