/*
 * drain: take users off a Samba share so that it can be updated
 *
 * smb.conf: the shares, and the target that a person names.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include <dirent.h>
#include "drain/smbconf.h"

static bool read_share(TALLOC_CTX *mem_ctx, int snum, struct share *share)
{
	const struct loadparm_substitution *lp_sub =
		lpcfg_noop_substitution();
	const char *percent = NULL;
	char *real = NULL;

	/* Unsubstituted: what %U is depends on who asks */
	*share = (struct share) {
		.snum = snum,
		.name = talloc_strdup(mem_ctx, lp_const_servicename(snum)),
		.path = lp_path(mem_ctx, lp_sub, snum),
		.module_index = drain_smbconf_module_index(snum),
	};
	if (share->name == NULL || share->path == NULL) {
		return false;
	}

	/* [homes] without a path is every user's home directory */
	if (share_is_homes(share) && share->path[0] == '\0') {
		share->path = "%H";
	}
	percent = strchr(share->path, '%');
	if (percent != NULL) {
		share->varies = talloc_strndup(mem_ctx, percent, 2);
		return share->varies != NULL;
	}

	real = realpath(share->path, NULL);
	share->error = (real == NULL) ? errno : 0;
	if (real != NULL) {
		share->real = talloc_strdup(mem_ctx, real);
		free(real);
		return share->real != NULL;
	}
	return true; /* not there: nobody can connect to it */
}

static bool serves_files(int snum)
{
	return lp_snum_ok(snum) && !lp_printable(snum) &&
	       !strequal(lp_const_servicename(snum), "IPC$");
}

struct share_list *shares_load(TALLOC_CTX *mem_ctx)
{
	struct share_list *list = talloc_zero(mem_ctx, struct share_list);
	int num = lp_numservices();
	int snum;

	if (list == NULL) {
		return NULL;
	}
	list->shares = talloc_array(list, struct share, num);
	if (list->shares == NULL) {
		TALLOC_FREE(list);
		return NULL;
	}
	for (snum = 0; snum < num; snum++) {
		if (!serves_files(snum)) {
			continue;
		}
		if (!read_share(list, snum,
				&list->shares[list->num_shares])) {
			TALLOC_FREE(list);
			return NULL;
		}
		list->num_shares += 1;
	}
	return list;
}

const struct share *shares_find(const struct share_list *list,
				const char *name)
{
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		if (strequal(list->shares[i].name, name)) {
			return &list->shares[i];
		}
	}
	return NULL;
}

bool share_overlaps(const struct share *share,
		    const struct drain_record *record)
{
	size_t i;

	if (share->real != NULL) {
		return drain_record_overlaps(record, share->real);
	}
	for (i = 0; share->varies != NULL && i < record->num_real; i++) {
		if (drain_pattern_overlap(share->path, record->real[i])) {
			return true;
		}
	}
	return false;
}

bool share_is_homes(const struct share *share)
{
	return strequal(share->name, HOMES_NAME);
}

/*
 * From what a person typed to a real path
 */

static bool is_directory_entry(const char *dir, const char *name)
{
	TALLOC_CTX *frame = talloc_stackframe();
	char *path = drain_path_join(frame, dir, name);
	struct stat st;
	bool ok = path != NULL && lstat(path, &st) == 0;

	TALLOC_FREE(frame);
	return ok;
}

/* The name of an entry as the disk has it, for a share that ignores case */
static const char *spell(TALLOC_CTX *mem_ctx,
			 const char *dir,
			 const char *name,
			 bool case_sensitive)
{
	struct dirent *entry = NULL;
	char *found = NULL;
	DIR *d = NULL;

	if (case_sensitive || is_directory_entry(dir, name)) {
		return name;
	}
	d = opendir(dir);
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (strequal(entry->d_name, name)) {
			found = talloc_strdup(mem_ctx, entry->d_name);
			break;
		}
	}
	if (d != NULL) {
		closedir(d);
	}
	return (found != NULL) ? found : name;
}

/* The path in the share as the disk has it. NULL: out of memory. */
static char *spell_path(TALLOC_CTX *mem_ctx,
			const struct share *share,
			const char *path)
{
	bool case_sensitive = lp_case_sensitive(share->snum) == Auto
				      ? false
				      : lp_case_sensitive(share->snum);
	char *rest = talloc_strdup(mem_ctx, path);
	char *dir = talloc_strdup(mem_ctx, share->real);
	char *save = NULL;
	char *name = NULL;

	for (name = (rest != NULL) ? strtok_r(rest, "/", &save) : NULL;
	     name != NULL && dir != NULL; name = strtok_r(NULL, "/", &save)) {
		dir = drain_path_join(mem_ctx, dir,
				      spell(mem_ctx, dir, name,
					    case_sensitive));
	}
	return dir;
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

/* As is_in_path(), with case: what is hidden so is hidden from everybody */
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
	const char *veto = lp_veto_files(frame, lpcfg_noop_substitution(),
					 share->snum);
	char *rest = talloc_strdup(frame, path);
	char *save = NULL;
	char *name = NULL;
	bool hidden = false;

	for (name = (rest != NULL) ? strtok_r(rest, "/", &save) : NULL;
	     !hidden && name != NULL; name = strtok_r(NULL, "/", &save)) {
		hidden = is_vetoed(veto, name);
	}
	TALLOC_FREE(frame);
	return hidden;
}

static bool serves(const struct share *share, const char *path)
{
	if (share_is_homes(share)) {
		return false; /* as in arm.c */
	}
	if (share->real == NULL) {
		return share->varies != NULL &&
		       drain_pattern_overlap(share->path, path) &&
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
		if (serves(&list->shares[i], path)) {
			return &list->shares[i];
		}
	}
	return NULL;
}

static const struct share *share_to_drain(const struct share_list *list,
					  const char *name)
{
	const struct share *share = shares_find(list, name);

	if (share == NULL) {
		complain("%s: smb.conf has no share of that name",
			 show_text(name));
		return NULL;
	}
	if (share_is_homes(share)) {
		complain("%s: [homes] is another directory for each user "
			 "and can not be drained; drain a share that has "
			 "one path", share->name);
		return NULL;
	}
	if (share->varies != NULL) {
		complain("%s: the path of the share holds %s and is "
			 "another directory for each client; drain a share "
			 "that has one path", share->name, share->varies);
		return NULL;
	}
	if (share->module_index < 0) {
		complain("%s: the share does not use the module; add "
			 "\"vfs objects = drain\" to it, reload, and "
			 "disconnect its clients once (smbcontrol smbd "
			 "close-share %s)", share->name, share->name);
		return NULL;
	}
	if (share->real == NULL) {
		complain("%s: the path of the share, %s, is not there: %s",
			 share->name, show_text(share->path),
			 strerror(share->error));
		return NULL;
	}
	return share;
}

/* The real path of a directory inside the share, or NULL after a complaint */
static char *real_directory(TALLOC_CTX *mem_ctx,
			    const struct share *share,
			    const char *lexical)
{
	struct stat st;
	char *resolved = realpath(lexical, NULL);
	char *real = NULL;

	if (resolved == NULL) {
		complain("%s: %s", show_text(lexical), strerror(errno));
		return NULL;
	}
	real = talloc_strdup(mem_ctx, resolved);
	free(resolved);
	if (real == NULL) {
		complain("out of memory");
		return NULL;
	}
	if (!drain_path_within(real, share->real)) {
		complain("%s: leads to %s, outside of the share %s (%s); "
			 "drain it through the share that it is in",
			 show_text(lexical), show_text(real), share->name,
			 share->real);
		return NULL;
	}
	if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
		complain("%s: is not a directory; "
			 "drain the directory that it is in",
			 show_text(lexical));
		return NULL;
	}
	return real;
}

static bool fill_record(struct drain_record *record,
			const struct share *share,
			const char *real,
			const char *lexical)
{
	struct drain_share_config *config = NULL;

	config = drain_smbconf_read(record, share->snum);
	record->real = talloc_array(record, const char *, 2);
	if (config == NULL || record->real == NULL) {
		return false;
	}
	record->real[0] = real;
	record->num_real = 1;
	if (strcmp(real, lexical) != 0) {
		/* A link on the way: nobody may move that either */
		record->real[1] = lexical;
		record->num_real = 2;
	}
	record->policy = config->options.policy;
	record->by = "";
	record->reason = "";
	record->publishing = "";
	return true;
}

struct drain_record *shares_resolve(TALLOC_CTX *mem_ctx,
				    const struct share_list *list,
				    const char *target)
{
	struct drain_record *record = talloc_zero(mem_ctx,
						  struct drain_record);
	const struct share *share = NULL;
	const char *why = NULL;
	char *lexical = NULL;
	char *real = NULL;

	if (record == NULL) {
		complain("out of memory");
		return NULL;
	}
	why = drain_target_parse(record, target, &record->target);
	if (why != NULL) {
		complain("%s: %s", show_text(target), why);
		goto fail;
	}
	share = share_to_drain(list, record->target.share);
	if (share == NULL) {
		goto fail;
	}
	record->target.share = share->name;

	lexical = spell_path(record, share, record->target.path);
	if (lexical == NULL) {
		complain("out of memory");
		goto fail;
	}
	real = real_directory(record, share, lexical);
	if (real == NULL) {
		goto fail;
	}
	if (!fill_record(record, share, real, lexical)) {
		complain("out of memory");
		goto fail;
	}
	return record;
fail:
	TALLOC_FREE(record);
	return NULL;
}
