// SPDX-License-Identifier: GPL-3.0-or-later
/* Suggest the target that a person meant by a path or a UNC name. */

#ifndef _DRAIN_SUGGEST_H_
#define _DRAIN_SUGGEST_H_

#include <talloc.h>

struct share_list;

/**
 * The target that a person may have meant by what is none: by an absolute path,
 * by \\SERVER\SHARE\PATH, or by SHARE\PATH.
 *
 * @return "pkg/office"; NULL: nothing of the kind, or out of memory.
 */
char *shares_suggest(TALLOC_CTX *mem_ctx,
		     const struct share_list *list,
		     const char *text);

#endif /* _DRAIN_SUGGEST_H_ */
