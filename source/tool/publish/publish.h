// SPDX-License-Identifier: GPL-3.0-or-later
/* Replace a quiescent target with a prepared directory. */

#ifndef _DRAIN_TOOL_PUBLISH_PUBLISH_H_
#define _DRAIN_TOOL_PUBLISH_PUBLISH_H_

#include "drain/samba_compat.h"

struct drain_id;
struct share_list;
struct tool;

struct publish;

/**
 * Do all checks that need no drain.
 *
 * @param[in] new_directory  The directory that replaces the target.
 * @param[in] may_be_missing  Check only if it could be published.
 * @param[in] undo  Revert an interrupted publish; only for a whole share.
 * @return NULL after an error message.
 */
struct publish *publish_new(TALLOC_CTX *mem_ctx,
			    struct tool *tool,
			    const struct share_list *shares,
			    const char *target,
			    const char *new_directory,
			    bool may_be_missing,
			    bool undo);

/**
 * Do what takes long, if possible before clients have to wait. publish_now()
 * does it otherwise.
 *
 * @return false after an error message.
 */
bool publish_prepare(struct publish *p);

/**
 * Publish. The target must be quiescent.
 *
 * @param[in] id  The id of the drain, which its holder knows.
 * @param[in] owned  true if the caller holds owner(id).
 * @return false after an error message: nothing has changed, except in the root
 * of a share, see end_is_half_published().
 */
bool publish_now(struct publish *p, const struct drain_id *id, bool owned);

/**
 * Write the result to disk and print it. Clients need not wait for that,
 * because a power failure can only undo the exchange as a whole.
 *
 * @return false after an error message.
 */
bool publish_finish(const struct publish *p);

#endif /* _DRAIN_TOOL_PUBLISH_PUBLISH_H_ */
