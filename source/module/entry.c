// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Changes of directory entries by a client, other than by an open: renames,
 * links, and what is removed by a handle.
 */

#include "module.h"
#include "counted.h"
#include "drains.h"
#include "entry.h"
#include "exempt.h"
#include "log.h"
#include "place.h"
#include "process.h"
#include "rejoin.h"

/* Return the next drain that does not exempt the client */
static struct drain *next_applicable(const struct connection_struct *conn,
				     struct drain_place *place)
{
	struct drain *drain = NULL;

	do {
		drain = drain_place_next(place);
	} while (drain != NULL &&
		 drain_is_exempt(conn, conn->vuid, &drain->record->policy));
	return drain;
}

/*
 * Inside a drained directory a client may move only a file that it has a
 * counted handle on. Two places with the same drains in the same order are in
 * the same drained directories.
 */
static bool move_allowed(const struct connection_struct *conn,
			 struct drain_place *src,
			 struct drain_place *dst)
{
	drain_place_rewind(src);
	drain_place_rewind(dst);
	if (drain_place_above(src) || drain_place_above(dst)) {
		return false;
	}
	for (;;) {
		struct drain *from = next_applicable(conn, src);
		struct drain *to = next_applicable(conn, dst);

		if (from != to) {
			return false;
		}
		if (from == NULL) {
			return true;
		}
		if (!drain_client_holds(from, src->name.path)) {
			return false;
		}
	}
}

static bool entry_allowed(const struct connection_struct *conn,
			  struct drain_place *place)
{
	struct drain *drain = NULL;

	drain_place_rewind(place);
	while ((drain = next_applicable(conn, place)) != NULL) {
		if (!drain_client_holds(drain, place->name.path)) {
			return false;
		}
	}
	return !drain_place_above(place);
}

/* Test whether a drain has ended without a message */
static bool something_ended(void)
{
	const struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (!drain_is_in_force(drain)) {
			return true;
		}
	}
	return false;
}

static bool may_move(struct connection_struct *conn,
		     struct drain_place *src,
		     struct drain_place *dst)
{
	if (move_allowed(conn, src, dst)) {
		return true;
	}
	if (something_ended() && drains_catch_up() &&
	    move_allowed(conn, src, dst)) {
		return true;
	}
	DRAIN_LOG(DBG_NOTICE, drain_about_path(conn, src->name.path),
		  "refused rename or link to %s: the source or the "
		  "destination is drained or is a parent of a drained "
		  "directory",
		  drain_log_text(dst->name.path));
	return false;
}

static bool may_change(struct connection_struct *conn,
		       struct drain_place *place)
{
	if (entry_allowed(conn, place)) {
		return true;
	}
	if (something_ended() && drains_catch_up() &&
	    entry_allowed(conn, place)) {
		return true;
	}
	DRAIN_LOG(DBG_NOTICE, drain_about_path(conn, place->name.path),
		  "refused to create or remove it: it is drained or is a "
		  "parent of a drained directory");
	return false;
}

/*
 * ETXTBSY reaches the client as STATUS_SHARING_VIOLATION (errmap_unix.c). For
 * an SMB1 client smbd would retry after that, without end, so that such a
 * client gets EACCES.
 */
static int refusal_errno(const struct connection_struct *conn)
{
	return drain_using_smb2(conn->sconn) ? ETXTBSY : EACCES;
}

bool drain_any(struct vfs_handle_struct *handle)
{
	if (!SMB_VFS_HANDLE_TEST_DATA(handle)) {
		return false;
	}
	(void)drain_rejoin_if_behind();
	return drain_process.drains != NULL;
}

bool drain_entry_may_move(struct vfs_handle_struct *handle,
			  const struct files_struct *src_dirfsp,
			  const struct smb_filename *src,
			  const struct files_struct *dst_dirfsp,
			  const struct smb_filename *dst)
{
	struct drain_place from;
	struct drain_place to;

	if (!drain_any(handle)) {
		return true;
	}
	if (drain_place_at(&from, handle->conn, src_dirfsp, src) &&
	    drain_place_at(&to, handle->conn, dst_dirfsp, dst) &&
	    may_move(handle->conn, &from, &to)) {
		return true;
	}
	errno = refusal_errno(handle->conn);
	return false;
}

bool drain_entry_may_change(struct vfs_handle_struct *handle,
			    const struct files_struct *dirfsp,
			    const struct smb_filename *smb_fname)
{
	struct drain_place place;

	if (!drain_any(handle)) {
		return true;
	}
	if (drain_place_at(&place, handle->conn, dirfsp, smb_fname) &&
	    may_change(handle->conn, &place)) {
		return true;
	}
	errno = refusal_errno(handle->conn);
	return false;
}
