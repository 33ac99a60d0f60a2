// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The shares in smb.conf.
 */

#ifndef _DRAIN_SHARES_H_
#define _DRAIN_SHARES_H_

#include "drain/record.h"

struct share {
	const char *name;
	const char *path; /* from smb.conf, without quotes */
	const char *real; /* NULL: unknown, or there is no single one */
	const char *varies; /* the first substitution in the path, "%U" */
	const char *pattern; /* if so, the path, real up to that */
	const char **links; /* if so, targets of matching links (the tool) */
	size_t num_links;
	int error; /* errno if the real path is unknown */
	int module_index; /* in "vfs objects"; -1: without the module */
	const char *before; /* a module before it that may hide opens */
	const char *objects; /* "vfs objects" */
	const char *veto; /* "veto files" */
	const char *from; /* included for some clients only; NULL: for all */
	bool of_user; /* true: a usershare */
	int snum; /* until smb.conf is loaded again; -1: see @from */
};

struct share_list {
	struct share *shares;
	size_t num_shares;
};

/**
 * List the shares of files that clients can connect to, without printers and
 * IPC$.
 *
 * @return NULL: out of memory.
 */
struct share_list *shares_load(TALLOC_CTX *mem_ctx);

/** Find a share of all clients by name, ignoring case. NULL: there is none. */
const struct share *shares_find(const struct share_list *list,
				const char *name);

/**
 * Find a share with "available = no". Clients may still be connected to it.
 *
 * @return NULL: there is none, or out of memory.
 */
const struct share *shares_find_closed(TALLOC_CTX *mem_ctx, const char *name);

/** Test whether the module sees every open in a share. */
bool share_is_guarded(const struct share *share);

/**
 * Return what to do otherwise, such as "add "vfs objects = drain" to it".
 *
 * @return NULL: out of memory.
 */
char *share_advice(TALLOC_CTX *mem_ctx, const struct share *share);

/** Test for [homes], from which smbd makes a service for each user. */
bool share_is_homes(const struct share *share);

/**
 * Return the service that [homes] gives a user.
 *
 * @return NULL: there is no [homes], no such user, or no memory.
 */
const struct share *shares_find_home(TALLOC_CTX *mem_ctx,
				     const struct share_list *list,
				     const char *user);

#endif /* _DRAIN_SHARES_H_ */
