// SPDX-License-Identifier: GPL-3.0-or-later
/* Exchange two directories, or the target of a link, in one step. */

#ifndef _DRAIN_TOOL_PUBLISH_EXCHANGE_H_
#define _DRAIN_TOOL_PUBLISH_EXCHANGE_H_

#include "drain/samba_compat.h"

struct drain_id;
struct pinned;

/**
 * Do what takes long while clients still use the old directory: give the new
 * one the owner, mode, ACL and extended attributes of the old one, and write
 * its files to disk.
 *
 * @return false after an error message.
 */
bool exchange_prepare(const struct pinned *old, const struct pinned *staged);

/**
 * Exchange two directories in one step, which need not be on disk yet on
 * return. Permissions of the old one that have changed since exchange_prepare()
 * are copied again.
 *
 * @return false after an error message.
 */
bool exchange_directories(const struct pinned *old,
			  const struct pinned *staged);

/**
 * Make a symbolic link point to another directory in one step, which need not
 * be on disk yet on return.
 *
 * @param[in] id  The id of the drain.
 * @param[in] path  Absolute and real. The new link is relative if the old one
 * was.
 * @return false after an error message: the link is unchanged, or another
 * process has changed it.
 */
bool exchange_link(const struct pinned *link,
		   const char *path,
		   const struct drain_id *id);

#endif /* _DRAIN_TOOL_PUBLISH_EXCHANGE_H_ */
