/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Two mounts of one file system, where from and where to, and a path.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/mount.h"
#include "drain/target.h"

/* Whatever has another name has this one for another, seen from there */
static void check_alias(TALLOC_CTX *mem_ctx,
			const struct drain_mount *on,
			const struct drain_mount *other,
			const char *path)
{
	const char *name = NULL;
	const char *alias = NULL;
	const char *back = NULL;

	if (!drain_mount_alias(mem_ctx, on, other, path, &name, &alias)) {
		return;
	}
	CHECK(drain_path_within(name, path));
	CHECK(drain_path_within(alias, other->point));
	CHECK(drain_mount_alias(mem_ctx, other, on, alias, &alias, &back));
	CHECK(strcmp(back, name) == 0);
}

void fuzz_one(struct fuzz_input *input)
{
	struct drain_mount mounts[2];
	const struct drain_mount *on = NULL;
	const char *path = NULL;
	size_t i;

	for (i = 0; i < 2; i++) {
		mounts[i] = (struct drain_mount) {
			.device = 1,
			.root = fuzz_path(input),
			.point = fuzz_path(input),
		};
	}
	path = fuzz_path(input);
	on = drain_mount_of(mounts, 2, path);
	if (on != NULL) {
		CHECK(drain_path_within(path, on->point));
		check_alias(input->mem_ctx, on,
			    &mounts[on == &mounts[0] ? 1 : 0], path);
	}
}
