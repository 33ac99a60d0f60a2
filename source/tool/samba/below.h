// SPDX-License-Identifier: GPL-3.0-or-later
/* List all files in a target by device and inode. */

#ifndef _DRAIN_TOOL_SAMBA_BELOW_H_
#define _DRAIN_TOOL_SAMBA_BELOW_H_

#include "drain/samba_compat.h"

struct drain_record;

struct below;

/**
 * List all files and directories that a record covers. Return NULL if out of
 * memory.
 */
struct below *below_walk(TALLOC_CTX *mem_ctx,
			 const struct drain_record *record);

/**
 * Return true if the file is in the list.
 *
 * @param[in] dev  The device; NULL: any device
 */
bool below_has(const struct below *below, uint64_t ino, const uint64_t *dev);

#endif /* _DRAIN_TOOL_SAMBA_BELOW_H_ */
