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
#include <talloc.h>

struct drain_mount {
	const char *device; /* "8:1": of the file system */
	const char *root; /* what of the file system is mounted */
	const char *point; /* and where */
};

/**
 * Parse a line of /proc/self/mountinfo (proc(5)).
 *
 * @param[in]  line   Cut into pieces, which @mount points to.
 * @return false: it is none.
 */
bool drain_mount_parse(char *line, struct drain_mount *mount);

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
