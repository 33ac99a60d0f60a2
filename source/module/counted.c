// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Counted handles: the open files that a drain waits for.
 *
 * A drain owns a reference to each handle in it that counts, or would count
 * if it were not exempt. A handle with references has a struct drain_handle
 * as its fsp extension. smbd runs the destructor of that extension whenever
 * and however a handle ends, and so the references are dropped. Without a
 * drain there are no references and no extensions.
 *
 * The lock hold(id) is taken with the first counted handle of a drain and
 * given back with the last.
 */

#include "module.h"
#include "breaks.h"
#include "close.h"
#include "counted.h"
#include "defer.h"
#include "error.h"
#include "exempt.h"
#include "locate.h"
#include "place.h"
#include "process.h"
#include "watchers.h"

/* The fsp extension of a handle with references */
struct drain_handle {
	struct files_struct *fsp;
	struct drain_handle_ref *refs;
};

/* A handle in a drain. Whether it is exempt is decided once. */
struct drain_handle_ref {
	struct drain_handle_ref *prev, *next; /* of the drain, if it counts */
	struct drain_handle_ref *sibling; /* of the same handle */
	struct drain_handle *handle;
	struct drain *drain;
	bool exempt; /* true: it does not count and is in no list of a drain */
};

/*
 * The hold lock
 */

NTSTATUS drain_counted_update_hold(struct drain *drain)
{
	bool needed = drain->num_counted > 0 || drain->num_returning > 0;
	NTSTATUS status;

	if (needed == drain->held) {
		return NT_STATUS_OK;
	}

	/* As any user, like the locks of open files that smbd takes */
	if (needed) {
		status = drain_hold_take(drain_process.locks,
					 &drain->record->id);
	} else {
		status = drain_hold_give(drain_process.locks,
					 &drain->record->id);
	}
	if (!NT_STATUS_IS_OK(status)) {
		drain_error(drain_about_record(drain->record),
			    "cannot %s the lock of its drain: %s",
			    needed ? "take" : "give back", nt_errstr(status));
		return status;
	}
	drain->held = needed;
	return NT_STATUS_OK;
}

NTSTATUS drain_counted_hold_again(void)
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
 * References
 */

static int ref_destructor(struct drain_handle_ref *ref)
{
	struct drain_handle_ref **p = &ref->handle->refs;

	while (*p != ref) {
		p = &(*p)->sibling;
	}
	*p = ref->sibling;

	if (ref->exempt) {
		ref->drain->num_exempt -= 1;
	} else {
		DLIST_REMOVE(ref->drain->refs, ref);
		ref->drain->num_counted -= 1;
	}
	return 0;
}

static void handle_closed(void *private_data)
{
	struct drain_handle *handle = private_data;

	while (handle->refs != NULL) {
		struct drain_handle_ref *ref = handle->refs;
		struct drain *drain = ref->drain;
		const bool counted = !ref->exempt;

		TALLOC_FREE(ref);
		if (counted) {
			drain_watchers_report(drain, handle->fsp);
			(void)drain_counted_update_hold(drain);
		}
	}
}

static const struct drain_handle_ref *
find_ref(const struct drain_handle *handle, const struct drain *drain)
{
	const struct drain_handle_ref *ref = handle->refs;

	while (ref != NULL && ref->drain != drain) {
		ref = ref->sibling;
	}
	return ref;
}

bool drain_handle_is_exempt(const struct files_struct *fsp,
			    const struct drain *drain)
{
	const struct drain_tree *tree = drain_process_tree(fsp->conn);
	const struct drain_handle *handle = NULL;
	const struct drain_handle_ref *ref = NULL;

	if (tree != NULL) {
		handle = VFS_FETCH_FSP_EXTENSION(
			tree->handle,
			discard_const_p(struct files_struct, fsp));
	}
	if (handle != NULL) {
		ref = find_ref(handle, drain);
	}
	return (ref != NULL) ? ref->exempt
			     : drain_is_exempt(fsp->conn, fsp->vuid,
					       &drain->record->policy);
}

static void count_ref(struct drain *drain, struct drain_handle_ref *ref)
{
	DLIST_ADD(drain->refs, ref);
	drain->num_counted += 1;

	/* Deferred opens of its client would wait for its own handle */
	drain_deferred_release(drain);

	if (drain->record->policy.break_leases) {
		drain_break_cache(ref->handle->fsp);
	}
}

static NTSTATUS
add_ref(struct drain_tree *tree, struct files_struct *fsp, struct drain *drain)
{
	struct drain_handle *handle = NULL;
	struct drain_handle_ref *ref = NULL;

	handle = VFS_ADD_FSP_EXTENSION(tree->handle, fsp, struct drain_handle,
				       handle_closed);
	if (handle == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	handle->fsp = fsp;
	if (find_ref(handle, drain) != NULL) {
		return NT_STATUS_OK;
	}

	ref = talloc_zero(drain, struct drain_handle_ref);
	if (ref == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	ref->handle = handle;
	ref->sibling = handle->refs;
	handle->refs = ref;
	ref->drain = drain;
	ref->exempt = drain_is_exempt(fsp->conn, fsp->vuid,
				      &drain->record->policy);
	talloc_set_destructor(ref, ref_destructor);
	if (ref->exempt) {
		drain->num_exempt += 1;
	} else {
		count_ref(drain, ref);
	}
	return NT_STATUS_OK;
}

bool drain_handle_counts(const struct files_struct *fsp,
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

void drain_counted_drop(struct drain *drain)
{
	while (drain->refs != NULL) {
		struct drain_handle_ref *ref = drain->refs;

		TALLOC_FREE(ref);
	}
	drain->num_returning = 0;
	(void)drain_counted_update_hold(drain);
}

/* Drop the handles that a drain does not cover any more */
static void drop_outside(struct drain *drain)
{
	struct drain_handle_ref *ref = NULL;
	struct drain_handle_ref *next = NULL;

	for (ref = drain->refs; ref != NULL; ref = next) {
		next = ref->next;
		if (!drain_place_handle_in(ref->handle->fsp, drain->record)) {
			TALLOC_FREE(ref);
		}
	}
}

NTSTATUS drain_counted_add(struct files_struct *fsp)
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
		if (drain_handle_counts(fsp, &drain->record->policy)) {
			status = add_ref(tree, fsp, drain);
		}
	}
	return status;
}

static bool any_fresh(void)
{
	const struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (drain->fresh && drain->record->policy.break_leases) {
			return true;
		}
	}
	return false;
}

/* Test whether a directory is in a drained one or a parent of one */
static bool directory_concerned(const struct files_struct *fsp)
{
	struct drain_place place;

	return drain_place_of_handle(&place, fsp) &&
	       (drain_place_next(&place) != NULL || drain_place_above(&place));
}

/*
 * With a directory lease (Samba 4.22 and later) a client lists the directory
 * without asking the server, and keeps unused directories open.
 */
static void break_directory(struct files_struct *fsp)
{
	if (fsp->fsp_flags.is_directory &&
	    fsp->oplock_type == LEASE_OPLOCK && any_fresh() &&
	    directory_concerned(fsp)) {
		drain_break_cache(fsp);
	}
}

static struct files_struct *add_fn(struct files_struct *fsp, void *private_data)
{
	NTSTATUS *status = private_data;

	if (fsp->op != NULL && fsp->fsp_flags.is_fsa) {
		break_directory(fsp);
	}
	*status = drain_counted_add(fsp);
	return NT_STATUS_IS_OK(*status) ? NULL : fsp;
}

NTSTATUS drain_counted_add_all(void)
{
	struct smbd_server_connection *sconn = drain_process_sconn();
	NTSTATUS status = NT_STATUS_OK;
	struct drain *drain = NULL;

	if (drain_process.drains == NULL || sconn == NULL) {
		return NT_STATUS_OK;
	}
	files_forall(sconn, add_fn, &status);

	for (drain = drain_process.drains;
	     NT_STATUS_IS_OK(status) && drain != NULL; drain = drain->next) {
		if (drain->narrower) {
			drop_outside(drain);
		}
		drain->narrower = false;
		drain->fresh = false;
		status = drain_counted_update_hold(drain);
	}
	return status;
}

/* Test whether the client has a counted handle other than @fsp */
static bool has_other(const struct drain *drain,
		      const struct files_struct *fsp)
{
	const struct drain_handle_ref *ref = drain->refs;

	while (ref != NULL && ref->handle->fsp == fsp) {
		ref = ref->next;
	}
	return ref != NULL;
}

bool drain_client_has_grace(const struct drain *drain,
			    const struct files_struct *except)
{
	/*
	 * Files that are open in a quiescent drain are in a directory that it
	 * was extended to later.
	 */
	return drain->record->policy.let_holders_finish &&
	       drain->record->state != DRAIN_QUIESCENT &&
	       has_other(drain, except) && !drain_is_forced(drain);
}

bool drain_client_holds(const struct drain *drain, const char *path)
{
	const struct drain_handle_ref *ref = NULL;
	struct stat st;

	if (lstat(path, &st) != 0) {
		return false;
	}
	for (ref = drain->refs; ref != NULL; ref = ref->next) {
		const SMB_STRUCT_STAT *held = &ref->handle->fsp->fsp_name->st;

		if (held->st_ex_dev == st.st_dev &&
		    held->st_ex_ino == st.st_ino) {
			return true;
		}
	}
	return false;
}

void drain_counted_opened(struct files_struct *fsp)
{
	struct drain *drain = NULL;

	if (NT_STATUS_IS_OK(drain_counted_add(fsp))) {
		return;
	}

	/* Keep hold(id): the drain must not be quiescent while it is open */
	drain_error(drain_about_handle(fsp), "cannot count an open handle");
	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (drain->num_counted > 0) {
			drain->num_returning += 1;
		}
	}
}

bool drain_handle_would_count(const struct files_struct *fsp)
{
	struct drain_place place;
	const struct drain *drain = NULL;

	if (drain_process_tree(fsp->conn) == NULL ||
	    !drain_place_of_handle(&place, fsp)) {
		return false;
	}
	while ((drain = drain_place_next(&place)) != NULL) {
		const struct drain_policy *policy = &drain->record->policy;

		if (drain_handle_counts(fsp, policy) &&
		    drain_is_exempt(fsp->conn, fsp->vuid, policy)) {
			return true;
		}
	}
	return false;
}

bool drain_is_forced(const struct drain *drain)
{
	return drain->record->on_timeout == DRAIN_TIMEOUT_FORCE &&
	       drain_record_is_due(drain->record, drain_now());
}

static void close_counted_done(struct tevent_req *req)
{
	uint32_t num_closed = 0;
	NTSTATUS status;

	status = drain_close_recv(req, &num_closed);
	TALLOC_FREE(req);
	if (!NT_STATUS_IS_OK(status)) {
		drain_error(drain_about_all(),
			    "cannot close counted handles: %s",
			    nt_errstr(status));
	}
}

static size_t list_handles(const struct drain *drain,
			   struct drain_close_handle *handles)
{
	const struct drain_handle_ref *ref = NULL;
	size_t num = 0;

	for (ref = drain->refs; ref != NULL; ref = ref->next) {
		const struct files_struct *fsp = ref->handle->fsp;

		/* Skip handles that are being closed */
		if (!fsp->fsp_flags.closing) {
			handles[num].key = fsp->fnum;
			handles[num].share_file_id = fh_get_gen_id(fsp->fh);
			num += 1;
		}
	}
	return num;
}

void drain_counted_close(const struct drain *drain)
{
	struct smbd_server_connection *sconn = drain_process_sconn();
	struct drain_close_handle *handles = NULL;
	struct tevent_req *req = NULL;
	size_t num = 0;

	if (sconn == NULL || drain->num_counted == 0) {
		return;
	}
	handles = talloc_array(NULL, struct drain_close_handle,
			       drain->num_counted);
	if (handles != NULL) {
		num = list_handles(drain, handles);
		req = drain_close_send(sconn, handles, num);
	}
	TALLOC_FREE(handles);
	if (req == NULL) {
		drain_error(drain_about_record(drain->record),
			    "out of memory for a forced close");
		return;
	}
	tevent_req_set_callback(req, close_counted_done, NULL);
}
