/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The rooms of the module:
 *
 * vfs_drain.c   the hooks, a few lines each: they ask the others
 * log.c         what each line of the log names
 * selfcheck.c   is this the smbd that we were built for
 * config.c      complaints about options in smb.conf
 * client.c      the addresses that a client comes from
 * process.c     what one smbd has once: bus, roster, tree connections
 * drains.c      the drains that it obeys, and which handles count in them
 * place.c       from a name that a hook got to the drains it is in
 * locate.c      where that name, or what is open, is on the disk
 * spelling.c    other names of drained directories, by device and inode
 * exempt.c      users and hosts that a drain does not concern
 * breaks.c      telling clients to give back what they only cache
 * gate.c        what an open or a rename is told
 * own.c         what smbd changes by itself
 * park.c        opens that wait for the end of a drain
 * jitter.c      not in the module that is installed: all opens wait a bit
 * close.c       closing handles of the client, safely
 * in_use.c      which handles its requests use
 * answer.c      what tools ask, and what they are told
 * rejoin.c      after a recovery of the cluster
 * smbcontrol.c  what people ask with the stock smbcontrol
 *
 * One smbd serves one client (one or more connections with the same client
 * GUID) and has one thread, so that a hook runs to its end
 * before a message is looked at: flags in memory and an acknowledgement are
 * enough to close a share.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_MODULE_H_
#define _DRAIN_MODULE_H_

#include "drain/samba_compat.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
#include "smbd/fd_handle.h"
#include "lib/tsocket/tsocket.h"
#include "libcli/security/security.h"
#include "lib/util/dlinklist.h"
#include "drain/address.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/fold.h"
#include "drain/locks.h"
#include "drain/options.h"
#include "drain/scope.h"
#include "drain/store.h"

/* "log level = drain:5" */
extern int drain_debug_class;
#undef DBGC_CLASS
#define DBGC_CLASS drain_debug_class

/* All that lets a client keep a file open that it does not use */
#define DRAIN_OPLOCKS                                                         \
	(EXCLUSIVE_OPLOCK | BATCH_OPLOCK | LEVEL_II_OPLOCK | LEASE_OPLOCK)

/* The core speaks MS-SMB2 without Samba's headers: the numbers are the same */
#define DRAIN_SAME(ours, samba) _Static_assert((ours) == (samba), #samba)
DRAIN_SAME(DRAIN_READ_DATA, SEC_FILE_READ_DATA);
DRAIN_SAME(DRAIN_WRITE_DATA, SEC_FILE_WRITE_DATA);
DRAIN_SAME(DRAIN_APPEND_DATA, SEC_FILE_APPEND_DATA);
DRAIN_SAME(DRAIN_READ_EA, SEC_FILE_READ_EA);
DRAIN_SAME(DRAIN_WRITE_EA, SEC_FILE_WRITE_EA);
DRAIN_SAME(DRAIN_EXECUTE, SEC_FILE_EXECUTE);
DRAIN_SAME(DRAIN_DELETE_CHILD, SEC_DIR_DELETE_CHILD);
DRAIN_SAME(DRAIN_READ_ATTRIBUTES, SEC_FILE_READ_ATTRIBUTE);
DRAIN_SAME(DRAIN_WRITE_ATTRIBUTES, SEC_FILE_WRITE_ATTRIBUTE);
DRAIN_SAME(DRAIN_DELETE, SEC_STD_DELETE);
DRAIN_SAME(DRAIN_READ_CONTROL, SEC_STD_READ_CONTROL);
DRAIN_SAME(DRAIN_WRITE_DAC, SEC_STD_WRITE_DAC);
DRAIN_SAME(DRAIN_WRITE_OWNER, SEC_STD_WRITE_OWNER);
DRAIN_SAME(DRAIN_SYNCHRONIZE, SEC_STD_SYNCHRONIZE);
DRAIN_SAME(DRAIN_SYSTEM_SECURITY, SEC_FLAG_SYSTEM_SECURITY);
DRAIN_SAME(DRAIN_MAXIMUM_ALLOWED, SEC_FLAG_MAXIMUM_ALLOWED);
DRAIN_SAME(DRAIN_SUPERSEDE, FILE_SUPERSEDE);
DRAIN_SAME(DRAIN_OPEN, FILE_OPEN);
DRAIN_SAME(DRAIN_CREATE, FILE_CREATE);
DRAIN_SAME(DRAIN_OPEN_IF, FILE_OPEN_IF);
DRAIN_SAME(DRAIN_OVERWRITE, FILE_OVERWRITE);
DRAIN_SAME(DRAIN_OVERWRITE_IF, FILE_OVERWRITE_IF);
DRAIN_SAME(DRAIN_OPTION_DELETE_ON_CLOSE, FILE_DELETE_ON_CLOSE);

/* A tree connection to a share with the module */
struct drain_tree {
	struct drain_tree *prev, *next;
	struct vfs_handle_struct *handle;
	bool no_durable_handles; /* drain:durable handles = no */
	bool with_fruit; /* among its "vfs objects" */
};

struct drain_place;

/* A handle in a drain: does it count? Decided once; see drains.c for who owns what */
struct drain_mark {
	struct drain_mark *prev, *next; /* in the drain */
	struct drain_mark *sibling; /* of the same handle, in other drains */
	struct drain_handle *handle;
	struct drain *drain;
	bool exempt; /* it does not count, and is not in the drain's list */
};

/* A drain as this smbd obeys it */
struct drain {
	struct drain *prev, *next;
	struct drain_record *record;
	struct drain_mark *marks;
	size_t num_marks;
	size_t num_exempt; /* marks that do not count */
	size_t num_returning; /* durable handles on their way back */
	bool returns; /* the one that comes just now is among them */
	bool held; /* this process has hold(id) */
	bool fresh; /* just begun: nothing was broken yet */
	bool narrower; /* of late: some marks may be of what it covered */
	struct tevent_timer *deadline; /* of force; NULL: none */
	struct drain_parked *parked; /* opens that wait for its end */
	struct server_id *watchers; /* who wants to hear of each holder */
	size_t num_watchers;
};

/* A path, and how far we have gone through the drains that it is in */
struct drain_path {
	char path[DRAIN_FOLDED_MAX]; /* "": there is no such path */
	struct drain_walk walk; /* of all of it */
	const struct drain_root *root;
	size_t next;
};

/* Where opens come from again and again: the root of a share */
struct drain_near {
	char dir[PATH_MAX]; /* as smbd calls it; "": not known yet */
	struct drain_path path;
};

/* What one smbd has once */
struct drain_process {
	struct messaging_context *msg_ctx;
	struct drain_store *store;
	struct drain_locks *locks;
	struct drain_tree *trees;
	bool on_roster;
	struct tevent_timer *rejoin; /* after a recovery; NULL: done */

	struct drain *drains; /* NULL: nothing drains, the normal state */
	uint64_t version; /* of the records that they come from */
	struct drain_scope *scope; /* of folded paths */
	struct drain_near near; /* in that scope */
	const char *making; /* the directory that smbd makes just now, or NULL */

	uint32_t num_errors;
	char last_error[1024];
};

extern struct drain_process drain_process;

/* vfs_drain.c */

/**
 * Be asked about opens from now on, or not: while nothing drains, and no open
 * that has waited is on its way back, that costs nothing. To be called whenever
 * one of these has changed.
 */
void drain_vfs_hook_opens(void);

/* log.c */

/* What a line of the log is about; text, on talloc_tos() where it is made */
struct drain_about {
	const char *client;
	const char *share;
	const char *path;
};

/** All shares that the client uses. */
struct drain_about drain_about_all(void);
struct drain_about drain_about_tree(const struct connection_struct *conn);
struct drain_about drain_about_drain(const struct drain *drain);
struct drain_about drain_about_place(const struct connection_struct *conn,
				     const struct drain_place *place);
/** Its path is on talloc_tos(), as all below. */
struct drain_about drain_about_handle(const struct files_struct *fsp);

/** "client C, share S, path P", with text from strangers on one line. */
const char *drain_about_text(struct drain_about about);

/** Text from strangers, on one line. */
const char *drain_log_text(const char *untrusted);

/*
 * DRAIN_LOG(DBG_NOTICE, about, "why", ...): a line of the log, which names the
 * client, the share, the path, and why.
 */
#define DRAIN_LOG(dbg, about, fmt, ...)                                       \
	dbg("drain: %s: " fmt "\n", drain_about_text(about), ##__VA_ARGS__)

/* selfcheck.c */

/**
 * Is this smbd built like the headers that the module was built with? Looks
 * at sizes only, by talloc, before anything is dereferenced.
 */
bool drain_selfcheck(struct vfs_handle_struct *handle, const char *share);

/* config.c */

/**
 * Read the drain: options of a share; what is wrong with them is logged, once
 * a process.
 *
 * @param[out] options  The strings hang off @mem_ctx.
 */
void drain_config_read(TALLOC_CTX *mem_ctx,
		       const struct connection_struct *conn,
		       struct drain_options *options);

/* client.c */

/* The connections of a session, as Samba keeps them */
struct drain_channels {
	const DRAIN_CHANNEL_GLOBAL *list;
	size_t num;
};

/**
 * The connections that a session is bound to; after the last one has ended,
 * that one. None if smbd does not know the session.
 *
 * @param[in] vuid  As in drain_process_user().
 */
struct drain_channels drain_client_channels(
	const struct connection_struct *conn, uint64_t vuid);

/** Their addresses. On talloc_tos(), as all below. */
struct drain_addresses drain_client_addresses(
	const struct connection_struct *conn, uint64_t vuid);

/** The same as one word: "10.0.0.17", or "10.0.0.17+1" if there is another. */
const char *drain_client_text(const struct connection_struct *conn,
			      uint64_t vuid);

/** Of all connections of this smbd. */
const char *drain_client_all(void);

/** Of its first connection, which may have ended; looks at no structure. */
const char *drain_client_first(void);

/* process.c */

/**
 * A client connects to a share with the module: join the roster, learn of the
 * drains. As root.
 *
 * @return NULL when that failed: the tree connect must fail, for an smbd that
 *         does not know whether it is draining must not serve the share.
 */
struct drain_tree *drain_process_join(struct vfs_handle_struct *handle);

/** It is gone; the last one leaves the roster. */
void drain_process_leave(struct drain_tree *tree);

/** The tree connection of @conn, or NULL when nobody guards it. */
struct drain_tree *drain_process_tree(const struct connection_struct *conn);

/** Who all clients of this smbd are; NULL when there are none any more. */
struct smbd_server_connection *drain_process_sconn(void);

/**
 * Who uses a tree connection, as the client has logged in: "force user" makes
 * everybody the same on the disk, but not to people.
 *
 * @param[in] vuid  The session: with SMB1 several share a tree connection, and
 *                  @conn has that of the last request (smbd/uid.c).
 */
const struct auth_session_info *drain_process_user(
	const struct connection_struct *conn, uint64_t vuid);

/** Note an internal error: counted, shown by status, logged once. */
void drain_process_error(struct drain_about about, const char *fmt, ...)
	PRINTF_ATTRIBUTE(2, 3);

/* drains.c */

/**
 * Make what this smbd obeys the same as the records are: new drains, changed
 * ones, ended ones. As root.
 *
 * @param[out] num_unreadable  Records that nobody can obey.
 */
NTSTATUS drains_sync(size_t *num_unreadable);

/**
 * The same, as whoever is served just now: the message that something has
 * changed may have been lost. An error is noted; unreadable records are not.
 */
bool drains_catch_up(void);

/** The drain with this id that is obeyed here, or NULL. */
struct drain *drains_find(const struct drain_id *id);

/** Does this handle of a client count in a drain of that policy? */
bool drains_handle_counts(const struct files_struct *fsp,
			  const struct drain_policy *policy);

/**
 * A durable handle is coming back: be a holder of the drains that it is in
 * before it exists.
 *
 * @param[in] name  As in drain_place_init(); NULL: nobody knows, so that it
 *                  may be in any drain that reaches into the share.
 *
 * @return false: a drain is quiescent, or can not be held; refuse it.
 *         Else call drains_return_end().
 */
bool drains_return_begin(struct connection_struct *conn, const char *name);

/**
 * It is there (@fsp) or it is not (NULL).
 *
 * @return false: it is in a drain that it must not come back to; close it.
 */
bool drains_return_end(struct files_struct *fsp);

/* locate.c */

/* A directory entry, by its names on the disk */
struct drain_entry {
	char dir[PATH_MAX]; /* the real path of its directory */
	char name[PATH_MAX];
};

/**
 * Where an open file is now; of a stream, where its file is.
 *
 * @return false: it is deleted, its descriptor is made up, or it has none.
 */
bool drain_locate_fsp(const struct files_struct *fsp, char path[PATH_MAX]);

/** The last component of a path. */
const char *drain_locate_last(const char *name);

/**
 * Where a name leads that all modules of the share have mapped.
 *
 * @param[in] name  Relative to the root of the share, where smbd must be.
 */
NTSTATUS drain_locate_name(struct connection_struct *conn,
			   const char *name,
			   char path[PATH_MAX]);

/**
 * A directory entry (not what it links to).
 *
 * @param[in] name    As for drain_locate_name().
 * @param[in] exists  It may be there.
 * @return false: its directory is not there, or its name is too long.
 */
bool drain_locate_entry(struct connection_struct *conn,
			const struct files_struct *dirfsp,
			const char *name,
			bool exists,
			struct drain_entry *entry);

/**
 * Is an open file a previous version? A client can ask for any time; if there
 * is no snapshot of it, smbd may open the file as it is now.
 *
 * @param[in] fsp        NULL, or not open: it is none.
 * @param[in] smb_fname  By which it was opened.
 */
bool drain_locate_is_snapshot(const struct files_struct *fsp,
			      const struct smb_filename *smb_fname);

/* spelling.c */

/**
 * Is what a file system finds by @path, directly in @dir, among what is drained
 * or above it? NULL: no. Else how the record spells it.
 */
const char *drain_spelling_find(struct drain_below *below,
				const char *dir,
				const char *path);

/* deadline.c */

/** Act on the deadline of a drain when it comes: force and resume. */
void drain_set_deadline(struct drain *drain);

/** Is it time to close what is left? */
bool drain_is_forced(const struct drain *drain);

/* place.c */

/* Something in a share, and the drains that it is in */
struct drain_place {
	struct drain_path name; /* by the name that the client used */
	struct drain_path real; /* links resolved, if known and different */
	bool case_sensitive;
};

/**
 * The place of a name, links resolved if it is there.
 *
 * @param[in] name  Relative to the share; "." its root.
 * @return false, as from those below: it is too long to tell; take it for
 *         drained.
 */
bool drain_place_init(struct drain_place *place,
		      struct connection_struct *conn,
		      const char *name);

/** Of what an open asks for, as create_file_fn is called. */
bool drain_place_of_open(struct drain_place *place,
			 struct connection_struct *conn,
			 const struct files_struct *dirfsp,
			 const struct smb_filename *smb_fname);

/** Of an open handle. */
bool drain_place_of_handle(struct drain_place *place,
			   const struct files_struct *fsp);

/** Of a directory entry (not of what it links to), as renameat_fn is called. */
bool drain_place_at(struct drain_place *place,
		    struct connection_struct *conn,
		    const struct files_struct *dirfsp,
		    const struct smb_filename *smb_fname);

/** Start again, after the drains have changed. */
void drain_place_rewind(struct drain_place *place);

/** The next drain that it is in; NULL: no more. */
struct drain *drain_place_next(struct drain_place *place);

/** Is it a drained directory, or above one? */
bool drain_place_above(const struct drain_place *place);

/** Is an open file in a path of @record, by the rules of its share? */
bool drain_place_handle_in(const struct files_struct *fsp,
			   const struct drain_record *record);

/** Has this client a counted handle in the drain on the file at @path? */
bool drains_holds(const struct drain *drain, const char *path);

/**
 * May a client that has files open in the drain open more? Until its last one
 * is closed, or all are closed by force.
 *
 * @param[in] but  Is not taken for one that it has open; NULL: all are.
 */
bool drains_may_finish(const struct drain *drain,
		       const struct files_struct *but);

/**
 * Was a handle in the drain found exempt? That stays so until it is closed,
 * and so does the opposite, whatever connections its session gets or loses.
 */
bool drains_handle_is_exempt(const struct files_struct *fsp,
			     const struct drain *drain);

/** The handle of a mark. */
struct files_struct *drains_mark_fsp(const struct drain_mark *mark);

/** A client that may finish, or is exempt, has opened one more file. */
void drains_opened(struct files_struct *fsp);

/** Hold again, once more, what is held here. As root. */
NTSTATUS drains_hold_again(void);

/* rejoin.c */

/** Hear of recoveries of the cluster, if there is one. As root. */
bool drain_rejoin_hear(void);

/** Come back to the roster and the locks after a recovery, and catch up. */
void drain_rejoin(void);

/**
 * Catch up if others know of drains, or of the end of drains, of which this
 * smbd does not. In a cluster only; elsewhere all are asked.
 *
 * @return Whether there was something to catch up with.
 */
bool drain_rejoin_if_behind(void);

/* exempt.c */

/**
 * Does the drain not concern this session of a tree connection? For a handle
 * that is open, see drains_handle_is_exempt().
 */
bool drain_is_exempt(const struct connection_struct *conn,
		     uint64_t vuid,
		     const struct drain_policy *policy);

/**
 * Would the handle count in a drain that it is in, if its client were not
 * exempt?
 */
bool drain_exempts_handle(const struct files_struct *fsp);

/* breaks.c */

/** Break what a client caches of a handle, down to reading. */
void drain_break_cache(struct files_struct *fsp);

/* gate.c */

/* What an open is told, and how it goes on if it is granted */
struct drain_answer {
	enum drain_verdict verdict;
	struct drain *drain; /* that does not grant it */
	bool ended; /* but that one is not in force any more */
	bool no_caches; /* no lease, oplock or durable handle may come of it */
	bool mark; /* of a client that may finish, or is exempt */
	bool list_only; /* a directory, granted for no more than listing */
};

/** Is a drain that is obeyed here still in force? The record decides. */
bool drain_gate_in_force(const struct drain *drain);

/** An open by a client while something drains. */
struct drain_answer drain_gate_open(struct connection_struct *conn,
				    struct drain_place *place,
				    const struct drain_open *open);

/** The same after an answer that had ended; @place is looked at anew. */
struct drain_answer drain_gate_ask_again(struct connection_struct *conn,
					 struct drain_place *place,
					 const struct drain_open *open);

/**
 * An open that smbd has done, @fsp: should it not have?
 *
 * @return A drain that all others knew to be armed before, and that does not
 *         grant it; NULL: there is none.
 */
const struct drain *drain_gate_too_late(const struct files_struct *fsp,
					struct drain_place *place,
					const struct drain_open *open);

/** The status of an open that is refused, after a word in the log. */
NTSTATUS drain_gate_refuse(struct connection_struct *conn,
			   const struct drain_place *place,
			   const struct drain *drain);

/** May @src be renamed or linked to @dst while something drains? */
bool drain_gate_move(struct connection_struct *conn,
		     struct drain_place *src,
		     struct drain_place *dst);

/**
 * May an entry be made or taken away, past create_file_fn, while something
 * drains? That is links and special files of SMB1's Unix extensions, and
 * directories by a handle from before.
 */
bool drain_gate_entry(struct connection_struct *conn,
		      struct drain_place *place);

/* own.c */

/** Does something drain, and is it a connection that we guard? */
bool drain_own_applies(struct vfs_handle_struct *handle);

/** May smbd open a file, as create_file_fn is called without a request? */
bool drain_own_may_open(struct vfs_handle_struct *handle,
			const struct files_struct *dirfsp,
			const struct smb_filename *smb_fname,
			const struct drain_open *open);

/** May smbd remove a file, or open it to write, below create_file_fn? */
bool drain_own_may_change_entry(struct vfs_handle_struct *handle,
				const struct files_struct *dirfsp,
				const struct smb_filename *smb_fname);

/* Hooks, while something drains and vfs_fruit is there */
int drain_own_openat(struct vfs_handle_struct *handle,
		     const struct files_struct *dirfsp,
		     const struct smb_filename *smb_fname,
		     struct files_struct *fsp,
		     const struct vfs_open_how *how);
int drain_own_fremovexattr(struct vfs_handle_struct *handle,
			   struct files_struct *fsp,
			   const char *name);

/* park.c */

/* An open that was parked before it came again */
struct drain_parking {
	bool was_parked;
	struct timeval since; /* when it came first */
};

/**
 * An open comes, perhaps again. If it was parked, smbd forgets that, as it has
 * to before the open goes on in whatever way.
 */
struct drain_parking drain_park_take_back(struct smb_request *req);

/**
 * Let an open wait for the end of a drain, or until it has waited for as long
 * as the drain allows. Then it comes again, from the start.
 *
 * @param[in] before  What drain_park_take_back() has said.
 *
 * @return false: it can not wait: no SMB2 CREATE, or one in a compound that
 *         smbd could not begin anew, or it has waited for long enough, or too
 *         many do. Else return any error to smbd, which tells the client
 *         STATUS_PENDING.
 */
bool drain_park(struct drain *drain,
		struct connection_struct *conn,
		struct smb_request *req,
		const struct drain_parking *before);

/**
 * The same, for whatever reason.
 *
 * @param[in] list   Where it is remembered until then.
 * @param[in] since  When it came first.
 */
bool drain_park_until(struct drain_parked **list,
		      struct connection_struct *conn,
		      struct smb_request *req,
		      struct timeval since,
		      struct timeval until);

/** Those that wait for the drain come again, the oldest first. */
void drain_park_release(struct drain *drain);

/** So do all of a tree connection that ends, to be told that it does. */
void drain_park_release_tree(const struct connection_struct *conn);

/** Is an open of this client parked, or on its way back? */
bool drain_park_any(void);

/** How many wait for the drain. @param[out] since  The oldest; 0: none. */
size_t drain_park_count(const struct drain *drain, struct timeval *since);

/* jitter.c, in the module for tests of its own (./waf disturb) */

#ifdef DRAIN_JITTER

/**
 * Let an open wait for some milliseconds for no reason, unless it has waited,
 * or was put off by smbd itself.
 *
 * @return false: it goes on.
 */
bool drain_jitter(struct connection_struct *conn,
		  struct smb_request *req,
		  const struct drain_parking *before);

#define DRAIN_JITTERS true

#else

static inline bool drain_jitter(struct connection_struct *conn _UNUSED_,
				struct smb_request *req _UNUSED_,
				const struct drain_parking *before _UNUSED_)
{
	return false;
}

#define DRAIN_JITTERS false

#endif

/* in_use.c */

/* What a request in progress uses: see drain_use_is_of() */
struct drain_use {
	const struct files_struct *fsp; /* may be freed: only to compare */
	DATA_BLOB input; /* in which there may be the file id of another */
	bool writes;
	bool sends; /* answered, but for its data */
};

typedef void (*drain_use_fn)(const struct drain_use *use, void *private_data);

/** Go through all requests in progress of the client, of all connections. */
void drain_uses_forall(const struct smbd_server_connection *sconn,
		       drain_use_fn fn,
		       void *private_data);

/** Does that request use the handle @fsp of a client? */
bool drain_use_is_of(const struct drain_use *use,
		     const struct files_struct *fsp);

/**
 * Does data of a READ wait for a client that takes nothing?
 *
 * @param[inout] progress  What is compared with the call before; 0 at first.
 * @return Nothing was sent, nor acknowledged, since that call.
 */
bool drain_sends_nothing(const struct smbd_server_connection *sconn,
			 uint64_t *progress);

/**
 * End each connection that has such data: smbd then does what it does when the
 * client hangs up.
 */
void drain_hang_up(const struct smbd_server_connection *sconn);

/* close.c */

/**
 * Close handles of the client for good: data that it caches is written back
 * first if it answers in time, requests in flight are ended or waited for.
 * Works until all of them are gone, for as long as there is a client. Handles
 * that are others by now (key is the fnum) are left alone. Doing it twice is
 * harmless.
 *
 * Nothing is closed before the event loop runs. The request belongs to @sconn.
 */
struct tevent_req *drain_close_send(struct smbd_server_connection *sconn,
				    const struct drain_close_handle *handles,
				    size_t num);

/** @param[out] num_closed  Without those that went by themselves. */
NTSTATUS drain_close_recv(struct tevent_req *req, uint32_t *num_closed);

/** Start to close all handles that count in a drain. */
void drain_close_marked(const struct drain *drain);

/* answer.c */

/** Handler of MSG_DRAIN_REQUEST. */
void drain_answer(struct messaging_context *msg_ctx,
		  void *private_data,
		  uint32_t msg_type,
		  struct server_id src,
		  DATA_BLOB *data);

/** Tell who watches that a counted handle has gone. */
void drain_answer_gone(struct drain *drain, struct files_struct *fsp);

/* smbcontrol.c */

/**
 * From now on "smbcontrol smbd close-share drain:TARGET" begins a drain, and
 * "resume:TARGET" ends it; what is said of shares goes on to smbd.
 */
NTSTATUS drain_smbcontrol_hear(struct messaging_context *msg_ctx,
			       struct smbd_server_connection *sconn);

#endif /* _DRAIN_MODULE_H_ */
