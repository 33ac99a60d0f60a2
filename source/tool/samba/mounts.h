// SPDX-License-Identifier: GPL-3.0-or-later
/* Find other paths to the same files, by mounts. */

#ifndef _DRAIN_TOOL_SAMBA_MOUNTS_H_
#define _DRAIN_TOOL_SAMBA_MOUNTS_H_

#include "drain/samba_compat.h"

struct drain_record;

struct alias_list {
	const char **paths;
	size_t num_paths;
};

/**
 * Find other paths, outside the paths of the record, that lead to the same
 * files or a part of them: mount --bind, and file systems that are mounted
 * twice.
 *
 * @return NULL after an error message.
 */
struct alias_list *mounts_aliases(TALLOC_CTX *mem_ctx,
				  const struct drain_record *record);

#endif /* _DRAIN_TOOL_SAMBA_MOUNTS_H_ */
