// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Differences between releases of Samba, and nothing else.
 *
 * Every file that includes Samba's headers includes this one first. DRAIN_SAMBA
 * is the release as a number: 417 for 4.17.
 */

#ifndef _DRAIN_SAMBA_COMPAT_H_
#define _DRAIN_SAMBA_COMPAT_H_

#include "includes.h"
#include "system/filesys.h"
#include "lib/util/server_id.h"
#include "lib/util/util_tdb.h"
#include "lib/util/tevent_ntstatus.h"
#include "messages.h"
#include "g_lock.h"
#include "serverid.h"
#include "librpc/gen_ndr/open_files.h"
#if DRAIN_SAMBA >= 421
#include "lib/util/util_file.h"
#include "smbd/smbXsrv_session.h"
#endif

/**
 * Test whether a version such as "4.17.12-Debian" is of the release that this
 * was built for. Structures differ between releases.
 */
static inline bool drain_same_release(const char *version)
{
	unsigned major = 0;
	unsigned minor = 0;

	return sscanf(version, "%u.%u", &major, &minor) == 2 &&
	       major * 100 + minor == DRAIN_SAMBA;
}

/*
 * 4.18 and later have two more arguments. With a time of 0 they do not test
 * whether an owner has died (source3/lib/g_lock.c).
 */
static inline NTSTATUS drain_g_lock_lock(struct g_lock_ctx *ctx,
					 TDB_DATA key,
					 enum g_lock_type type)
{
#if DRAIN_SAMBA >= 418
	struct timeval at_once = {.tv_usec = 1};

	return g_lock_lock(ctx, key, type, at_once, NULL, NULL);
#else
	struct timeval at_once = {0};

	return g_lock_lock(ctx, key, type, at_once);
#endif
}

static inline struct tevent_req *
drain_g_lock_lock_send(TALLOC_CTX *mem_ctx,
		       struct tevent_context *ev,
		       struct g_lock_ctx *ctx,
		       TDB_DATA key,
		       enum g_lock_type type)
{
#if DRAIN_SAMBA >= 418
	return g_lock_lock_send(mem_ctx, ev, ctx, key, type, NULL, NULL);
#else
	return g_lock_lock_send(mem_ctx, ev, ctx, key, type);
#endif
}

/* 4.21 and later can fail (source3/smbd/share_access.c) */
#if DRAIN_SAMBA >= 421
#define drain_token_contains_name(user, domain, share, token, list, match)    \
	token_contains_name_in_list(user, domain, share, token, list, match)
#else
#define drain_token_contains_name(user, domain, share, token, list, match)    \
	(*(match) = token_contains_name_in_list(user, domain, share, token,   \
						list),                        \
	 true)
#endif

/* A field of struct smbd_server_connection until 4.20, a function later */
#if DRAIN_SAMBA >= 421
#define drain_using_smb2(sconn) conn_using_smb2(sconn)
#else
#define drain_using_smb2(sconn) ((sconn)->using_smb2)
#endif

/* "smb ports" is a synonym in 4.23 and later (docs-xml/smbdotconf/protocol) */
#if DRAIN_SAMBA >= 423
#define drain_smb_ports() lp_server_smb_transports()
#else
#define drain_smb_ports() lp_smb_ports()
#endif

/* renameat_fn has one more argument in 4.22 and later (vfs.h) */
#if DRAIN_SAMBA >= 422
#define DRAIN_RENAME_HOW_PARAM , const struct vfs_rename_how *how
#define DRAIN_NEXT_RENAMEAT(handle, srcfsp, src, dstfsp, dst)                 \
	SMB_VFS_NEXT_RENAMEAT(handle, srcfsp, src, dstfsp, dst, how)
#else
#define DRAIN_RENAME_HOW_PARAM
#define DRAIN_NEXT_RENAMEAT(handle, srcfsp, src, dstfsp, dst)                 \
	SMB_VFS_NEXT_RENAMEAT(handle, srcfsp, src, dstfsp, dst)
#endif

/*
 * Test for a name that smbd gives to a directory while it creates it. A POSIX
 * client can use such a name, too. Needs smbd/globals.h.
 */
#if DRAIN_SAMBA >= 422
#define drain_is_name_of_smbd(name) IS_SMBD_TMPNAME_PREFIX(name)
#else
#define drain_is_name_of_smbd(name) false
#endif

/* durable_reconnect_fn has the lease in 4.25 and later */
#if DRAIN_SAMBA >= 425
#define DRAIN_RECONNECT_LEASE_PARAM const struct smb2_lease *lease,
#define DRAIN_NEXT_DURABLE_RECONNECT(handle, req, op, old, ctx, fsp, new)     \
	SMB_VFS_NEXT_DURABLE_RECONNECT(handle, req, op, old, lease, ctx, fsp, \
				       new)
#else
#define DRAIN_RECONNECT_LEASE_PARAM
#define DRAIN_NEXT_DURABLE_RECONNECT(handle, req, op, old, ctx, fsp, new)     \
	SMB_VFS_NEXT_DURABLE_RECONNECT(handle, req, op, old, ctx, fsp, new)
#endif

/* The structures of smbXsrv.idl lost the version in their names in 4.25 */
#if DRAIN_SAMBA >= 425
#define DRAIN_TCON_GLOBAL struct smbXsrv_tcon_global
#define DRAIN_SESSION_GLOBAL struct smbXsrv_session_global
#define DRAIN_CHANNEL_GLOBAL struct smbXsrv_channel_global
#define DRAIN_VERSION_GLOBAL struct smbXsrv_version_global
#define DRAIN_VERSION_GLOBAL_NUMBER SMBXSRV_VERSION_1
#define DRAIN_VERSION_GLOBAL_INFO(global) ((global)->info.info1)
#else
#define DRAIN_TCON_GLOBAL struct smbXsrv_tcon_global0
#define DRAIN_SESSION_GLOBAL struct smbXsrv_session_global0
#define DRAIN_CHANNEL_GLOBAL struct smbXsrv_channel_global0
#define DRAIN_VERSION_GLOBAL struct smbXsrv_version_global0
#define DRAIN_VERSION_GLOBAL_NUMBER SMBXSRV_VERSION_0
#define DRAIN_VERSION_GLOBAL_INFO(global) ((global)->info.info0)
#endif

/* With a lock until 4.21, with the file id later. Needs share_mode_lock.h. */
#if DRAIN_SAMBA >= 422
#define drain_share_mode_watch_send(mem_ctx, ev, lck, id, blocker)            \
	share_mode_watch_send(mem_ctx, ev, discard_const(&(id)), blocker)
#define drain_share_entry_forall share_entry_forall_read
#else
#define drain_share_mode_watch_send(mem_ctx, ev, lck, id, blocker)            \
	share_mode_watch_send(mem_ctx, ev, lck, blocker)
#define drain_share_entry_forall share_entry_forall
#endif

/*
 * Open the table of open files. In 4.25 and later that registers the caller as
 * the smbd of this node, unless the real one was registered just before. Needs
 * smbd/globals.h and locking/proto.h.
 */
#if DRAIN_SAMBA >= 425
#define drain_locking_init(parent)                                            \
	(((parent) == NULL ||                                                 \
	  NT_STATUS_IS_OK(smbXsrv_version_global_init(parent))) &&            \
	 locking_init())
#else
#define drain_locking_init(parent) ((void)(parent), locking_init())
#endif

/*
 * The callback of smbXsrv_open_global_traverse(). In 4.23 and later @global is
 * NULL if the record is not of an open.
 */
#if DRAIN_SAMBA >= 425
#define DRAIN_OPEN_GLOBAL struct smbXsrv_open_global
#else
#define DRAIN_OPEN_GLOBAL struct smbXsrv_open_global0
#endif
#if DRAIN_SAMBA >= 423
#define DRAIN_OPEN_FN(fn, global, private_data)                               \
	fn(struct db_record *rec _UNUSED_, DRAIN_OPEN_GLOBAL *global,         \
	   TDB_DATA *rc_key _UNUSED_, void *private_data)
#elif DRAIN_SAMBA >= 419
#define DRAIN_OPEN_FN(fn, global, private_data)                               \
	fn(struct db_record *rec _UNUSED_, DRAIN_OPEN_GLOBAL *global,         \
	   void *private_data)
#else
#define DRAIN_OPEN_FN(fn, global, private_data)                               \
	fn(DRAIN_OPEN_GLOBAL *global, void *private_data)
#endif

/*
 * Is this a persistent handle (4.25)? Its entry keeps the id of its smbd when
 * that has ended.
 */
static inline bool drain_entry_is_persistent(
	const struct share_mode_entry *e _UNUSED_)
{
#if DRAIN_SAMBA >= 425
	return e->flags & SHARE_ENTRY_FLAG_PERSISTENT_OPEN;
#else
	return false;
#endif
}

/* The flag of create_file_fn for a persistent handle */
#if DRAIN_SAMBA >= 425
#define DRAIN_PERSISTENT_OPEN NTCREATEX_FLAG_PERSISTENT_OPEN
#else
#define DRAIN_PERSISTENT_OPEN 0
#endif

/* Clear the delete-on-close flag that a persistent handle leaves (4.25) */
#if DRAIN_SAMBA >= 425
#define drain_forget_delete_on_close(lck, e)                                  \
	reset_delete_on_close_lck_open_id(lck, (e)->name_hash,                \
					  (e)->share_file_id)
#else
#define drain_forget_delete_on_close(lck, e)
#endif

#endif /* _DRAIN_SAMBA_COMPAT_H_ */
