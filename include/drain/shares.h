/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The shares in smb.conf.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_SHARES_H_
#define _DRAIN_SHARES_H_

#include "drain/record.h"

struct share {
	const char *name;
	const char *path; /* as in smb.conf, without quotes around it */
	const char *real; /* NULL: unknown, see @varies */
	const char *varies; /* "%U": the first word in the path that varies */
	const char *pattern; /* then: the path, real as far as nothing varies */
	const char **links; /* and where links that fit it lead, see the tool */
	size_t num_links;
	int error; /* why its real path is not known, if nothing varies */
	int module_index; /* -1: without the module */
	const char *before; /* the module before it that may hide opens */
	const char *objects; /* all its "vfs objects" */
	const char *veto; /* its "veto files" */
	const char *from; /* the file that only some clients get; NULL: all do */
	bool of_user; /* a usershare */
	int snum; /* until smb.conf is loaded again; -1: of such a file */
};

struct share_list {
	struct share *shares;
	size_t num_shares;
};

/**
 * All shares of files that clients can connect to; printers and IPC$ are none.
 * NULL: out of memory.
 */
struct share_list *shares_load(TALLOC_CTX *mem_ctx);

/** One that all clients get, by name, case ignored; NULL: there is none. */
const struct share *shares_find(const struct share_list *list,
				const char *name);

/**
 * One that smb.conf says is not available: clients may be connected to it still.
 * NULL: there is none of that name, or no memory.
 */
const struct share *shares_find_closed(TALLOC_CTX *mem_ctx, const char *name);

/** Does every open in the share come to the module? */
bool share_is_guarded(const struct share *share);

/**
 * What to do for that, as in "add "vfs objects = drain" to it". NULL: out of
 * memory.
 */
char *share_advice(TALLOC_CTX *mem_ctx, const struct share *share);

/** [homes]: lends itself to a service for each user, named after the user. */
bool share_is_homes(const struct share *share);

/**
 * What [homes] lends itself to for a user. NULL: there is no [homes], no such
 * user, or no memory.
 */
const struct share *shares_find_home(TALLOC_CTX *mem_ctx,
				     const struct share_list *list,
				     const char *user);

#endif /* _DRAIN_SHARES_H_ */
