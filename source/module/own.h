// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Changes that smbd makes by itself, without an open of the client.
 */

#ifndef _DRAIN_OWN_H_
#define _DRAIN_OWN_H_

#include "drain/policy.h"

/** Return true if the tree connect is guarded and a drain is in force. */
bool drain_own_applies(struct vfs_handle_struct *handle);

/** Test whether smbd may do an open for which create_file_fn has no request. */
bool drain_own_may_open(struct vfs_handle_struct *handle,
			const struct files_struct *dirfsp,
			const struct smb_filename *smb_fname,
			const struct drain_open *open);

/** Test whether smbd may remove a file without a call of create_file_fn. */
bool drain_own_may_change_entry(struct vfs_handle_struct *handle,
				const struct files_struct *dirfsp,
				const struct smb_filename *smb_fname);

/* Hooks, in place while something drains and vfs_fruit is in use */
int drain_own_openat(struct vfs_handle_struct *handle,
		     const struct files_struct *dirfsp,
		     const struct smb_filename *smb_fname,
		     struct files_struct *fsp,
		     const struct vfs_open_how *how);
int drain_own_fremovexattr(struct vfs_handle_struct *handle,
			   struct files_struct *fsp,
			   const char *name);

#endif /* _DRAIN_OWN_H_ */
