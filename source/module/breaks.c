// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lease breaks.
 *
 * Windows and Linux keep unused files open for as long as a lease or an oplock
 * allows it. smbd breaks one when it receives MSG_SMB_BREAK_REQUEST
 * (source3/smbd/smb2_oplock.c), and it accepts that message from itself, too.
 */

#include "module.h"
#include "librpc/gen_ndr/ndr_open_files.h"
#include "breaks.h"
#include "error.h"
#include "process.h"

/*
 * Return what is left of a lease. Read caching of a file keeps no handle open.
 * Read caching of a directory ends as well, since its entries will change.
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
		drain_error(drain_about_handle(fsp),
			    "cannot break its lease: %s", ndr_errstr(err));
		return;
	}
	status = messaging_send(msg_ctx, messaging_server_id(msg_ctx),
				MSG_SMB_BREAK_REQUEST, &blob);
	TALLOC_FREE(blob.data);
	if (!NT_STATUS_IS_OK(status)) {
		drain_error(drain_about_handle(fsp),
			    "cannot break its lease: %s", nt_errstr(status));
	}
}
