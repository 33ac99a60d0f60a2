// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find other paths to the same files, by mounts.
 *
 * The module compares paths. It does not see a client that uses another path.
 */

#include "samba/mounts.h"
#include <libmount/libmount.h>
#include "drain/mount.h"
#include "drain/record.h"
#include "drain/target.h"
#include "base/error.h"

struct table {
	struct libmnt_table *of_system; /* owns the strings of the mounts */
	struct drain_mount *mounts;
	size_t num_mounts;
};

static int table_destructor(struct table *table)
{
	mnt_unref_table(table->of_system);
	return 0;
}

static bool is_path(const char *s)
{
	return s != NULL && s[0] == '/';
}

static bool fill_table(struct table *table)
{
	const int most = mnt_table_get_nents(table->of_system);
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs = NULL;

	table->mounts = talloc_array(table, struct drain_mount, most);
	if (iter == NULL || table->mounts == NULL) {
		mnt_free_iter(iter);
		return false;
	}
	while (mnt_table_next_fs(table->of_system, iter, &fs) == 0) {
		const struct drain_mount mount = {
			.device = mnt_fs_get_devno(fs),
			.root = mnt_fs_get_root(fs),
			.point = mnt_fs_get_target(fs),
		};

		if (is_path(mount.root) && is_path(mount.point)) {
			table->mounts[table->num_mounts] = mount;
			table->num_mounts += 1;
		}
	}
	mnt_free_iter(iter);
	return true;
}

static struct table *read_table(TALLOC_CTX *mem_ctx)
{
	struct table *table = talloc_zero(mem_ctx, struct table);

	if (table == NULL) {
		return NULL;
	}
	table->of_system = mnt_new_table_from_file("/proc/self/mountinfo");
	talloc_set_destructor(table, table_destructor);
	if (table->of_system == NULL || !fill_table(table)) {
		TALLOC_FREE(table);
	}
	return table;
}

/* Return true if both paths lead to one file: a mount can hide it. */
static bool is_same(const char *a, const char *b)
{
	struct stat one;
	struct stat two;

	return lstat(a, &one) == 0 && lstat(b, &two) == 0 &&
	       one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static bool add_alias(struct alias_list *list, const char *alias)
{
	const char **paths = talloc_realloc(list, list->paths, const char *,
					    list->num_paths + 1);

	if (paths == NULL) {
		return false;
	}
	paths[list->num_paths] = alias;
	list->paths = paths;
	list->num_paths += 1;
	return true;
}

/*
 * Add the other paths of @path, which is on the mount @on. Skip those that the
 * record covers: the module refuses opens by these names.
 */
static bool add_aliases_of(struct alias_list *list,
			   const struct drain_record *record,
			   const struct table *table,
			   const struct drain_mount *on,
			   const char *path)
{
	const char *alias = NULL;
	const char *name = NULL;
	size_t i;

	for (i = 0; i < table->num_mounts; i++) {
		if (drain_mount_alias(list, on, &table->mounts[i], path, &name,
				      &alias) &&
		    !drain_record_covers(record, alias) &&
		    is_same(name, alias) &&
		    !add_alias(list, alias)) {
			return false;
		}
	}
	return true;
}

static bool add_aliases(struct alias_list *list,
			const struct drain_record *record,
			const struct table *table,
			const char *path)
{
	const struct drain_mount *on = drain_mount_of(
		table->mounts, table->num_mounts, path);
	size_t i;

	if (on != NULL && !add_aliases_of(list, record, table, on, path)) {
		return false;
	}
	for (i = 0; i < table->num_mounts; i++) {
		const struct drain_mount *below = &table->mounts[i];

		if (below != on && drain_path_within(below->point, path) &&
		    !add_aliases_of(list, record, table, below,
				    below->point)) {
			return false;
		}
	}
	return true;
}

struct alias_list *mounts_aliases(TALLOC_CTX *mem_ctx,
				  const struct drain_record *record)
{
	struct alias_list *list = talloc_zero(mem_ctx, struct alias_list);
	struct table *table = (list != NULL) ? read_table(list) : NULL;
	size_t i;

	if (table == NULL) {
		complain("cannot read the mount table: %s",
			 strerror(errno));
		TALLOC_FREE(list);
		return NULL;
	}
	for (i = 0; i < record->num_real; i++) {
		if (!add_aliases(list, record, table, record->real[i])) {
			complain("out of memory");
			TALLOC_FREE(list);
			return NULL;
		}
	}
	return list;
}
