// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reconnects to disconnected durable handles. The hold lock of a drain is taken
 * before the handle exists, so that the drain cannot become quiescent first.
 */

#include "module.h"
#include "librpc/gen_ndr/ndr_open_files.h"
#include "counted.h"
#include "durable.h"
#include "error.h"
#include "place.h"
#include "process.h"

/* Return the name in a cookie, or NULL if another module made it */
static const char *name_in_cookie(TALLOC_CTX *mem_ctx,
				  const DATA_BLOB *blob)
{
	struct vfs_default_durable_cookie cookie = {.base_name = NULL};
	enum ndr_err_code err;

	err = ndr_pull_struct_blob(
		blob, mem_ctx, &cookie,
		(ndr_pull_flags_fn_t)ndr_pull_vfs_default_durable_cookie);
	if (!NDR_ERR_CODE_IS_SUCCESS(err) ||
	    strcmp(cookie.magic, VFS_DEFAULT_DURABLE_COOKIE_MAGIC) != 0) {
		return NULL;
	}
	return cookie.base_name;
}

/* Test whether a handle may be in a drain; without a name it may be */
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

/* This process has hold(id), so the record does not become quiescent now */
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

/* Uses the flags, since the name may lead elsewhere by now */
static void return_done(void)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (drain->returns) {
			drain->num_returning -= 1;
			drain->returns = false;
		}
		(void)drain_counted_update_hold(drain);
	}
}

static bool return_into(struct drain *drain)
{
	NTSTATUS status;

	drain->num_returning += 1;
	drain->returns = true;
	status = drain_counted_update_hold(drain);
	return NT_STATUS_IS_OK(status) && may_return(drain);
}

static bool return_into_all(struct connection_struct *conn, const char *name)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (returns_into(conn, name, drain) && !return_into(drain)) {
			return_done();
			return false;
		}
	}
	return true;
}

bool drain_durable_begin(struct connection_struct *conn,
			 const DATA_BLOB *cookie)
{
	TALLOC_CTX *frame = talloc_stackframe();
	bool ok = return_into_all(conn, name_in_cookie(frame, cookie));

	TALLOC_FREE(frame);
	return ok;
}

/* Test whether a handle may be where it is; its name may have led elsewhere */
static bool may_be_here(struct files_struct *fsp)
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

bool drain_durable_end(struct files_struct *fsp)
{
	struct drain *drain = NULL;

	if (fsp != NULL && !may_be_here(fsp)) {
		return_done();
		return false;
	}
	if (fsp != NULL && !NT_STATUS_IS_OK(drain_counted_add(fsp))) {
		/* Keep the locks: better a drain that does not end */
		drain_error(drain_about_handle(fsp),
			    "cannot count a durable handle");
		for (drain = drain_process.drains; drain != NULL;
		     drain = drain->next) {
			drain->returns = false;
		}
		return true;
	}
	return_done();
	return true;
}
