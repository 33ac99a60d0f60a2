// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Paths on disk of names in a share and of open files.
 *
 * The name that a client uses may differ from the name on disk, since modules
 * such as catia map names. So the path of an open file is found by its
 * descriptor. Where nothing is open yet, the name is opened, or translated,
 * through all modules of the share.
 */

#include "module.h"
#include "locate.h"

/* Test for the suffix that the kernel adds; a file name may have it, too */
static bool says_deleted(const char *path)
{
	static const char deleted[] = " (deleted)";
	const size_t suffix = sizeof(deleted) - 1;
	const size_t len = strlen(path);

	return len > suffix && strcmp(path + len - suffix, deleted) == 0;
}

static bool is_at(int fd, const char *path)
{
	struct stat open;
	struct stat there;

	return fstat(fd, &open) == 0 && lstat(path, &there) == 0 &&
	       open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

static bool path_of_fsp(const struct files_struct *fsp, char path[PATH_MAX])
{
	char link[64];
	ssize_t len;
	int fd;

	if (fsp == NULL || fsp->fh == NULL) {
		return false;
	}
	fd = fsp_get_pathref_fd(fsp);
	if (fd < 0) {
		return false;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, PATH_MAX - 1);
	if (len <= 0 || path[0] != '/') {
		return false;
	}
	path[len] = '\0';
	return path[len - 1] != ')' || !says_deleted(path) || is_at(fd, path);
}

bool drain_locate_fsp(const struct files_struct *fsp, char path[PATH_MAX])
{
	/* The descriptor of a stream may be of another file */
	if (fsp != NULL && fsp->base_fsp != NULL) {
		fsp = fsp->base_fsp;
	}
	return path_of_fsp(fsp, path);
}

const char *drain_locate_last(const char *name)
{
	const char *slash = strrchr(name, '/');

	return (slash != NULL) ? slash + 1 : name;
}

NTSTATUS drain_locate_name(struct connection_struct *conn,
			   const char *name,
			   char path[PATH_MAX])
{
	struct smb_filename *smb_fname = NULL;
	NTSTATUS status;

	smb_fname = synthetic_smb_fname(talloc_tos(), name, NULL, NULL, 0, 0);
	if (smb_fname == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	status = openat_pathref_fsp(conn->cwd_fsp, smb_fname);
	if (NT_STATUS_IS_OK(status) && !path_of_fsp(smb_fname->fsp, path)) {
		status = NT_STATUS_OBJECT_NAME_INVALID;
	}
	TALLOC_FREE(smb_fname);
	return status;
}

/* Find the directory of a name in the share */
static NTSTATUS locate_parent(struct connection_struct *conn,
			      const char *name,
			      char path[PATH_MAX])
{
	const char *last = drain_locate_last(name);
	char *dir = NULL;
	NTSTATUS status;

	if (last == name) {
		return drain_locate_name(conn, ".", path);
	}
	dir = talloc_strndup(talloc_tos(), name, last - name - 1);
	if (dir == NULL) {
		return NT_STATUS_NO_MEMORY;
	}
	status = drain_locate_name(conn, dir, path);
	TALLOC_FREE(dir);
	return status;
}

static bool is_in(const char *path, const char *dir)
{
	const size_t len = drain_locate_last(path) - path;

	return strncmp(path, dir, len - 1) == 0 && dir[len - 1] == '\0';
}

/* Find the name on disk by an open, since some modules do not translate it */
static bool name_is_found(struct connection_struct *conn,
			  const char *name,
			  struct drain_entry *entry)
{
	char path[PATH_MAX];

	return NT_STATUS_IS_OK(drain_locate_name(conn, name, path)) &&
	       is_in(path, entry->dir) &&
	       strlcpy(entry->name, drain_locate_last(path),
		       sizeof(entry->name)) < sizeof(entry->name);
}

static bool is_there(const struct drain_entry *entry)
{
	char path[PATH_MAX];
	struct stat st;
	int len = snprintf(path, sizeof(path), "%s/%s", entry->dir,
			   entry->name);

	return len > 0 && (size_t)len < sizeof(path) && lstat(path, &st) == 0;
}

/* Translate a name; returns false if the result is too long */
static bool translate(struct connection_struct *conn,
		      const char *last,
		      struct drain_entry *entry)
{
	char *mapped = NULL;
	NTSTATUS status;
	size_t len;

	status = SMB_VFS_TRANSLATE_NAME(conn, last, vfs_translate_to_unix,
					talloc_tos(), &mapped);
	if (!NT_STATUS_IS_OK(status)) {
		mapped = NULL;
	}
	len = strlcpy(entry->name, (mapped != NULL) ? mapped : last,
		      sizeof(entry->name));
	TALLOC_FREE(mapped);
	return len < sizeof(entry->name);
}

bool drain_locate_entry(struct connection_struct *conn,
			const struct files_struct *dirfsp,
			const char *name,
			bool exists,
			struct drain_entry *entry)
{
	const bool known = dirfsp != conn->cwd_fsp &&
			   path_of_fsp(dirfsp, entry->dir);

	if (!known &&
	    !NT_STATUS_IS_OK(locate_parent(conn, name, entry->dir))) {
		return false;
	}
	if (!translate(conn, drain_locate_last(name), entry)) {
		return false;
	}
	if (exists && !is_there(entry)) {
		(void)name_is_found(conn, name, entry);
	}
	return true;
}

/*
 * Previous versions
 */

static bool same_directory(const char *path, const char *other)
{
	struct stat a;
	struct stat b;

	return strcmp(path, other) == 0 ||
	       (stat(path, &a) == 0 && stat(other, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static bool is_missing(NTSTATUS status)
{
	return NT_STATUS_EQUAL(status, NT_STATUS_OBJECT_NAME_NOT_FOUND) ||
	       NT_STATUS_EQUAL(status, NT_STATUS_OBJECT_PATH_NOT_FOUND) ||
	       NT_STATUS_EQUAL(status, NT_STATUS_NOT_A_DIRECTORY);
}

/*
 * Test whether @path is neither the current file of @name nor in the same
 * directory. Changes @path.
 */
static bool is_elsewhere(struct connection_struct *conn,
			 const char *name,
			 char path[PATH_MAX])
{
	char live[PATH_MAX];
	NTSTATUS status;

	status = drain_locate_name(conn, name, live);
	if (NT_STATUS_IS_OK(status) ? strcmp(path, live) == 0
				    : !is_missing(status)) {
		return false;
	}
	if (strcmp(name, ".") == 0 || name[0] == '\0') {
		return true;
	}

	status = locate_parent(conn, name, live);
	if (!NT_STATUS_IS_OK(status)) {
		return is_missing(status);
	}
	path[MAX(drain_locate_last(path) - path - 1, 1)] = '\0';
	return !same_directory(path, live);
}

/* Names are relative to the root of the share, so change to it */
static bool is_elsewhere_from_root(struct connection_struct *conn,
				   const char *name,
				   char path[PATH_MAX])
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct smb_filename *root = NULL;
	struct smb_filename *here = NULL;
	bool elsewhere = false;

	root = synthetic_smb_fname(frame, conn->connectpath, NULL, NULL, 0, 0);
	here = vfs_GetWd(frame, conn);
	if (root != NULL && here != NULL && vfs_ChDir(conn, root) == 0) {
		elsewhere = is_elsewhere(conn, name, path);
		if (vfs_ChDir(conn, here) != 0) {
			smb_panic("drain: cannot go back to the directory");
		}
	}
	TALLOC_FREE(frame);
	return elsewhere;
}

bool drain_locate_is_snapshot(const struct files_struct *fsp,
			      const struct smb_filename *smb_fname)
{
	char path[PATH_MAX];

	/*
	 * Modules with snapshots open the file of the snapshot. Without such a
	 * module the time stamp is ignored, and the current file is opened.
	 */
	return smb_fname->twrp != 0 && drain_locate_fsp(fsp, path) &&
	       is_elsewhere_from_root(fsp->conn, smb_fname->base_name, path);
}
