// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The hooks of the module. While nothing drains, there is no hook for opens,
 * and the other hooks only test whether anything drains.
 */

#include "module.h"
#include "connect.h"
#include "counted.h"
#include "deadline.h"
#include "defer.h"
#include "drains.h"
#include "durable.h"
#include "entry.h"
#include "locate.h"
#include "open.h"
#include "own.h"
#include "process.h"
#include "selfcheck.h"

static const char *making; /* the directory that smbd is creating, or NULL */

static void free_tree(void **data)
{
	drain_disconnect(talloc_get_type_abort(*data, struct drain_tree));
	*data = NULL;
}

/* smbd also has internal connections, without a client */
static bool is_client_share(const struct connection_struct *conn)
{
	return conn->tcon != NULL && !IS_IPC(conn) && !IS_PRINT(conn);
}

/* Afterwards smbd ends the requests of the tree connect */
static void drain_vfs_disconnect(struct vfs_handle_struct *handle)
{
	drain_deferred_release_tree(handle->conn);
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

	tree = drain_connect(handle);
	if (tree == NULL) {
		SMB_VFS_NEXT_DISCONNECT(handle);
		errno = EAGAIN;
		return -1;
	}
	SMB_VFS_HANDLE_SET_DATA(handle, tree, free_tree, struct drain_tree,
				return -1);
	return 0;
}

/* Return the name of the directory that an open creates, or NULL */
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
	/* An open by smbd itself, or by a client of a guarded tree connect */
	const bool own = req == NULL && drain_own_applies(handle);
	const bool asked = req != NULL && SMB_VFS_HANDLE_TEST_DATA(handle);
	struct drain_grant grant = {.no_caches = false};
	struct drain_open open = {.exists = false};
	const char *outer = making;
	NTSTATUS status;

	if (asked || own) {
		open = drain_open_describe(smb_fname, access_mask,
					   create_disposition, create_options);
	}
	if (own && !drain_own_may_open(handle, dirfsp, smb_fname, &open)) {
		return NT_STATUS_SHARING_VIOLATION;
	}
	if (asked) {
		status = drain_open_check(handle->conn, req, dirfsp, smb_fname,
					  &open, &grant);
		if (!NT_STATUS_IS_OK(status)) {
			return status;
		}
	}
	if (grant.no_caches) {
		oplock_request &= ~DRAIN_OPLOCKS;
		private_flags &= ~DRAIN_PERSISTENT_OPEN;
	}

	making = makes_directory(smb_fname, create_options);
	status = SMB_VFS_NEXT_CREATE_FILE(
		handle, req, dirfsp, smb_fname, access_mask, share_access,
		create_disposition, create_options, file_attributes,
		oplock_request, lease, allocation_size, private_flags, sd,
		ea_list, result, pinfo, in, out);
	making = outer;
	if (NT_STATUS_IS_OK(status) && asked) {
		status = drain_open_recheck(handle->conn, req, &open, &grant,
					    result);
	}
	return status;
}

/*
 * smbd creates a directory by a temporary name and renames it. The open that
 * creates the directory has been checked, so that rename is not. A client may
 * use such a name, too.
 */
static bool finishes_directory(const struct files_struct *srcfsp,
			       const struct smb_filename *src,
			       const struct files_struct *dstfsp,
			       const struct smb_filename *dst)
{
	return making != NULL && drain_is_name_of_smbd(src->base_name) &&
	       S_ISDIR(src->st.st_ex_mode) && srcfsp == dstfsp &&
	       strcmp(drain_locate_last(making),
		      drain_locate_last(dst->base_name)) == 0;
}

static int drain_vfs_renameat(struct vfs_handle_struct *handle,
			      struct files_struct *srcfsp,
			      const struct smb_filename *smb_fname_src,
			      struct files_struct *dstfsp,
			      const struct smb_filename *smb_fname_dst
				      DRAIN_RENAME_HOW_PARAM)
{
	if (!finishes_directory(srcfsp, smb_fname_src, dstfsp, smb_fname_dst) &&
	    !drain_entry_may_move(handle, srcfsp, smb_fname_src, dstfsp,
				  smb_fname_dst)) {
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
	if (!drain_entry_may_move(handle, srcfsp, old_smb_fname, dstfsp,
				  new_smb_fname)) {
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
	if (!drain_entry_may_change(handle, dirfsp, smb_fname)) {
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
	if (!drain_entry_may_change(handle, dirfsp, smb_fname)) {
		return -1;
	}
	return SMB_VFS_NEXT_MKNODAT(handle, dirfsp, smb_fname, mode, dev);
}

/*
 * A client removes a file by a counted handle. The handle of a directory does
 * not count, and may have been opened before the drain began.
 */
static int drain_vfs_unlinkat(struct vfs_handle_struct *handle,
			      struct files_struct *dirfsp,
			      const struct smb_filename *smb_fname,
			      int flags)
{
	if ((flags & AT_REMOVEDIR) &&
	    !drain_entry_may_change(handle, dirfsp, smb_fname)) {
		return -1;
	}
	if (!(flags & AT_REMOVEDIR) &&
	    !drain_own_may_change_entry(handle, dirfsp, smb_fname)) {
		errno = EACCES;
		return -1;
	}
	return SMB_VFS_NEXT_UNLINKAT(handle, dirfsp, smb_fname, flags);
}

/* Without a cookie the open succeeds but is not durable */
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
 * Samba's tables do not say whether a disconnected durable handle belongs to
 * an exempt client. So an exempt handle does not become one: smbd closes it.
 */
static NTSTATUS drain_vfs_durable_disconnect(struct vfs_handle_struct *handle,
					     struct files_struct *fsp,
					     const DATA_BLOB old_cookie,
					     TALLOC_CTX *mem_ctx,
					     DATA_BLOB *new_cookie)
{
	if (drain_any(handle) && drain_handle_would_count(fsp)) {
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
	NTSTATUS status;

	if (!drain_any(handle)) {
		return DRAIN_NEXT_DURABLE_RECONNECT(
			handle, smb1req, op, old_cookie, mem_ctx, fsp,
			new_cookie);
	}

	if (!drain_durable_begin(handle->conn, &old_cookie)) {
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	}
	status = DRAIN_NEXT_DURABLE_RECONNECT(handle, smb1req, op, old_cookie,
					      mem_ctx, fsp, new_cookie);
	if (!drain_durable_end(NT_STATUS_IS_OK(status) ? *fsp : NULL)) {
		(void)close_file_free(smb1req, fsp, ERROR_CLOSE);
		data_blob_free(new_cookie);
		status = NT_STATUS_OBJECT_NAME_NOT_FOUND;
	}
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
 * smbd reads these pointers for each call (VFS_FIND in vfs.c). An open has 19
 * arguments, and passing them on is most of the cost of a hook. So while
 * nothing drains there is no hook for opens. In a cluster there always is
 * one, since other nodes may know of a drain first.
 */
static void hook_opens(void)
{
	bool on = drain_open_checks_all() || drain_process.drains != NULL ||
		  drain_deferred_any() || lp_clustering();
	bool fruit = drain_process.drains != NULL && any_fruit();

	drain_vfs_fns.create_file_fn = on ? drain_vfs_create_file : NULL;
	drain_vfs_fns.openat_fn = fruit ? drain_own_openat : NULL;
	drain_vfs_fns.fremovexattr_fn = fruit ? drain_own_fremovexattr : NULL;
}

static void drains_changed(void)
{
	drain_deadlines_set();
	hook_opens();
}

_PUBLIC_ NTSTATUS samba_init_module(TALLOC_CTX *ctx);
NTSTATUS samba_init_module(TALLOC_CTX *ctx _UNUSED_)
{
	NTSTATUS status;

	drain_deferred_on_change(hook_opens);
	drains_on_change(drains_changed);
	hook_opens();
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
