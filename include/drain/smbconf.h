// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Options of the module in smb.conf, share by share.
 */

#ifndef _DRAIN_SMBCONF_H_
#define _DRAIN_SMBCONF_H_

#include "drain/options.h"

/* In drain.so before the release of Samba that it was built for */
#define DRAIN_MODULE_MARK "drain module for Samba "

struct drain_share_config {
	struct drain_options options;
	char **complaints; /* one for each invalid option */
	size_t num_complaints;
};

/**
 * Find a loaded service that clients can see or that is not available. Use this
 * instead of lp_servicenumber(), which loads a usershare again if its file was
 * changed, and then crashes if there is a "usershare template share".
 *
 * @param[in] name  Case does not matter.
 * @return The service number; -1: there is none.
 */
int drain_smbconf_find(const char *name);

/**
 * Read the drain: options of a loaded service, those of [global] first. Invalid
 * options have no effect and give a complaint.
 *
 * @param[in] snum  From drain_smbconf_find().
 * @return NULL: out of memory.
 */
struct drain_share_config *drain_smbconf_read(TALLOC_CTX *mem_ctx, int snum);

/**
 * Return the index of the module in "vfs objects" of a service.
 *
 * @return -1: the service does not use the module.
 */
int drain_smbconf_module_index(int snum);

/**
 * Return the first module in "vfs objects" that is before this one and may hide
 * opens or names from it, or NULL.
 */
const char *drain_smbconf_module_before(int snum);

/**
 * Return "vfs objects" of a service as one string; "" if there are none.
 *
 * @return NULL: out of memory.
 */
char *drain_smbconf_objects(TALLOC_CTX *mem_ctx, int snum);

/*
 * Values of options (words.c)
 */

/** Remove the quotes that smbd removes (lp_string()). NULL: out of memory. */
char *drain_words_unquote(TALLOC_CTX *mem_ctx, const char *value);

/**
 * Replace the substitutions that are the same for every client of this host.
 *
 * @param[in] share  The service with that value; NULL: [global].
 * @return NULL: out of memory.
 */
char *drain_words_settle(TALLOC_CTX *mem_ctx,
			 const char *value,
			 const char *share);

/**
 * Find the first substitution that depends on the client, in a result of
 * drain_words_settle(). A "%" that smbd does not replace is part of the name.
 *
 * @return NULL: there is none.
 */
const char *drain_words_vary(const char *value);

/** Test for a substitution that can expand to several components of a path. */
bool drain_words_lead_anywhere(const char *value);

#endif /* _DRAIN_SMBCONF_H_ */
