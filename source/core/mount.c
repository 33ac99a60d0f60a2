// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Mounts: other paths by which the same files can be reached.
 */

#include <string.h>

#include "drain/mount.h"
#include "drain/target.h"

const struct drain_mount *drain_mount_of(const struct drain_mount *mounts,
					 size_t num_mounts,
					 const char *path)
{
	const struct drain_mount *best = NULL;
	size_t i;

	for (i = 0; i < num_mounts; i++) {
		/* A later mount hides an earlier one in the same place */
		if (drain_path_within(path, mounts[i].point) &&
		    (best == NULL ||
		     drain_path_within(mounts[i].point, best->point))) {
			best = &mounts[i];
		}
	}
	return best;
}

/* Return the rest of @path, which is in @dir */
static const char *rest_of(const char *path, const char *dir)
{
	path += (strcmp(dir, "/") == 0) ? 0 : strlen(dir);
	return path + strspn(path, "/");
}

bool drain_mount_alias(TALLOC_CTX *mem_ctx,
		       const struct drain_mount *on,
		       const struct drain_mount *other,
		       const char *path,
		       const char **name,
		       const char **alias)
{
	const char *inner = NULL; /* relative to the file system */

	if (on->device != other->device) {
		return false;
	}
	inner = drain_path_join(mem_ctx, on->root, rest_of(path, on->point));
	if (inner == NULL) {
		return false;
	}
	if (drain_path_within(inner, other->root)) {
		*name = talloc_strdup(mem_ctx, path);
		*alias = drain_path_join(mem_ctx, other->point,
					 rest_of(inner, other->root));
	} else if (drain_path_within(other->root, inner)) {
		*name = drain_path_join(mem_ctx, path,
					rest_of(other->root, inner));
		*alias = talloc_strdup(mem_ctx, other->point);
	} else {
		return false;
	}
	return *name != NULL && *alias != NULL &&
	       strcmp(*name, *alias) != 0;
}
