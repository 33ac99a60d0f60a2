// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Messages about handles. A process that asked for it receives one for each
 * counted handle that is closed.
 */

#include "module.h"
#include "drain/alive.h"
#include "client.h"
#include "log.h"
#include "process.h"
#include "watchers.h"

void drain_reply(struct server_id dst, const struct drain_reply *reply)
{
	struct server_id_buf buf;
	NTSTATUS status;

	status = drain_reply_send(drain_process.msg_ctx, dst, reply);
	if (!NT_STATUS_IS_OK(status)) {
		DRAIN_LOG(DBG_NOTICE, drain_about_all(),
			  "cannot reply to %s: %s",
			  server_id_str_buf(dst, &buf), nt_errstr(status));
	}
}

uint64_t drain_usec(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void describe_client(TALLOC_CTX *mem_ctx,
			    const struct files_struct *fsp,
			    struct drain_holder *holder)
{
	const struct drain_addresses addresses =
		drain_client_addresses(fsp->conn, fsp->vuid);
	size_t i;

	holder->addresses = talloc_array(mem_ctx, DATA_BLOB, addresses.num);
	if (holder->addresses == NULL) {
		return; /* the list stays empty */
	}
	for (i = 0; i < addresses.num; i++) {
		holder->addresses[i] = drain_bytes(addresses.list[i]);
	}
	holder->num_addresses = addresses.num;
}

void drain_describe_handle(TALLOC_CTX *mem_ctx,
			   struct files_struct *fsp,
			   struct drain_holder *holder)
{
	const struct connection_struct *conn = fsp->conn;
	const char *share = lp_const_servicename(SNUM(conn));
	const char *stream = fsp->fsp_name->stream_name;
	char *path = NULL;

	path = talloc_asprintf(mem_ctx, "%s%s", fsp->fsp_name->base_name,
			       stream != NULL ? stream : "");
	*holder = (struct drain_holder) {
		.key = fsp->fnum,
		.access = fsp->access_mask,
		.oplock = fsp->oplock_type,
		.opened = drain_usec(fsp->open_time),
		.share_file_id = fh_get_gen_id(fsp->fh),
		.devid = fsp->file_id.devid,
		.inode = fsp->file_id.inode,
		.extid = fsp->file_id.extid,
		.user = drain_bytes(drain_process_user(conn, fsp->vuid)
					    ->unix_info->unix_name),
		.share = drain_bytes(share),
		.path = drain_bytes(path != NULL ? path : ""),
	};
	describe_client(mem_ctx, fsp, holder);
	if (fsp->op != NULL) {
		/* A handle that is being closed has no lease any more */
		holder->lease = fsp_lease_type(fsp);
	}
	if (fsp->fsp_flags.is_directory) {
		holder->flags |= DRAIN_HOLDER_DIRECTORY;
	}
	if (fsp->op != NULL && fsp->op->global->durable) {
		holder->flags |= DRAIN_HOLDER_DURABLE;
	}
	if (drain_process_tree(conn) == NULL) {
		holder->flags |= DRAIN_HOLDER_UNGUARDED;
	}
}

void drain_watchers_report(struct drain *drain, struct files_struct *fsp)
{
	TALLOC_CTX *frame = NULL;
	struct drain_reply reply = {.tell = DRAIN_TELL_GONE};
	struct drain_tell_gone *gone = &reply.body.gone;
	size_t i;

	if (drain->num_watchers == 0) {
		return;
	}

	frame = talloc_stackframe();
	gone->id = drain_id_to_guid(&drain->record->id);
	gone->left = drain->num_counted;
	drain_describe_handle(frame, fsp, &gone->holder);

	become_root();
	for (i = 0; i < drain->num_watchers; i++) {
		drain_reply(drain->watchers[i], &reply);
	}
	unbecome_root();
	TALLOC_FREE(frame);
}

void drain_watchers_add(struct drain *drain, struct server_id watcher)
{
	struct server_id *watchers = NULL;
	size_t kept = 0;
	size_t i;

	/* Remove processes that have ended */
	for (i = 0; i < drain->num_watchers; i++) {
		if (!server_id_equal(&drain->watchers[i], &watcher) &&
		    drain_is_alive(&drain->watchers[i])) {
			drain->watchers[kept] = drain->watchers[i];
			kept += 1;
		}
	}
	drain->num_watchers = kept;

	watchers = talloc_realloc(drain, drain->watchers, struct server_id,
				  kept + 1);
	if (watchers == NULL) {
		return; /* the drain works without */
	}
	watchers[kept] = watcher;
	drain->watchers = watchers;
	drain->num_watchers = kept + 1;
}
