// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Mounts: other paths by which the same files can be reached.
 *
 * A directory of a file system can be mounted in several places (mount --bind),
 * and so can the whole file system.
 */

#ifndef _DRAIN_MOUNT_H_
#define _DRAIN_MOUNT_H_

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <talloc.h>

struct drain_mount {
	dev_t device; /* of the file system */
	const char *root; /* the directory of it that is mounted */
	const char *point; /* the mount point */
};

/** Return the mount that an absolute real path is on, or NULL. */
const struct drain_mount *drain_mount_of(const struct drain_mount *mounts,
					 size_t num_mounts,
					 const char *path);

/**
 * Test whether @path, or a part of it, can be reached through another mount.
 *
 * @param[in]  on     The mount that @path is on.
 * @param[out] name   That part: @path, or a directory below it.
 * @param[out] alias  Its path through the other mount.
 *
 * @return false: it cannot, or out of memory.
 */
bool drain_mount_alias(TALLOC_CTX *mem_ctx,
		       const struct drain_mount *on,
		       const struct drain_mount *other,
		       const char *path,
		       const char **name,
		       const char **alias);

#endif /* _DRAIN_MOUNT_H_ */
