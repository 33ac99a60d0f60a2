// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Changes of directory entries by a client, other than by an open.
 */

#ifndef _DRAIN_ENTRY_H_
#define _DRAIN_ENTRY_H_

/**
 * Return true if the tree connect is guarded and a drain is in force.
 * In a cluster this reads the database if it has changed.
 */
bool drain_any(struct vfs_handle_struct *handle);

/**
 * Test whether @src may be renamed or linked to @dst.
 *
 * @return false: errno is set.
 */
bool drain_entry_may_move(struct vfs_handle_struct *handle,
			  const struct files_struct *src_dirfsp,
			  const struct smb_filename *src,
			  const struct files_struct *dst_dirfsp,
			  const struct smb_filename *dst);

/**
 * Test whether an entry may be created or removed without create_file_fn.
 * Those are links and special files of SMB1's Unix extensions, and
 * directories that were open before the drain began.
 *
 * @return false: errno is set.
 */
bool drain_entry_may_change(struct vfs_handle_struct *handle,
			    const struct files_struct *dirfsp,
			    const struct smb_filename *smb_fname);

#endif /* _DRAIN_ENTRY_H_ */
