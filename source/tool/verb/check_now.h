// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find what prevents a drain at present, for "smbdrain check".
 */

#ifndef _DRAIN_TOOL_VERB_CHECK_NOW_H_
#define _DRAIN_TOOL_VERB_CHECK_NOW_H_

#include "drain/samba_compat.h"

struct drain_record;
struct findings;
struct share_list;
struct tool;

/**
 * Report what prevents a drain of these paths at present: smbd is not running,
 * an smbd does not answer, or clients are connected without the module.
 *
 * @return false after an error message.
 */
bool check_now(struct findings *f,
	       struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *paths);

#endif /* _DRAIN_TOOL_VERB_CHECK_NOW_H_ */
