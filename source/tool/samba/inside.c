// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Decide which files of Samba's table of open files are in a target.
 *
 * Each call may wait for a file system and may walk the target: never call it
 * with a record of the table locked, since smbds would wait for that lock.
 */

#include "samba/inside.h"
#include "drain/fold.h"
#include "drain/record.h"
#include "drain/target.h"
#include "base/identity.h"
#include "samba/below.h"

struct inside {
	const struct drain_record *record;
	char **folded; /* the record's real paths */
	struct below *below; /* the files in them; NULL until they are listed */
};

static bool fold_record(struct inside *inside)
{
	const struct drain_record *record = inside->record;
	char folded[DRAIN_FOLDED_MAX];
	size_t i;

	inside->folded = talloc_array(inside, char *, record->num_real);
	if (inside->folded == NULL) {
		return false;
	}
	for (i = 0; i < record->num_real; i++) {
		if (drain_fold(record->real[i], folded) < 0) {
			return false;
		}
		inside->folded[i] = talloc_strdup(inside->folded, folded);
		if (inside->folded[i] == NULL) {
			return false;
		}
	}
	return true;
}

struct inside *inside_new(TALLOC_CTX *mem_ctx,
			  const struct drain_record *record)
{
	struct inside *inside = talloc_zero(mem_ctx, struct inside);

	if (inside != NULL) {
		inside->record = record;
		if (!fold_record(inside)) {
			TALLOC_FREE(inside);
		}
	}
	return inside;
}

/* Compare without case: a file too many does no harm. */
static bool by_name(const struct inside *inside, const char *path)
{
	char folded[DRAIN_FOLDED_MAX];
	size_t i;

	if (drain_fold(path, folded) < 0) {
		return true;
	}
	for (i = 0; i < inside->record->num_real; i++) {
		if (drain_path_within(folded, inside->folded[i])) {
			return true;
		}
	}
	return false;
}

/*
 * Compare by inode, because a file system can find a directory by another name.
 */
static bool by_identity(const struct inside *inside, const char *path)
{
	size_t i;

	for (i = 0; i < inside->record->num_real; i++) {
		if (identity_within(path, inside->record->real[i])) {
			return true;
		}
	}
	return false;
}

/*
 * Return true if the name leads into the target through a link or another
 * spelling.
 */
static bool name_leads_there(const struct inside *inside,
			     struct file_id id,
			     const char *path,
			     bool *trusted)
{
	char *real = realpath(path, NULL);
	struct stat st;
	bool yes;

	*trusted = real != NULL && stat(real, &st) == 0 &&
		   st.st_ino == id.inode;
	yes = real != NULL &&
	      (by_name(inside, real) || by_identity(inside, real));
	free(real);
	return yes;
}

/*
 * Return false if the share and the target cannot overlap. smbd records the
 * path of a share as written in smb.conf, and it can have been renamed since.
 */
static bool may_be_below(const struct inside *inside, const char *servicepath)
{
	char folded[DRAIN_FOLDED_MAX];
	struct stat st;
	size_t i;

	if (drain_fold(servicepath, folded) < 0 ||
	    stat(servicepath, &st) != 0) {
		return true;
	}
	for (i = 0; i < inside->record->num_real; i++) {
		if (drain_path_overlap(folded, inside->folded[i]) ||
		    identity_overlap(servicepath, inside->record->real[i])) {
			return true;
		}
	}
	return false;
}

/* The module fileid invents device numbers, so compare only the inode then. */
static bool is_among_files(struct inside *inside,
			   struct file_id id,
			   const char *servicepath,
			   bool *nomem)
{
	struct stat st;
	bool real_device;

	if (!may_be_below(inside, servicepath)) {
		return false;
	}
	if (inside->below == NULL) {
		inside->below = below_walk(inside, inside->record);
	}
	if (inside->below == NULL) {
		*nomem = true;
		return false;
	}
	real_device = stat(servicepath, &st) == 0 && st.st_dev == id.devid;
	return below_has(inside->below, id.inode,
			 real_device ? &id.devid : NULL);
}

bool inside_has(struct inside *inside,
		struct file_id id,
		const char *servicepath,
		const char *path,
		bool *nomem)
{
	bool trusted = false;

	return by_name(inside, path) ||
	       name_leads_there(inside, id, path, &trusted) ||
	       (!trusted && is_among_files(inside, id, servicepath, nomem));
}
