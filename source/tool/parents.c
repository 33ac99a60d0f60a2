/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The parent smbds: those that a service manager starts and that have a child
 * for each client. Samba's table of the versions that run has one of each node.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include "dbwrap/dbwrap.h"
#include "dbwrap/dbwrap_open.h"
#include "librpc/gen_ndr/ndr_smbXsrv.h"

#define PARENTS_FILE "smbXsrv_version_global.tdb"
#define PARENTS_KEY "smbXsrv_version_global"

struct parents_state {
	struct parent_list *list;
	bool failed;
};

static void collect(struct parents_state *state,
		    const DRAIN_VERSION_GLOBAL *global)
{
	struct parent_list *list = state->list;
	uint32_t i;

	list->ids = talloc_array(list, struct server_id, global->num_nodes);
	if (list->ids == NULL) {
		state->failed = true;
		return;
	}
	for (i = 0; i < global->num_nodes; i++) {
		const struct server_id *id = &global->nodes[i].server_id;

		if (serverid_exists(id)) {
			list->ids[list->num_ids] = *id;
			list->num_ids += 1;
		}
	}
}

static void parse(TDB_DATA key _UNUSED_, TDB_DATA value, void *private_data)
{
	struct parents_state *state = private_data;
	DATA_BLOB blob = data_blob_const(value.dptr, value.dsize);
	struct smbXsrv_version_globalB global;
	enum ndr_err_code err;

	err = ndr_pull_struct_blob(
		&blob, state->list, &global,
		(ndr_pull_flags_fn_t)ndr_pull_smbXsrv_version_globalB);
	if (!NDR_ERR_CODE_IS_SUCCESS(err) ||
	    global.version != DRAIN_VERSION_GLOBAL_NUMBER ||
	    DRAIN_VERSION_GLOBAL_INFO(&global) == NULL) {
		state->failed = true;
		return;
	}
	collect(state, DRAIN_VERSION_GLOBAL_INFO(&global));
}

/* As smbd does (smbXsrv_version.c); NULL: no smbd has run here yet */
static struct db_context *open_table(TALLOC_CTX *mem_ctx)
{
	char *path = lock_path(mem_ctx, PARENTS_FILE);

	if (path == NULL) {
		return NULL;
	}
	return db_open(mem_ctx, path, 0,
		       TDB_DEFAULT | TDB_CLEAR_IF_FIRST |
			       TDB_INCOMPATIBLE_HASH,
		       O_RDWR, 0600, DBWRAP_LOCK_ORDER_1, DBWRAP_FLAG_NONE);
}

struct parent_list *parents_find(TALLOC_CTX *mem_ctx)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct parents_state state = {
		.list = talloc_zero(mem_ctx, struct parent_list),
	};
	struct db_context *db = open_table(frame);
	NTSTATUS status = NT_STATUS_OK;

	if (db != NULL && state.list != NULL) {
		status = dbwrap_parse_record(
			db, string_term_tdb_data(PARENTS_KEY), parse, &state);
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		status = NT_STATUS_OK;
	}
	if (state.list == NULL || state.failed || !NT_STATUS_IS_OK(status)) {
		complain("can not read Samba's table of smbds (%s in %s)",
			 PARENTS_FILE, lp_lock_directory());
		TALLOC_FREE(state.list);
	}
	TALLOC_FREE(frame);
	return state.list;
}

bool parents_any(void)
{
	struct parent_list *list = parents_find(NULL);
	bool any = list != NULL && list->num_ids > 0;

	TALLOC_FREE(list);
	return any;
}
