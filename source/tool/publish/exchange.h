// SPDX-License-Identifier: GPL-3.0-or-later
/* Exchange two directories, or the target of a link, in one step. */

#ifndef _DRAIN_TOOL_PUBLISH_EXCHANGE_H_
#define _DRAIN_TOOL_PUBLISH_EXCHANGE_H_

#include "drain/samba_compat.h"

struct drain_id;
struct pinned;

/**
 * What takes long, while the old directory is still served: the new one gets
 * owner, mode, ACL and extended attributes of the old one, and all that was
 * written to it goes to disk.
 *
 * @return false after a complaint.
 */
bool exchange_prepare(const struct pinned *old, const struct pinned *staged);

/**
 * Exchange two directories in one step. It may not be on disk yet. What has
 * changed of the rights of the old one since exchange_prepare() is made up for.
 *
 * @return false after a complaint.
 */
bool exchange_directories(const struct pinned *old,
			  const struct pinned *staged);

/**
 * Have a symbolic link lead to another directory, in one step. It may not be on
 * disk yet.
 *
 * @param[in] id  Of the drain for which this is done.
 * @param[in] path  Absolute and real; written as the link was, relative or not.
 * @return false after a complaint: it leads where it did, or where somebody
 *         else has made it lead meanwhile.
 */
bool exchange_link(const struct pinned *link,
		   const char *path,
		   const struct drain_id *id);

#endif /* _DRAIN_TOOL_PUBLISH_EXCHANGE_H_ */
