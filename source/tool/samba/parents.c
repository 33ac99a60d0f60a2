// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find the parent smbds, which have one child for each client.
 *
 * The parent of this node is found where smbcontrol finds it, those of other
 * nodes in Samba's table of running versions. (From 4.25 on that table may have
 * one of their helpers instead, if that has started later.)
 */

#include "samba/parents.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
#include "dbwrap/dbwrap.h"
#include "dbwrap/dbwrap_open.h"
#include "librpc/gen_ndr/ndr_smbXsrv.h"
#include "lib/util/pidfile.h"
#include "lib/messaging/messages_dgm.h"
#include "drain/alive.h"
#include "base/error.h"

#define PARENTS_FILE "smbXsrv_version_global.tdb"
#define PARENTS_KEY "smbXsrv_version_global"

struct parents_state {
	struct parent_list *list;
	bool failed;
};

static bool add_parent(struct parent_list *list, const struct server_id *id)
{
	list->ids = talloc_realloc(list, list->ids, struct server_id,
				   list->num_ids + 1);
	if (list->ids == NULL) {
		return false;
	}
	list->ids[list->num_ids] = *id;
	list->num_ids += 1;
	return true;
}

static void collect_parent(struct parents_state *state,
			   const DRAIN_VERSION_GLOBAL *global)
{
	uint32_t i;

	for (i = 0; i < global->num_nodes && !state->failed; i++) {
		const struct server_id *id = &global->nodes[i].server_id;

		if (id->vnn != get_my_vnn() && drain_is_alive(id)) {
			state->failed = !add_parent(state->list, id);
		}
	}
}

static void parse_entry(TDB_DATA key _UNUSED_,
			TDB_DATA value,
			void *private_data)
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
	collect_parent(state, DRAIN_VERSION_GLOBAL_INFO(&global));
}

/*
 * Open the table as smbd does (smbXsrv_version.c). Return NULL if no smbd has
 * run here yet.
 */
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

static bool find_others(struct parent_list *list)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct parents_state state = {.list = list};
	struct db_context *db = open_table(frame);
	NTSTATUS status = NT_STATUS_OK;

	if (db != NULL) {
		status = dbwrap_parse_record(db,
					     string_term_tdb_data(PARENTS_KEY),
					     parse_entry,
					     &state);
	}
	TALLOC_FREE(frame);
	return !state.failed && (NT_STATUS_IS_OK(status) ||
				 NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND));
}

/* Find the parent smbd. One that uses another lock directory is not ours. */
bool parents_own(struct server_id *id)
{
	pid_t pid = pidfile_pid(lp_pid_directory(), "smbd");

	if (pid == 0) {
		return false;
	}
	*id = pid_to_procid(pid);
	return messaging_dgm_get_unique(pid, &id->unique_id) == 0;
}

struct parent_list *parents_find(TALLOC_CTX *mem_ctx)
{
	struct parent_list *list = talloc_zero(mem_ctx, struct parent_list);
	struct server_id own;

	if (list == NULL || (parents_own(&own) && !add_parent(list, &own))) {
		complain("out of memory");
		TALLOC_FREE(list);
	} else if (lp_clustering() && !find_others(list)) {
		complain("cannot read Samba's table of smbds (%s in %s)",
			 PARENTS_FILE, lp_lock_directory());
		TALLOC_FREE(list);
	}
	return list;
}

static int living_fn(DRAIN_SESSION_GLOBAL *session, void *private_data)
{
	bool *lives = private_data;

	*lives = session->num_channels > 0 &&
		 drain_is_alive(&session->channels[0].server_id);
	return *lives ? -1 : 0; /* one is enough */
}

/*
 * Return true if any smbd has a session: with inetd, or systemd with
 * Accept=yes, smbd has no parent process.
 */
static bool serves_anybody(void)
{
	bool lives = false;

	/*
	 * Ignore the status, which reports a traverse that was stopped early.
	 */
	(void)smbXsrv_session_global_traverse(living_fn, &lives);
	return lives;
}

bool parents_any(void)
{
	struct parent_list *list = parents_find(NULL);
	bool any = list != NULL && list->num_ids > 0;

	TALLOC_FREE(list);
	return any || serves_anybody();
}
