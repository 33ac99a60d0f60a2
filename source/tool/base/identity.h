// SPDX-License-Identifier: GPL-3.0-or-later
/* Compare paths by device and inode. */

#ifndef _DRAIN_TOOL_BASE_IDENTITY_H_
#define _DRAIN_TOOL_BASE_IDENTITY_H_

#include "drain/samba_compat.h"

/**
 * Return true if @path is @dir or below it, by device and inode. If @path does
 * not exist, its parent directories decide. Return false if @dir does not
 * exist.
 */
bool identity_within(const char *path, const char *dir);

/** Return true if one path is the other or above it, by device and inode. */
bool identity_overlap(const char *a, const char *b);

#endif /* _DRAIN_TOOL_BASE_IDENTITY_H_ */
