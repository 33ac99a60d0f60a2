/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The hooks of the module. While nothing drains that of opens is not there,
 * and the others just ask whether something does.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"
#include "librpc/gen_ndr/ndr_open_files.h"

/* In no header of Samba (source3/smbd/posix_acls.c does the same) */
extern const struct generic_mapping file_generic_mapping;

int drain_debug_class = DBGC_VFS;

static void free_tree(void **data)
{
	drain_process_leave(talloc_get_type_abort(*data, struct drain_tree));
	*data = NULL;
}

/* Connections that smbd makes up for itself have no client behind them */
static bool is_client_share(const struct connection_struct *conn)
{
	return conn->tcon != NULL && !IS_IPC(conn) && !IS_PRINT(conn);
}

/* Its own requests are what smbd ends next */
static void drain_vfs_disconnect(struct vfs_handle_struct *handle)
{
	drain_park_release_tree(handle->conn);
	SMB_VFS_NEXT_DISCONNECT(handle);
}

static int drain_vfs_connect(struct vfs_handle_struct *handle,
			     const char *service,
			     const char *user)
{
	struct drain_tree *tree = NULL;
	int ret;

	if (!drain_selfcheck(handle, service)) {
		errno = ENOSYS;
		return -1;
	}

	ret = SMB_VFS_NEXT_CONNECT(handle, service, user);
	if (ret < 0 || !is_client_share(handle->conn)) {
		return ret;
	}

	tree = drain_process_join(handle);
	if (tree == NULL) {
		SMB_VFS_NEXT_DISCONNECT(handle);
		errno = EAGAIN;
		return -1;
	}
	SMB_VFS_HANDLE_SET_DATA(handle, tree, free_tree, struct drain_tree,
				return -1);
	return 0;
}

/*
 * smbd may have put the open off, to wait for a lease break, and dispatched it
 * again. What it noted then must go, or the client is never answered (SMB2) or
 * the open is tried again for ever (SMB1, with its request_time set anew).
 */
static void drop_deferral(struct smb_request *req)
{
	struct deferred_open_record *record = NULL;
	struct timeval request_time;

	if (get_deferred_open_message_state(req, &request_time, &record)) {
		req->request_time = request_time;
		remove_deferred_open_message_smb(req->xconn, req->mid);
	}
}

/*
 * Descriptors by which smbd has found the name. An open that waits looks for
 * it anew when it comes again; until then it needs none.
 */
static void close_path(struct files_struct *fsp)
{
	if (fsp == NULL) {
		return;
	}
	if (fsp->base_fsp != NULL) {
		(void)fd_close(fsp->base_fsp);
	}
	(void)fd_close(fsp);
}

static void forget_path(struct files_struct *dirfsp,
			struct smb_filename *smb_fname)
{
	close_path(smb_fname->fsp);
	close_path(dirfsp);
}

static struct drain_open describe_open(const struct smb_filename *smb_fname,
				       uint32_t access_mask,
				       uint32_t create_disposition,
				       uint32_t create_options)
{
	bool exists = VALID_STAT(smb_fname->st);
	bool directory = create_options & FILE_DIRECTORY_FILE;

	if (exists) {
		directory = S_ISDIR(smb_fname->st.st_ex_mode);
	}
	se_map_generic(&access_mask, &file_generic_mapping);

	return (struct drain_open) {
		.exists = exists,
		.directory = directory && !is_named_stream(smb_fname),
		.snapshot = exists && drain_locate_is_snapshot(smb_fname->fsp,
							       smb_fname),
		.access = access_mask,
		.disposition = create_disposition,
		.options = create_options,
	};
}

/* For those that can not come again, by SMB1 for instance */
static bool is_still_there(struct connection_struct *conn,
			   const struct smb_filename *smb_fname)
{
	struct smb_filename *now = NULL;
	bool same;

	if (!VALID_STAT(smb_fname->st)) {
		return true;
	}
	now = synthetic_smb_fname(talloc_tos(), smb_fname->base_name, NULL,
				  NULL, smb_fname->twrp, smb_fname->flags);
	same = now != NULL && SMB_VFS_STAT(conn, now) == 0 &&
	       now->st.st_ex_dev == smb_fname->st.st_ex_dev &&
	       now->st.st_ex_ino == smb_fname->st.st_ex_ino;
	TALLOC_FREE(now);
	return same;
}

/* It comes again, and is looked up then */
static bool put_off(struct drain *drain,
		    struct connection_struct *conn,
		    struct smb_request *req,
		    const struct drain_parking *parking,
		    struct files_struct *dirfsp,
		    struct smb_filename *smb_fname)
{
	drop_deferral(req);
	if (!drain_park(drain, conn, req, parking)) {
		return false;
	}
	forget_path(dirfsp, smb_fname);
	return true;
}

/* Any error: the open is refused, or parked and comes again */
static NTSTATUS ask_gate(struct connection_struct *conn,
			 struct smb_request *req,
			 struct files_struct *dirfsp,
			 struct smb_filename *smb_fname,
			 const struct drain_open *open,
			 struct drain_answer *answer)
{
	struct drain_parking parking = drain_park_take_back(req);
	struct drain_place place;

	if (drain_jitter(conn, req, &parking)) {
		forget_path(dirfsp, smb_fname);
		return NT_STATUS_SHARING_VIOLATION;
	}
	if (drain_process.drains == NULL) {
		(void)drain_rejoin_if_behind();
	}
	if (drain_process.drains == NULL) {
		return NT_STATUS_OK; /* or it has waited for the last one */
	}
	if (!drain_place_of_open(&place, conn, dirfsp, smb_fname)) {
		drop_deferral(req);
		return NT_STATUS_OBJECT_NAME_INVALID;
	}
	*answer = drain_gate_open(conn, &place, open);
	if (answer->verdict == DRAIN_GRANT && drain_rejoin_if_behind()) {
		/* There may be others by now */
		drain_place_rewind(&place);
		*answer = drain_gate_open(conn, &place, open);
	}
	if (answer->ended) {
		/* What smbd has found may have been published away since */
		if (put_off(answer->drain, conn, req, &parking, dirfsp,
			    smb_fname)) {
			/* That lets it come at once; else a while later */
			(void)drains_catch_up();
			return NT_STATUS_SHARING_VIOLATION;
		}
		*answer = drain_gate_ask_again(conn, &place, open);
		if (answer->verdict == DRAIN_GRANT &&
		    !is_still_there(conn, smb_fname)) {
			return NT_STATUS_SHARING_VIOLATION;
		}
	}
	if (answer->verdict == DRAIN_GRANT) {
		return NT_STATUS_OK;
	}

	if (answer->verdict == DRAIN_HOLD &&
	    put_off(answer->drain, conn, req, &parking, dirfsp, smb_fname)) {
		return NT_STATUS_SHARING_VIOLATION;
	}
	drop_deferral(req);
	return drain_gate_refuse(conn, &place, answer->drain);
}

/*
 * While a node of a cluster is cut off its opens stand still, after they were
 * granted. All others may have agreed meanwhile that this was not to be.
 */
static NTSTATUS look_back(struct connection_struct *conn,
			  struct smb_request *req,
			  const struct drain_open *open,
			  struct files_struct **fsp)
{
	struct drain_place place;
	const struct drain *drain = NULL;
	NTSTATUS status;

	if (!drain_rejoin_if_behind() || drain_process.drains == NULL ||
	    !drain_place_of_handle(&place, *fsp)) {
		return NT_STATUS_OK;
	}
	drain = drain_gate_too_late(*fsp, &place, open);
	if (drain == NULL) {
		return NT_STATUS_OK;
	}
	status = drain_gate_refuse(conn, &place, drain);
	(void)close_file_free(req, fsp, ERROR_CLOSE);
	return status;
}

/* The name of the directory that a granted open makes; NULL: it makes none */
static const char *makes_directory(const struct smb_filename *smb_fname,
				   uint32_t create_options)
{
	return ((create_options & FILE_DIRECTORY_FILE) &&
		!VALID_STAT(smb_fname->st))
		       ? smb_fname->base_name
		       : NULL;
}

static NTSTATUS drain_vfs_create_file(
	struct vfs_handle_struct *handle,
	struct smb_request *req,
	struct files_struct *dirfsp,
	struct smb_filename *smb_fname,
	uint32_t access_mask,
	uint32_t share_access,
	uint32_t create_disposition,
	uint32_t create_options,
	uint32_t file_attributes,
	uint32_t oplock_request,
	const struct smb2_lease *lease,
	uint64_t allocation_size,
	uint32_t private_flags,
	struct security_descriptor *sd,
	struct ea_list *ea_list,
	files_struct **result,
	int *pinfo,
	const struct smb2_create_blobs *in,
	struct smb2_create_blobs *out)
{
	/* Not smbd itself, and by a connection that we guard */
	const bool own = req == NULL && drain_own_applies(handle);
	const bool asked = req != NULL && SMB_VFS_HANDLE_TEST_DATA(handle);
	struct drain_answer answer = {.verdict = DRAIN_GRANT};
	struct drain_open open = {.exists = false};
	const char *making = drain_process.making;
	NTSTATUS status;

	if (asked || own) {
		open = describe_open(smb_fname, access_mask,
				     create_disposition, create_options);
	}
	if (own && !drain_own_may_open(handle, dirfsp, smb_fname, &open)) {
		return NT_STATUS_SHARING_VIOLATION;
	}
	if (asked) {
		status = ask_gate(handle->conn, req, dirfsp, smb_fname, &open,
				  &answer);
		if (!NT_STATUS_IS_OK(status)) {
			return status;
		}
	}
	if (answer.no_caches) {
		oplock_request &= ~DRAIN_OPLOCKS;
		private_flags &= ~DRAIN_PERSISTENT_OPEN;
	}

	drain_process.making = makes_directory(smb_fname, create_options);
	status = SMB_VFS_NEXT_CREATE_FILE(
		handle, req, dirfsp, smb_fname, access_mask, share_access,
		create_disposition, create_options, file_attributes,
		oplock_request, lease, allocation_size, private_flags, sd,
		ea_list, result, pinfo, in, out);
	drain_process.making = making;
	if (NT_STATUS_IS_OK(status) && asked) {
		status = look_back(handle->conn, req, &open, result);
	}
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	if (answer.list_only) {
		(*result)->access_mask &= DRAIN_LISTING;
	}
	if (answer.mark) {
		drains_opened(*result);
	}
	return NT_STATUS_OK;
}

/*
 * What is refused is told as STATUS_SHARING_VIOLATION (errmap_unix.c). For
 * SMB1 smbd would try that again, and here without end.
 */
static int refusal_errno(const struct connection_struct *conn)
{
	return drain_using_smb2(conn->sconn) ? ETXTBSY : EACCES;
}

/* By a connection that we guard, as far as all nodes of a cluster know */
static bool something_drains(struct vfs_handle_struct *handle)
{
	if (!SMB_VFS_HANDLE_TEST_DATA(handle)) {
		return false;
	}
	(void)drain_rejoin_if_behind();
	return drain_process.drains != NULL;
}

static bool may_move(struct vfs_handle_struct *handle,
		     const struct files_struct *src_dirfsp,
		     const struct smb_filename *src,
		     const struct files_struct *dst_dirfsp,
		     const struct smb_filename *dst)
{
	struct drain_place from;
	struct drain_place to;

	if (!something_drains(handle)) {
		return true;
	}
	if (drain_place_at(&from, handle->conn, src_dirfsp, src) &&
	    drain_place_at(&to, handle->conn, dst_dirfsp, dst) &&
	    drain_gate_move(handle->conn, &from, &to)) {
		return true;
	}
	errno = refusal_errno(handle->conn);
	return false;
}

static bool may_change_entry(struct vfs_handle_struct *handle,
			     const struct files_struct *dirfsp,
			     const struct smb_filename *smb_fname)
{
	struct drain_place place;

	if (!something_drains(handle)) {
		return true;
	}
	if (drain_place_at(&place, handle->conn, dirfsp, smb_fname) &&
	    drain_gate_entry(handle->conn, &place)) {
		return true;
	}
	errno = refusal_errno(handle->conn);
	return false;
}

/*
 * The open that makes a directory has been judged. smbd makes it by a name of
 * its own, and renames it; a client may call a file by such a name, too.
 */
static bool finishes_directory(const struct files_struct *srcfsp,
			       const struct smb_filename *src,
			       const struct files_struct *dstfsp,
			       const struct smb_filename *dst)
{
	return drain_process.making != NULL &&
	       drain_is_name_of_smbd(src->base_name) &&
	       S_ISDIR(src->st.st_ex_mode) && srcfsp == dstfsp &&
	       strcmp(drain_locate_last(drain_process.making),
		      drain_locate_last(dst->base_name)) == 0;
}

static int drain_vfs_renameat(struct vfs_handle_struct *handle,
			      struct files_struct *srcfsp,
			      const struct smb_filename *smb_fname_src,
			      struct files_struct *dstfsp,
			      const struct smb_filename *smb_fname_dst
				      DRAIN_RENAME_HOW_PARAM)
{
	if (!finishes_directory(srcfsp, smb_fname_src, dstfsp,
				smb_fname_dst) &&
	    !may_move(handle, srcfsp, smb_fname_src, dstfsp, smb_fname_dst)) {
		return -1;
	}
	return DRAIN_NEXT_RENAMEAT(handle, srcfsp, smb_fname_src, dstfsp,
				   smb_fname_dst);
}

static int drain_vfs_linkat(struct vfs_handle_struct *handle,
			    struct files_struct *srcfsp,
			    const struct smb_filename *old_smb_fname,
			    struct files_struct *dstfsp,
			    const struct smb_filename *new_smb_fname,
			    int flags)
{
	if (!may_move(handle, srcfsp, old_smb_fname, dstfsp, new_smb_fname)) {
		return -1;
	}
	return SMB_VFS_NEXT_LINKAT(handle, srcfsp, old_smb_fname, dstfsp,
				   new_smb_fname, flags);
}

static int drain_vfs_symlinkat(struct vfs_handle_struct *handle,
			       const struct smb_filename *link_contents,
			       struct files_struct *dirfsp,
			       const struct smb_filename *smb_fname)
{
	if (!may_change_entry(handle, dirfsp, smb_fname)) {
		return -1;
	}
	return SMB_VFS_NEXT_SYMLINKAT(handle, link_contents, dirfsp,
				      smb_fname);
}

static int drain_vfs_mknodat(struct vfs_handle_struct *handle,
			     struct files_struct *dirfsp,
			     const struct smb_filename *smb_fname,
			     mode_t mode,
			     SMB_DEV_T dev)
{
	if (!may_change_entry(handle, dirfsp, smb_fname)) {
		return -1;
	}
	return SMB_VFS_NEXT_MKNODAT(handle, dirfsp, smb_fname, mode, dev);
}

/*
 * A client removes a file by a handle that counts; that of a directory may be
 * from before.
 */
static int drain_vfs_unlinkat(struct vfs_handle_struct *handle,
			      struct files_struct *dirfsp,
			      const struct smb_filename *smb_fname,
			      int flags)
{
	if ((flags & AT_REMOVEDIR) &&
	    !may_change_entry(handle, dirfsp, smb_fname)) {
		return -1;
	}
	if (!(flags & AT_REMOVEDIR) &&
	    !drain_own_may_change_entry(handle, dirfsp, smb_fname)) {
		errno = EACCES;
		return -1;
	}
	return SMB_VFS_NEXT_UNLINKAT(handle, dirfsp, smb_fname, flags);
}

/*
 * The name of a durable handle that comes back is in the cookie that smbd
 * gave away when it went. NULL: a cookie that somebody else made.
 */
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

/* No cookie, no durable handle; the open itself works */
static NTSTATUS drain_vfs_durable_cookie(struct vfs_handle_struct *handle,
					 struct files_struct *fsp,
					 TALLOC_CTX *mem_ctx,
					 DATA_BLOB *cookie)
{
	struct drain_tree *tree = NULL;

	if (SMB_VFS_HANDLE_TEST_DATA(handle)) {
		SMB_VFS_HANDLE_GET_DATA(handle, tree, struct drain_tree,
					return NT_STATUS_INTERNAL_ERROR);
		if (tree->no_durable_handles) {
			return NT_STATUS_NOT_SUPPORTED;
		}
	}
	return SMB_VFS_NEXT_DURABLE_COOKIE(handle, fsp, mem_ctx, cookie);
}

/*
 * smbd keeps the handle of a client that has gone, and nobody can tell from
 * Samba's tables whether that client was exempt. So one that was is not kept:
 * smbd closes it, as it does whatever cannot be kept.
 */
static NTSTATUS drain_vfs_durable_disconnect(struct vfs_handle_struct *handle,
					     struct files_struct *fsp,
					     const DATA_BLOB old_cookie,
					     TALLOC_CTX *mem_ctx,
					     DATA_BLOB *new_cookie)
{
	if (something_drains(handle) && drain_exempts_handle(fsp)) {
		return NT_STATUS_NOT_SUPPORTED;
	}
	return SMB_VFS_NEXT_DURABLE_DISCONNECT(handle, fsp, old_cookie,
					       mem_ctx, new_cookie);
}

static NTSTATUS drain_vfs_durable_reconnect(
	struct vfs_handle_struct *handle,
	struct smb_request *smb1req,
	struct smbXsrv_open *op,
	const DATA_BLOB old_cookie,
	DRAIN_RECONNECT_LEASE_PARAM TALLOC_CTX *mem_ctx,
	struct files_struct **fsp,
	DATA_BLOB *new_cookie)
{
	TALLOC_CTX *frame = NULL;
	const char *name = NULL;
	NTSTATUS status;

	if (!something_drains(handle)) {
		return DRAIN_NEXT_DURABLE_RECONNECT(
			handle, smb1req, op, old_cookie, mem_ctx, fsp,
			new_cookie);
	}

	frame = talloc_stackframe();
	name = name_in_cookie(frame, &old_cookie);
	if (!drains_return_begin(handle->conn, name)) {
		TALLOC_FREE(frame);
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	}
	status = DRAIN_NEXT_DURABLE_RECONNECT(handle, smb1req, op, old_cookie,
					      mem_ctx, fsp, new_cookie);
	if (!drains_return_end(NT_STATUS_IS_OK(status) ? *fsp : NULL)) {
		(void)close_file_free(smb1req, fsp, ERROR_CLOSE);
		data_blob_free(new_cookie);
		status = NT_STATUS_OBJECT_NAME_NOT_FOUND;
	}
	TALLOC_FREE(frame);
	return status;
}

static struct vfs_fn_pointers drain_vfs_fns = {
	.connect_fn = drain_vfs_connect,
	.disconnect_fn = drain_vfs_disconnect,
	.renameat_fn = drain_vfs_renameat,
	.linkat_fn = drain_vfs_linkat,
	.symlinkat_fn = drain_vfs_symlinkat,
	.mknodat_fn = drain_vfs_mknodat,
	.unlinkat_fn = drain_vfs_unlinkat,
	.durable_cookie_fn = drain_vfs_durable_cookie,
	.durable_disconnect_fn = drain_vfs_durable_disconnect,
	.durable_reconnect_fn = drain_vfs_durable_reconnect,
};

static bool any_fruit(void)
{
	const struct drain_tree *tree = drain_process.trees;

	while (tree != NULL && !tree->with_fruit) {
		tree = tree->next;
	}
	return tree != NULL;
}

/*
 * smbd looks at these pointers for each call (VFS_FIND in vfs.c). An open has
 * 19 arguments, and passing them on is most of what a hook costs: while
 * nothing drains there is none. On a node of a cluster others may know better.
 */
void drain_vfs_hook_opens(void)
{
	bool on = DRAIN_JITTERS || drain_process.drains != NULL ||
		  drain_park_any() || lp_clustering();
	bool fruit = drain_process.drains != NULL && any_fruit();

	drain_vfs_fns.create_file_fn = on ? drain_vfs_create_file : NULL;
	drain_vfs_fns.openat_fn = fruit ? drain_own_openat : NULL;
	drain_vfs_fns.fremovexattr_fn = fruit ? drain_own_fremovexattr : NULL;
}

_PUBLIC_ NTSTATUS samba_init_module(TALLOC_CTX *ctx);
NTSTATUS samba_init_module(TALLOC_CTX *ctx _UNUSED_)
{
	NTSTATUS status;

	drain_vfs_hook_opens();
	status = smb_register_vfs(SMB_VFS_INTERFACE_VERSION, "drain",
				  &drain_vfs_fns);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	drain_debug_class = debug_add_class("drain");
	if (drain_debug_class == -1) {
		drain_debug_class = DBGC_VFS;
	}
	return NT_STATUS_OK;
}
