// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Paths on disk of names in a share and of open files.
 */

#ifndef _DRAIN_LOCATE_H_
#define _DRAIN_LOCATE_H_

/* A directory entry, by its names on disk */
struct drain_entry {
	char dir[PATH_MAX]; /* the real path of the directory */
	char name[PATH_MAX]; /* the last component */
};

/**
 * Find where an open file is now. For a stream, find its base file.
 *
 * @return false: the file is deleted or has no descriptor.
 */
bool drain_locate_fsp(const struct files_struct *fsp, char path[PATH_MAX]);

/** Return the last component of a path. */
const char *drain_locate_last(const char *name);

/**
 * Find where a name leads after all VFS modules of the share have mapped it.
 *
 * @param[in] name  Relative to the root of the share, which must be the
 *                  current directory of smbd.
 */
NTSTATUS drain_locate_name(struct connection_struct *conn,
			   const char *name,
			   char path[PATH_MAX]);

/**
 * Find a directory entry, not the target of a symbolic link.
 *
 * @param[in] name    As for drain_locate_name().
 * @param[in] exists  true: the entry may exist.
 * @return false: the directory does not exist, or a name is too long.
 */
bool drain_locate_entry(struct connection_struct *conn,
			const struct files_struct *dirfsp,
			const char *name,
			bool exists,
			struct drain_entry *entry);

/**
 * Test whether an open file is a previous version. A client can request any
 * time stamp; if no snapshot has it, smbd may open the current file.
 *
 * @param[in] fsp        If NULL or not open, the result is false.
 * @param[in] smb_fname  The name that the client opened.
 */
bool drain_locate_is_snapshot(const struct files_struct *fsp,
			      const struct smb_filename *smb_fname);

#endif /* _DRAIN_LOCATE_H_ */
