/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Mounts: by which other paths the same files can be reached.
 *
 * A directory of a file system may be mounted in several places (mount --bind),
 * and so may the whole of it.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_MOUNT_H_
#define _DRAIN_MOUNT_H_

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <talloc.h>

struct drain_mount {
	dev_t device; /* of the file system */
	const char *root; /* what of the file system is mounted */
	const char *point; /* and where */
};

/** The mount that an absolute real path is on; NULL: none. */
const struct drain_mount *drain_mount_of(const struct drain_mount *mounts,
					 size_t num_mounts,
					 const char *path);

/**
 * Can what @path is, or a part of it, be reached through another mount?
 *
 * @param[in]  on     The mount that @path is on.
 * @param[out] name   That part by its old name: @path, or something below.
 * @param[out] alias  The same by the other mount.
 *
 * @return false: no, or out of memory.
 */
bool drain_mount_alias(TALLOC_CTX *mem_ctx,
		       const struct drain_mount *on,
		       const struct drain_mount *other,
		       const char *path,
		       const char **name,
		       const char **alias);

#endif /* _DRAIN_MOUNT_H_ */
