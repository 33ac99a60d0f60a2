// SPDX-License-Identifier: GPL-3.0-or-later
/* Answer questions about shares: what they reach, what clients see of them. */

#ifndef _DRAIN_TOOL_SAMBA_SHARES_H_
#define _DRAIN_TOOL_SAMBA_SHARES_H_

#include "drain/samba_compat.h"

struct alias_list;
struct drain_record;
struct share;
struct share_list;

/**
 * Return true if the share can give access to a real path, or to a part of it.
 */
bool share_reaches(const struct share *share, const char *path);

/** Return true if the share can give access to files that the record covers. */
bool share_overlaps(const struct share *share,
		    const struct drain_record *record);

/** Like shares_make_record(), but return NULL after an error message. */
struct drain_record *shares_resolve(TALLOC_CTX *mem_ctx,
				    const struct share_list *list,
				    const char *target);

/**
 * Return the target that the user may have meant by @text, like
 * shares_suggest(), but also for a path relative to the working directory.
 * Return NULL if there is none.
 */
const char *shares_meant(TALLOC_CTX *mem_ctx,
			 const struct share_list *list,
			 const char *text);

/* The kinds of targets, which publish replaces in different ways */
enum target_kind {
	TARGET_DIRECTORY,
	TARGET_SHARE, /* the root of a share */
	TARGET_LINK, /* a symbolic link to a directory in the share */
};

/** Return the kind of the target of a record from shares_resolve(). */
enum target_kind shares_kind(const struct drain_record *record);

/** Return "directory", "share" or "link". */
const char *target_kind_string(enum target_kind kind);

/**
 * Return the path of the target itself: links on the way are resolved, but not
 * the target if it is a link.
 */
const char *shares_lexical(const struct drain_record *record);

/**
 * Return true if "veto files" of the share hides a path from clients.
 *
 * @param[in] path  Relative to the root of the share.
 */
bool share_hides(const struct share *share, const char *path);

/** Return a share through which clients can see a real path, or NULL. */
const struct share *shares_serving(const struct share_list *list,
				   const char *path);

/** Return an alias that the share gives access to, or NULL. */
const char *share_alias_in(const struct share *share,
			   const struct alias_list *list);

/**
 * Return true if a share gives access without the module to files that the
 * record covers. For [homes], trees.c checks the connected clients instead.
 *
 * @param[out] alias  The path in the share, if a mount is the reason; NULL: the
 * share does not use the module.
 */
bool share_passes_by(const struct share *share,
		     const struct drain_record *record,
		     const struct alias_list *aliases,
		     const char **alias);

#endif /* _DRAIN_TOOL_SAMBA_SHARES_H_ */
