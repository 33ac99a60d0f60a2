// SPDX-License-Identifier: GPL-3.0-or-later
/* Read the shares of smb.conf. */

#include "drain/samba_compat.h"
#include "lib/util_path.h"
#include "drain/shares.h"
#include "drain/smbconf.h"

/*
 * Resolve the symbolic links before the first component that depends on the
 * client.
 */
static char *real_pattern(TALLOC_CTX *mem_ctx, const char *path)
{
	size_t len = drain_words_vary(path) - path;
	char *pattern = NULL;
	char *clean = NULL;
	char *real = NULL;
	char *dir = NULL;

	if (strstr(path + len, "/..") != NULL) {
		/*
		 * smbd removes ".." before it resolves links: it can lead
		 * anywhere.
		 */
		return talloc_strdup(mem_ctx, path + len);
	}
	while (len > 0 && path[len - 1] != '/') {
		len -= 1;
	}
	dir = talloc_strndup(mem_ctx, path, len);
	clean = (dir != NULL) ? canonicalize_absolute_path(mem_ctx, dir)
			      : NULL;
	if (clean == NULL) {
		return NULL;
	}
	real = realpath(clean, NULL); /* it does not exist: use it as written */
	pattern = drain_path_join(mem_ctx, (real != NULL) ? real : clean,
				  path + len);
	free(real);
	TALLOC_FREE(dir);
	return pattern;
}

/*
 * Find the directory as make_connection_snum() does. Return false if out of
 * memory.
 */
static bool find_place(TALLOC_CTX *mem_ctx, struct share *share)
{
	char *path = drain_words_settle(mem_ctx, share->path, share->name);
	const char *word = (path != NULL) ? drain_words_vary(path) : NULL;
	char *real = NULL;

	if (path == NULL) {
		return false;
	}
	if (word != NULL) {
		share->varies = talloc_strndup(mem_ctx, word, 2);
		share->pattern = real_pattern(mem_ctx, path);
		return share->varies != NULL && share->pattern != NULL;
	}
	if (path[0] == '\0') {
		share->error = ENOENT; /* clients cannot connect to it */
		return true;
	}

	path = canonicalize_absolute_path(mem_ctx, path);
	if (path == NULL) {
		return false;
	}
	real = realpath(path, NULL);
	share->error = (real == NULL) ? errno : 0;
	if (real != NULL) {
		share->real = talloc_strdup(mem_ctx, real);
		free(real);
		return share->real != NULL;
	}
	return true; /* it does not exist: clients cannot connect to it */
}

/*
 * Return true for [homes] without a path of its own, which is every user's home
 * directory, even if [global] sets a path (lp_add_home()).
 */
static bool has_no_path(const struct share *share, const char *raw)
{
	const char *inherited = lp_path(talloc_tos(),
					lpcfg_noop_substitution(),
					GLOBAL_SECTION_SNUM);

	return share_is_homes(share) &&
	       (raw[0] == '\0' || strequal(raw, inherited));
}

/*
 * Return true for a usershare: it has a file of its own, named in lower case.
 */
static bool is_of_user(const char *name)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const char *dir = lp_usershare_path(frame, lpcfg_noop_substitution());
	char *lower = strlower_talloc(frame, name);
	char *file = NULL;
	struct stat st;
	bool is = false;

	if (dir != NULL && dir[0] != '\0' && lp_usershare_max_shares() > 0 && lower != NULL) {
		file = drain_path_join(frame, dir, lower);
		is = file != NULL && lstat(file, &st) == 0 &&
		     S_ISREG(st.st_mode);
	}
	TALLOC_FREE(frame);
	return is;
}

static bool read_share(TALLOC_CTX *mem_ctx, int snum, struct share *share)
{
	const struct loadparm_substitution *lp_sub =
		lpcfg_noop_substitution();
	/* Unsubstituted: the value of %U depends on the client. */
	const char *raw = lp_path(mem_ctx, lp_sub, snum);
	const char *veto = lp_veto_files(mem_ctx, lp_sub, snum);

	if (raw == NULL || veto == NULL) {
		return false;
	}
	*share = (struct share) {
		.snum = snum,
		.name = talloc_strdup(mem_ctx, lp_const_servicename(snum)),
		.path = drain_words_unquote(mem_ctx, raw),
		.veto = drain_words_unquote(mem_ctx, veto),
		.module_index = drain_smbconf_module_index(snum),
		.objects = drain_smbconf_objects(mem_ctx, snum),
	};
	if (share->name == NULL || share->path == NULL ||
	    share->veto == NULL || share->objects == NULL) {
		return false;
	}
	if (drain_smbconf_module_before(snum) != NULL) {
		share->before = talloc_strdup(
			mem_ctx, drain_smbconf_module_before(snum));
		if (share->before == NULL) {
			return false;
		}
	}
	if (has_no_path(share, raw)) {
		share->path = "%H";
	}
	share->of_user = is_of_user(share->name);
	return find_place(mem_ctx, share);
}

static bool is_of_files(int snum)
{
	return !lp_printable(snum) &&
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
		if (!lp_snum_ok(snum) || !is_of_files(snum)) {
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
		if (list->shares[i].from == NULL &&
		    strequal(list->shares[i].name, name)) {
			return &list->shares[i];
		}
	}
	return NULL;
}

const struct share *shares_find_closed(TALLOC_CTX *mem_ctx, const char *name)
{
	int snum = drain_smbconf_find(name);
	struct share *share = NULL;

	if (snum < 0 || lp_snum_ok(snum) || !is_of_files(snum)) {
		return NULL;
	}
	share = talloc(mem_ctx, struct share);
	if (share != NULL && !read_share(share, snum, share)) {
		TALLOC_FREE(share);
	}
	return share;
}

bool share_is_guarded(const struct share *share)
{
	return share->module_index >= 0 && share->before == NULL;
}

/* A usershare cannot set "vfs objects". */
static char *advice_to_users(TALLOC_CTX *mem_ctx)
{
	const char *template = lp_usershare_template_share();
	const bool global = template == NULL || template[0] == '\0';

	return talloc_asprintf(
		mem_ctx, "it is a usershare: put \"drain\" first in \"vfs "
		"objects\" of [%s]%s", global ? "global" : template,
		global ? "" : ", the \"usershare template share\"");
}

char *share_advice(TALLOC_CTX *mem_ctx, const struct share *share)
{
	char *text = NULL;

	if (share->of_user) {
		text = advice_to_users(mem_ctx);
	} else if (share->objects[0] == '\0') {
		text = talloc_strdup(mem_ctx,
				     "add \"vfs objects = drain\" to it");
	} else {
		text = talloc_asprintf(
			mem_ctx, "put \"drain\" first in its \"vfs "
			"objects\", which is now \"%s\"", share->objects);
	}
	return (share->from == NULL)
		       ? text
		       : talloc_asprintf_append(text, ", in %s", share->from);
}

bool share_is_homes(const struct share *share)
{
	return strequal(share->name, HOMES_NAME);
}

const struct share *shares_find_home(TALLOC_CTX *mem_ctx,
				     const struct share_list *list,
				     const char *user)
{
	const struct share *homes = shares_find(list, HOMES_NAME);
	struct share *home = NULL;
	char *dir = NULL;

	if (homes == NULL) {
		return NULL;
	}
	home = talloc(mem_ctx, struct share);
	dir = (home != NULL) ? get_user_home_dir(home, user) : NULL;
	if (dir == NULL) {
		TALLOC_FREE(home);
		return NULL;
	}
	*home = *homes;
	home->varies = NULL;
	home->pattern = NULL;
	home->name = talloc_strdup(home, user);
	home->path = talloc_string_sub(home, homes->path, "%H", dir);
	if (home->name == NULL || home->path == NULL ||
	    !find_place(home, home)) {
		TALLOC_FREE(home);
	}
	return home;
}
