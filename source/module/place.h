// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The drains that a name in a share, or an open file, is in.
 */

#ifndef _DRAIN_PLACE_H_
#define _DRAIN_PLACE_H_

#include "drain/fold.h"
#include "drain/scope.h"

struct drain;
struct drain_record;

/* A path, and the next drain to return of those that it is in */
struct drain_path {
	char path[DRAIN_FOLDED_MAX]; /* "": there is no such path */
	struct drain_walk walk; /* for the whole path */
	const struct drain_root *root;
	size_t next;
};

/* A file or directory in a share, and the drains that it is in */
struct drain_place {
	struct drain_path name; /* the name that the client used */
	struct drain_path real; /* the real path, if known and different */
	bool case_sensitive;
};

/**
 * Index the paths of the drains in drain_process. Call when they changed.
 * The index points to the drains: free none that the index has.
 *
 * @return NT_STATUS_NO_MEMORY: the index is as before.
 */
NTSTATUS drain_place_index(void);

/**
 * Find the place of a name. If the file exists, symbolic links are resolved.
 *
 * @param[in] name  Relative to the share; "." for its root.
 * @return false, like the functions below: the path is too long. Treat it as
 *         drained.
 */
bool drain_place_init(struct drain_place *place,
		      struct connection_struct *conn,
		      const char *name);

/** Find the place of an open from the arguments of create_file_fn. */
bool drain_place_of_open(struct drain_place *place,
			 struct connection_struct *conn,
			 const struct files_struct *dirfsp,
			 const struct smb_filename *smb_fname);

/** Find the place of an open handle. */
bool drain_place_of_handle(struct drain_place *place,
			   const struct files_struct *fsp);

/**
 * Find the place of a directory entry, not of the target of a symbolic link,
 * from the arguments of renameat_fn.
 */
bool drain_place_at(struct drain_place *place,
		    struct connection_struct *conn,
		    const struct files_struct *dirfsp,
		    const struct smb_filename *smb_fname);

/** Start with the first drain again. Needed when the drains have changed. */
void drain_place_rewind(struct drain_place *place);

/** Return the next drain that the place is in, or NULL. */
struct drain *drain_place_next(struct drain_place *place);

/** Test whether the place is a drained directory or a parent of one. */
bool drain_place_above(const struct drain_place *place);

/** Test whether an open file is in a path of @record. */
bool drain_place_handle_in(const struct files_struct *fsp,
			   const struct drain_record *record);

#endif /* _DRAIN_PLACE_H_ */
