// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Check that smbd is the release that the module was built for.
 *
 * smbd refuses a module with another VFS interface number. Releases with the
 * same number may still differ in the layout of their structures. The first
 * ones that the module uses are talloc objects, so their sizes can be compared.
 */

#include "module.h"
#include "drain/smbconf.h"
#include "client.h"
#include "log.h"
#include "selfcheck.h"

static const char built_for[] = DRAIN_MODULE_MARK DRAIN_SAMBA_VERSION;

/* The path is in a structure that is not checked yet */
static struct drain_about about_share(const char *share)
{
	return (struct drain_about) {
		.client = drain_client_first(),
		.share = share,
		.path = "*",
	};
}

static bool same_size(const char *share,
		      const char *what,
		      const void *object,
		      size_t expected)
{
	size_t size = (object != NULL) ? talloc_get_size(object) : 0;

	if (size == expected) {
		return true;
	}
	DRAIN_LOG(DBG_ERR, about_share(share),
		  "this is the %s, but smbd is %s: "
		  "struct %s has %zu bytes there and %zu here. "
		  "Build and install it again for this Samba.",
		  built_for, samba_version_string(), what, size, expected);
	return false;
}

static bool same_release(const char *share)
{
	if (drain_same_release(samba_version_string())) {
		return true;
	}
	DRAIN_LOG(DBG_ERR, about_share(share),
		  "this is the %s, but smbd is %s. "
		  "Build and install it again for this Samba.",
		  built_for, samba_version_string());
	return false;
}

bool drain_selfcheck(struct vfs_handle_struct *handle, const char *share)
{
	/* The order matters: each line uses what the ones above checked */
	return same_release(share) &&
	       same_size(share, "vfs_handle_struct", handle, sizeof(*handle)) &&
	       same_size(share, "connection_struct", handle->conn,
			 sizeof(*handle->conn)) &&
	       same_size(share, "files_struct", handle->conn->cwd_fsp,
			 sizeof(*handle->conn->cwd_fsp)) &&
	       same_size(share, "smb_filename", handle->conn->cwd_fsp->fsp_name,
			 sizeof(*handle->conn->cwd_fsp->fsp_name));
}
