// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * List all files in a target by device and inode.
 *
 * Samba's table of open files has the name by which a client opened a file.
 * That name need not lead to the file any more, and never does if a module such
 * as catia maps it. Then the file is looked up in this list.
 */

#include "samba/below.h"
#include <fts.h>
#include "drain/record.h"

struct below_file {
	uint64_t dev;
	uint64_t ino;
};

struct below {
	struct below_file *files; /* sorted by inode */
	size_t num_files;
};

static int compare_files(const struct below_file *a,
			 const struct below_file *b)
{
	return (a->ino > b->ino) - (a->ino < b->ino);
}

static bool add_file(struct below *below, const struct stat *st)
{
	/*
	 * Grow by powers of two: a talloc_realloc() for each file would be
	 * slow.
	 */
	if ((below->num_files & (below->num_files - 1)) == 0) {
		below->files = talloc_realloc(
			below, below->files, struct below_file,
			MAX(below->num_files * 2, 64));
	}
	if (below->files == NULL) {
		return false;
	}
	below->files[below->num_files] = (struct below_file) {
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	below->num_files += 1;
	return true;
}

static bool add_tree(struct below *below, const char *root)
{
	char *const roots[] = {discard_const_p(char, root), NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e = NULL;
	bool ok = fts != NULL;

	while (ok && (e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_D || e->fts_info == FTS_F) {
			ok = add_file(below, e->fts_statp);
		}
	}
	if (fts != NULL) {
		fts_close(fts);
	}
	return ok;
}

struct below *below_walk(TALLOC_CTX *mem_ctx,
			 const struct drain_record *record)
{
	struct below *below = talloc_zero(mem_ctx, struct below);
	size_t i;

	for (i = 0; below != NULL && i < record->num_real; i++) {
		if (!add_tree(below, record->real[i])) {
			TALLOC_FREE(below);
		}
	}
	if (below != NULL) {
		TYPESAFE_QSORT(below->files, below->num_files, compare_files);
	}
	return below;
}

static size_t first_of(const struct below *below, uint64_t ino)
{
	size_t low = 0;
	size_t high = below->num_files;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (below->files[mid].ino < ino) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

bool below_has(const struct below *below, uint64_t ino, const uint64_t *dev)
{
	size_t i;

	for (i = first_of(below, ino);
	     i < below->num_files && below->files[i].ino == ino; i++) {
		if (dev == NULL || below->files[i].dev == *dev) {
			return true;
		}
	}
	return false;
}
