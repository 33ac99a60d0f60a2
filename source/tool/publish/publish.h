// SPDX-License-Identifier: GPL-3.0-or-later
/* Put a prepared directory in the place of a quiescent target. */

#ifndef _DRAIN_TOOL_PUBLISH_PUBLISH_H_
#define _DRAIN_TOOL_PUBLISH_PUBLISH_H_

#include "drain/samba_compat.h"

struct drain_id;
struct share_list;
struct tool;

struct publish;

/**
 * Check all that can be checked before there is a drain.
 *
 * @param[in] new_directory   To become what tool->options->target is.
 * @param[in] may_be_missing  Only whether it could be published is asked.
 * @return NULL after a complaint.
 */
struct publish *publish_new(TALLOC_CTX *mem_ctx,
			    struct tool *tool,
			    const struct share_list *shares,
			    const char *new_directory,
			    bool may_be_missing);

/**
 * What takes long: best done before users have to wait, else by publish_now().
 *
 * @return false after a complaint.
 */
bool publish_prepare(struct publish *p);

/**
 * Do it. The target must be quiescent.
 *
 * @param[in] id     Whoever holds the drain knows its id.
 * @param[in] owned  The end of the drain is the caller's.
 * @return false after a complaint: nothing has changed, unless it is the root
 *         of a share, see end_is_half_published().
 */
bool publish_now(struct publish *p, const struct drain_id *id, bool owned);

/**
 * The rest: get it to disk, and tell the person. Users need not wait for that:
 * what a power failure can still undo, it undoes as a whole.
 *
 * @return false after a complaint.
 */
bool publish_finish(const struct publish *p);

#endif /* _DRAIN_TOOL_PUBLISH_PUBLISH_H_ */
