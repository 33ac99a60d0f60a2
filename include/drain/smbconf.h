/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What smb.conf says about the module, share by share.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_SMBCONF_H_
#define _DRAIN_SMBCONF_H_

#include "drain/options.h"

/* In drain.so, for whoever wants to know what it was built for */
#define DRAIN_MODULE_MARK "drain module for Samba "

struct drain_share_config {
	struct drain_options options;
	char **complaints; /* one for each option that is not right */
	size_t num_complaints;
};

/**
 * The number of a loaded service that clients can see or that is not available.
 * lp_servicenumber() loads a usershare again if its file was changed, and
 * crashes on the gap that it has just made among the services, if there is a
 * "usershare template share".
 *
 * @return -1: there is none of that name, case ignored.
 */
int drain_smbconf_find(const char *name);

/**
 * Read the drain: options of a loaded service, [global] first, then its own.
 * What is not right is complained of and has no effect.
 *
 * @param[in] snum  A service number, see drain_smbconf_find().
 * @return NULL: out of memory.
 */
struct drain_share_config *drain_smbconf_read(TALLOC_CTX *mem_ctx, int snum);

/**
 * The place of the module in "vfs objects" of a service; 0 is the first.
 *
 * @return -1: the service does not use it.
 */
int drain_smbconf_module_index(int snum);

/**
 * The first module before ours in "vfs objects" that may keep opens or names
 * from it. NULL: there is none.
 */
const char *drain_smbconf_module_before(int snum);

/**
 * "vfs objects" of a service as one string, "" if there are none. NULL: out of
 * memory.
 */
char *drain_smbconf_objects(TALLOC_CTX *mem_ctx, int snum);

/*
 * words.c: values as smbd makes use of them
 */

/** Without the quotes that smbd strips (lp_string()). NULL: out of memory. */
char *drain_words_unquote(TALLOC_CTX *mem_ctx, const char *value);

/**
 * Replace the %-words that are the same for every client of this host.
 *
 * @param[in] share  The service that the value is of; NULL: of [global].
 * @return NULL: out of memory.
 */
char *drain_words_settle(TALLOC_CTX *mem_ctx,
			 const char *value,
			 const char *share);

/**
 * The first %-word that depends on who asks, in what is settled. NULL: none. A
 * "%" that smbd does not replace is part of the name.
 */
const char *drain_words_vary(const char *value);

/** May such a word stand for more than one component of a path? */
bool drain_words_lead_anywhere(const char *value);

#endif /* _DRAIN_SMBCONF_H_ */
