// SPDX-License-Identifier: GPL-3.0-or-later
/* Answer questions about shares: what they reach, what clients see of them. */

#include "samba/shares.h"
#include "drain/record.h"
#include "drain/resolve.h"
#include "drain/shares.h"
#include "drain/suggest.h"
#include "drain/target.h"
#include "base/error.h"
#include "base/identity.h"
#include "base/text.h"
#include "samba/mounts.h"

#define MOST_SHARES_NAMED 5

bool share_reaches(const struct share *share, const char *path)
{
	size_t i;

	if (share->real != NULL) {
		return drain_path_overlap(share->real, path);
	}
	if (share->varies == NULL) {
		return false;
	}
	for (i = 0; i < share->num_links; i++) {
		if (drain_path_overlap(share->links[i], path)) {
			return true;
		}
	}
	return drain_pattern_overlap(share->pattern, path);
}

static bool reaches_by_name(const struct share *share,
			    const struct drain_record *record)
{
	size_t i;

	for (i = 0; i < record->num_real; i++) {
		if (share_reaches(share, record->real[i])) {
			return true;
		}
	}
	return false;
}

static bool reaches_by_identity(const struct share *share, const char *path)
{
	size_t i;

	if (share->real != NULL) {
		return identity_overlap(share->real, path);
	}
	for (i = 0; i < share->num_links; i++) {
		if (identity_overlap(share->links[i], path)) {
			return true;
		}
	}
	return false;
}

bool share_overlaps(const struct share *share,
		    const struct drain_record *record)
{
	size_t i;

	if (reaches_by_name(share, record)) {
		return true;
	}
	for (i = 0; i < record->num_real; i++) {
		if (reaches_by_identity(share, record->real[i])) {
			return true;
		}
	}
	return false;
}

static bool is_of_homes(const struct share *share)
{
	return share_is_homes(share) && strncmp(share->path, "%H", 2) == 0;
}

const char *share_alias_in(const struct share *share,
			   const struct alias_list *list)
{
	size_t i;

	for (i = 0; i < list->num_paths; i++) {
		if (share_reaches(share, list->paths[i])) {
			return list->paths[i];
		}
	}
	return NULL;
}

bool share_passes_by(const struct share *share,
		     const struct drain_record *record,
		     const struct alias_list *aliases,
		     const char **alias)
{
	*alias = NULL;
	if (is_of_homes(share)) {
		return false;
	}
	if (!share_is_guarded(share) && reaches_by_name(share, record)) {
		return true;
	}
	*alias = share_alias_in(share, aliases);
	return *alias != NULL ||
	       (!share_is_guarded(share) && share_overlaps(share, record));
}

const char *shares_meant(TALLOC_CTX *mem_ctx,
			 const struct share_list *list,
			 const char *text)
{
	char here[PATH_MAX];
	char *meant = shares_suggest(mem_ctx, list, text);
	char *path = NULL;

	if (meant != NULL || text[0] == '\0' || text[0] == '/' ||
	    getcwd(here, sizeof(here)) == NULL) {
		return meant;
	}
	path = talloc_asprintf(mem_ctx, "%s/%s", here, text);
	return (path != NULL) ? shares_suggest(mem_ctx, list, path) : NULL;
}

static bool is_unknown(const struct share_list *list, const char *text)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_target target;
	bool unknown = drain_target_parse(frame, text, &target) == NULL &&
		       shares_find(list, target.share) == NULL;

	TALLOC_FREE(frame);
	return unknown;
}

/* If no share has that name, look for it in the working directory. */
static const char *meant_instead(TALLOC_CTX *mem_ctx,
				 const struct share_list *list,
				 const char *text)
{
	return is_unknown(list, text) ? shares_meant(mem_ctx, list, text)
				      : NULL;
}

/* Name at most five shares that can be drained. NULL: there is none. */
static const char *shares_to_drain(TALLOC_CTX *mem_ctx,
				   const struct share_list *list)
{
	char *names = NULL;
	size_t num = 0;
	size_t i;

	for (i = 0; i < list->num_shares && num < MOST_SHARES_NAMED; i++) {
		const struct share *share = &list->shares[i];

		if (share->module_index < 0 || share->from != NULL ||
		    share->varies != NULL || share_is_homes(share)) {
			continue;
		}
		names = (num == 0) ? talloc_strdup(mem_ctx, share->name)
				   : talloc_asprintf_append(names, ", %s",
							    share->name);
		num += 1;
	}
	return names;
}

struct drain_record *shares_resolve(TALLOC_CTX *mem_ctx,
				    const struct share_list *list,
				    const char *target)
{
	struct drain_record *record = NULL;
	const char *meant = NULL;
	const char *names = NULL;
	const char *why = NULL;

	record = shares_make_record(mem_ctx, list, target, &why);
	if (record != NULL) {
		return record;
	}
	meant = meant_instead(mem_ctx, list, target);
	if (meant == NULL && is_unknown(list, target)) {
		names = shares_to_drain(mem_ctx, list);
	}
	if (meant != NULL) {
		complain("%s; did you mean %s?", why, show_text(meant));
	} else if (names != NULL) {
		complain("%s; shares with the module are %s", why,
			 show_text(names));
	} else {
		complain("%s", why);
	}
	return NULL;
}

const char *target_kind_string(enum target_kind kind)
{
	switch (kind) {
	case TARGET_DIRECTORY:
		return "directory";
	case TARGET_SHARE:
		return "share";
	case TARGET_LINK:
		return "link";
	}
	return "unknown";
}

const char *shares_lexical(const struct drain_record *record)
{
	return record->real[record->num_real - 1];
}

enum target_kind shares_kind(const struct drain_record *record)
{
	struct stat st;

	if (record->target.path[0] == '\0') {
		return TARGET_SHARE;
	}
	if (lstat(shares_lexical(record), &st) == 0 && S_ISLNK(st.st_mode)) {
		return TARGET_LINK;
	}
	return TARGET_DIRECTORY;
}

/*
 * What clients see
 */

/*
 * Match like is_in_path(), but with case, so that a match is hidden from every
 * client.
 */
static bool is_vetoed(const char *veto, const char *name)
{
	char *list = talloc_strdup(talloc_tos(), veto);
	char *save = NULL;
	char *item = NULL;
	bool found = false;

	for (item = (list != NULL) ? strtok_r(list, "/", &save) : NULL;
	     !found && item != NULL; item = strtok_r(NULL, "/", &save)) {
		found = mask_match(name, item, true);
	}
	TALLOC_FREE(list);
	return found;
}

bool share_hides(const struct share *share, const char *path)
{
	TALLOC_CTX *frame = talloc_stackframe();
	char *rest = talloc_strdup(frame, path);
	char *save = NULL;
	char *name = NULL;
	bool hidden = false;

	for (name = (rest != NULL) ? strtok_r(rest, "/", &save) : NULL;
	     !hidden && name != NULL; name = strtok_r(NULL, "/", &save)) {
		hidden = is_vetoed(share->veto, name);
	}
	TALLOC_FREE(frame);
	return hidden;
}

static bool share_serves(const struct share *share, const char *path)
{
	if (is_of_homes(share)) {
		return false; /* as in share_passes_by() */
	}
	if (share->real == NULL) {
		return share->varies != NULL &&
		       drain_pattern_overlap(share->pattern, path) &&
		       !share_hides(share, path);
	}
	if (drain_path_within(path, share->real)) {
		return !share_hides(share, path + strlen(share->real));
	}
	return drain_path_within(share->real, path);
}

const struct share *shares_serving(const struct share_list *list,
				   const char *path)
{
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		if (share_serves(&list->shares[i], path)) {
			return &list->shares[i];
		}
	}
	return NULL;
}
