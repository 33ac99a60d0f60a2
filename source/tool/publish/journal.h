// SPDX-License-Identifier: GPL-3.0-or-later
/* Publish the root of a share, entry by entry. */

#ifndef _DRAIN_TOOL_PUBLISH_JOURNAL_H_
#define _DRAIN_TOOL_PUBLISH_JOURNAL_H_

#include "drain/samba_compat.h"

struct drain_record;
struct pinned;
struct share;
struct tool;

/* A publish of the root of a share, entry by entry */
struct root_publish {
	struct tool *tool;
	const struct drain_record *record;
	const struct share *share;
	const struct pinned *root;
	const struct pinned *staged; /* its files are on disk */
	bool undo;
};

/**
 * Publish, complete an interrupted publish, or revert one.
 *
 * @return false after an error message.
 */
bool journal_publish(const struct root_publish *publish);

#endif /* _DRAIN_TOOL_PUBLISH_JOURNAL_H_ */
