// SPDX-License-Identifier: GPL-3.0-or-later
/* Answer questions about shares: what they reach, what clients see of them. */

#ifndef _DRAIN_TOOL_SAMBA_SHARES_H_
#define _DRAIN_TOOL_SAMBA_SHARES_H_

#include "drain/samba_compat.h"

struct alias_list;
struct drain_record;
struct share;
struct share_list;

/** May the share give access to an absolute real path, or a part of that? */
bool share_reaches(const struct share *share, const char *path);

/** May it to what the record covers? */
bool share_overlaps(const struct share *share,
		    const struct drain_record *record);

/** The same as shares_make_record(); NULL after a complaint. */
struct drain_record *shares_resolve(TALLOC_CTX *mem_ctx,
				    const struct share_list *list,
				    const char *target);

/**
 * The target that a person may have meant who typed @text: as shares_suggest(),
 * and a relative path is taken from the working directory. NULL: nothing is
 * like it.
 */
const char *shares_meant(TALLOC_CTX *mem_ctx,
			 const struct share_list *list,
			 const char *text);

/* What kind of thing a target is, for those who replace it */
enum target_kind {
	TARGET_DIRECTORY,
	TARGET_SHARE, /* the root of one */
	TARGET_LINK, /* a symbolic link to a directory in the share */
};

/** Of a record that shares_resolve() has made. */
enum target_kind shares_kind(const struct drain_record *record);

/** "directory", "share", "link". */
const char *target_kind_string(enum target_kind kind);

/** The path of what the target names itself, links on the way resolved. */
const char *shares_lexical(const struct drain_record *record);

/**
 * Do its "veto files" hide a path in the share from clients?
 *
 * @param[in] path  Relative to the root of the share.
 */
bool share_hides(const struct share *share, const char *path);

/** A share through which clients see an absolute real path; NULL: none. */
const struct share *shares_serving(const struct share_list *list,
				   const char *path);

/** One that the share gives access to; NULL: none. */
const char *share_alias_in(const struct share *share,
			   const struct alias_list *list);

/**
 * Does a share give access to what the record covers past the module, whoever
 * connects to it? Of [homes] only who is connected is looked at: trees.c.
 *
 * @param[out] alias  NULL: it has no module. Else by a mount, as this path.
 */
bool share_passes_by(const struct share *share,
		     const struct drain_record *record,
		     const struct alias_list *aliases,
		     const char **alias);

#endif /* _DRAIN_TOOL_SAMBA_SHARES_H_ */
