// SPDX-License-Identifier: GPL-3.0-or-later
/* Decide which files of Samba's table of open files are in a target. */

#ifndef _DRAIN_TOOL_SAMBA_INSIDE_H_
#define _DRAIN_TOOL_SAMBA_INSIDE_H_

#include "drain/samba_compat.h"

struct drain_record;

struct inside;

/** For looking at many files. NULL: out of memory. */
struct inside *inside_new(TALLOC_CTX *mem_ctx,
			  const struct drain_record *record);

/**
 * Is an open file in the target? By its name, as far as that leads to the file;
 * else, as it does not if a module maps it or somebody has renamed a directory,
 * by the id of the file.
 *
 * @param[out] nomem  Set if out of memory, else left alone.
 */
bool inside_has(struct inside *inside,
		struct file_id id,
		const char *servicepath,
		const char *path,
		bool *nomem);

#endif /* _DRAIN_TOOL_SAMBA_INSIDE_H_ */
