// SPDX-License-Identifier: GPL-3.0-or-later
/* Compare paths by device and inode. */

#ifndef _DRAIN_TOOL_BASE_IDENTITY_H_
#define _DRAIN_TOOL_BASE_IDENTITY_H_

#include "drain/samba_compat.h"

/**
 * Is @path the directory @dir or below it, by device and inode? If @path is not
 * there, the directories above it decide. false: @dir is not there.
 */
bool identity_within(const char *path, const char *dir);

/** Is one of two paths the other, or above it, by device and inode? */
bool identity_overlap(const char *a, const char *b);

#endif /* _DRAIN_TOOL_BASE_IDENTITY_H_ */
