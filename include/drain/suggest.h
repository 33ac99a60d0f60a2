// SPDX-License-Identifier: GPL-3.0-or-later
/* Suggest the target that a person meant by a path or a UNC name. */

#ifndef _DRAIN_SUGGEST_H_
#define _DRAIN_SUGGEST_H_

#include <talloc.h>

struct share_list;

/**
 * Guess the target that was meant by a text that is not a target: an absolute
 * path, \\SERVER\SHARE\PATH, or SHARE\PATH.
 *
 * @return "pkg/office"; NULL: nothing of the kind, or out of memory.
 */
char *shares_suggest(TALLOC_CTX *mem_ctx,
		     const struct share_list *list,
		     const char *text);

#endif /* _DRAIN_SUGGEST_H_ */
