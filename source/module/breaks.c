/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Breaking what clients cache.
 *
 * Windows and Linux keep files open that nobody uses any more, for as long as a
 * lease or an oplock allows it. smbd breaks those when it is told so by a
 * message, MSG_SMB_BREAK_REQUEST (source3/smbd/smb2_oplock.c), which it also
 * takes from itself.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"
#include "librpc/gen_ndr/ndr_open_files.h"

/*
 * To what a cache shrinks: files may still be cached for reading, which keeps
 * no handle open; of a directory that goes as well, for its entries change.
 */
static uint32_t shrunk(const struct files_struct *fsp, uint32_t now)
{
	return fsp->fsp_flags.is_directory ? SMB2_LEASE_NONE
					   : now & SMB2_LEASE_READ;
}

void drain_break_cache(struct files_struct *fsp)
{
	uint32_t now = fsp_lease_type(fsp);
	struct oplock_break_message message = {
		.id = fsp->file_id,
		.share_file_id = fh_get_gen_id(fsp->fh),
		.break_to = shrunk(fsp, now),
	};
	struct messaging_context *msg_ctx = drain_process.msg_ctx;
	DATA_BLOB blob = data_blob_null;
	enum ndr_err_code err;
	NTSTATUS status;

	if (fsp->oplock_type == NO_OPLOCK || shrunk(fsp, now) == now) {
		return;
	}

	err = ndr_push_struct_blob(
		&blob, talloc_tos(), &message,
		(ndr_push_flags_fn_t)ndr_push_oplock_break_message);
	if (!NDR_ERR_CODE_IS_SUCCESS(err)) {
		drain_process_error(drain_about_handle(fsp),
				    "can not break its lease: %s",
				    ndr_errstr(err));
		return;
	}
	status = messaging_send(msg_ctx, messaging_server_id(msg_ctx),
				MSG_SMB_BREAK_REQUEST, &blob);
	TALLOC_FREE(blob.data);
	if (!NT_STATUS_IS_OK(status)) {
		drain_process_error(drain_about_handle(fsp),
				    "can not break its lease: %s",
				    nt_errstr(status));
	}
}
