// SPDX-License-Identifier: GPL-3.0-or-later
/* Decide which files of Samba's table of open files are in a target. */

#ifndef _DRAIN_TOOL_SAMBA_INSIDE_H_
#define _DRAIN_TOOL_SAMBA_INSIDE_H_

#include "drain/samba_compat.h"

struct drain_record;

struct inside;

/** Prepare to check many files. Return NULL if out of memory. */
struct inside *inside_new(TALLOC_CTX *mem_ctx,
			  const struct drain_record *record);

/**
 * Return true if an open file is in the target. The name of the file decides if
 * it leads to the file. Otherwise, for example if a module maps the name or a
 * directory was renamed, the file id decides.
 *
 * @param[out] nomem  Set to true if out of memory, else unchanged.
 */
bool inside_has(struct inside *inside,
		struct file_id id,
		const char *servicepath,
		const char *path,
		bool *nomem);

#endif /* _DRAIN_TOOL_SAMBA_INSIDE_H_ */
