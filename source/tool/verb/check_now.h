// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find what smbds and clients that are there now do to a drain, for "smbdrain
 * check".
 */

#ifndef _DRAIN_TOOL_VERB_CHECK_NOW_H_
#define _DRAIN_TOOL_VERB_CHECK_NOW_H_

#include "drain/samba_compat.h"

struct drain_record;
struct findings;
struct share_list;
struct tool;

/**
 * What stands in the way of a drain of these paths right now: that smbd does not
 * run, that one does not answer, clients that are connected without the module.
 *
 * @return false after a complaint.
 */
bool check_now(struct findings *f,
	       struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *paths);

#endif /* _DRAIN_TOOL_VERB_CHECK_NOW_H_ */
