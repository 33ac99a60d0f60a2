// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Changes that smbd makes by itself, without an open of the client.
 *
 * vfs_fruit converts and deletes AppleDouble files while a Mac lists a
 * directory. While something drains, that is refused unless the client is
 * exempt or has a file open in the drain.
 */

#include "module.h"
#include "exempt.h"
#include "own.h"
#include "place.h"
#include "process.h"

bool drain_own_applies(struct vfs_handle_struct *handle)
{
	return drain_process.drains != NULL &&
	       SMB_VFS_HANDLE_TEST_DATA(handle);
}

static bool may_change(const struct connection_struct *conn,
		       struct drain_place *place)
{
	struct drain *drain = NULL;

	while ((drain = drain_place_next(place)) != NULL) {
		const size_t open = drain->num_counted + drain->num_exempt +
				    drain->num_returning;

		if (open == 0 && !drain_is_exempt(conn, conn->vuid,
						  &drain->record->policy)) {
			return false;
		}
	}
	return true;
}

bool drain_own_may_open(struct vfs_handle_struct *handle,
			const struct files_struct *dirfsp,
			const struct smb_filename *smb_fname,
			const struct drain_open *open)
{
	struct drain_place place;

	return !drain_own_applies(handle) || open->snapshot ||
	       !drain_open_modifies(open) ||
	       (drain_place_of_open(&place, handle->conn, dirfsp, smb_fname) &&
		may_change(handle->conn, &place));
}

bool drain_own_may_change_entry(struct vfs_handle_struct *handle,
				const struct files_struct *dirfsp,
				const struct smb_filename *smb_fname)
{
	struct drain_place place;

	return !drain_own_applies(handle) ||
	       (drain_place_at(&place, handle->conn, dirfsp, smb_fname) &&
		may_change(handle->conn, &place));
}

/* Test for a write by smbd itself; opens of clients are checked in open.c */
static bool is_own_write(const struct files_struct *fsp, int flags)
{
	return ((flags & O_ACCMODE) != O_RDONLY ||
		(flags & (O_CREAT | O_TRUNC))) &&
	       fsp->op == NULL && !fsp->fsp_flags.is_fsa;
}

/*
 * After EACCES vfs_fruit opens the file for reading, since a listing needs the
 * size of the fork. With delete_empty_adfiles it would then unlink an empty
 * file past this module. ENOENT keeps it from that.
 */
static int refusal(const struct connection_struct *conn)
{
	return lp_parm_bool(SNUM(conn), "fruit", "delete_empty_adfiles", false)
		       ? ENOENT
		       : EACCES;
}

/* The name of the directory is absolute if smbd has changed to it */
static char *name_in_share(const struct connection_struct *conn,
			   const struct files_struct *dirfsp,
			   const struct smb_filename *smb_fname)
{
	const size_t len = strlen(conn->connectpath);
	const char *dir = dirfsp->fsp_name->base_name;

	if (strncmp(dir, conn->connectpath, len) == 0 &&
	    (dir[len] == '/' || dir[len] == '\0')) {
		dir += (dir[len] == '/') ? len + 1 : len;
	}
	if (dir[0] == '\0' || ISDOT(dir)) {
		return talloc_strdup(talloc_tos(), smb_fname->base_name);
	}
	return talloc_asprintf(talloc_tos(), "%s/%s", dir,
			       smb_fname->base_name);
}

static bool may_write(struct vfs_handle_struct *handle,
		      const struct files_struct *dirfsp,
		      const struct smb_filename *smb_fname)
{
	struct drain_place place;
	char *name = NULL;
	bool ok;

	if (!drain_own_applies(handle)) {
		return true;
	}
	name = name_in_share(handle->conn, dirfsp, smb_fname);
	ok = name != NULL && drain_place_init(&place, handle->conn, name) &&
	     may_change(handle->conn, &place);
	TALLOC_FREE(name);
	return ok;
}

int drain_own_openat(struct vfs_handle_struct *handle,
		     const struct files_struct *dirfsp,
		     const struct smb_filename *smb_fname,
		     struct files_struct *fsp,
		     const struct vfs_open_how *how)
{
	/* The open of a stream was checked by create_file_fn */
	if (dirfsp != NULL && !is_named_stream(smb_fname) &&
	    is_own_write(fsp, how->flags) &&
	    !may_write(handle, dirfsp, smb_fname)) {
		errno = refusal(handle->conn);
		return -1;
	}
	return SMB_VFS_NEXT_OPENAT(handle, dirfsp, smb_fname, fsp, how);
}

int drain_own_fremovexattr(struct vfs_handle_struct *handle,
			   struct files_struct *fsp,
			   const char *name)
{
	struct drain_place place;

	if (drain_own_applies(handle) &&
	    !(drain_place_of_handle(&place, fsp) &&
	      may_change(handle->conn, &place))) {
		errno = EACCES;
		return -1;
	}
	return SMB_VFS_NEXT_FREMOVEXATTR(handle, fsp, name);
}
