// SPDX-License-Identifier: GPL-3.0-or-later
/* Load smb.conf with all files that any client can get, and list the shares. */

#include "samba/conf.h"
#include <glob.h>
#include "lib/param/param.h"
#include "dynconfig/dynconfig.h"
#include "drain/shares.h"
#include "base/error.h"
#include "base/tool.h"
#include "samba/conf_files.h"
#include "samba/conf_load.h"
#include "samba/conf_views.h"

static bool load_base(const char *file)
{
	bool ok;

	conf_forget_shares();
	ok = conf_load_files(file);
	if (!ok) {
		complain("cannot load %s; run testparm to see why", file);
	}
	conf_silence_samba();
	if (ok) {
		conf_load_usershares();
	}
	return ok;
}

/* Load the shares of clients for which smb.conf includes other files. */
static bool load_views(struct tool *tool)
{
	struct share_list *shares = NULL;

	/* Older lists of shares may still refer to the views. */
	(void)talloc_unlink(tool, tool->views);
	tool->views = NULL;
	if (!conf_has_views(tool->conf)) {
		return true;
	}
	shares = shares_load(tool);
	if (shares != NULL) {
		tool->views = conf_views(tool, tool->conf,
					 get_dyn_CONFIGFILE(), shares);
	}
	TALLOC_FREE(shares);
	if (tool->views == NULL) {
		complain("out of memory");
		return false;
	}
	return load_base(tool->conf_file);
}

/* Return 0, or an errno. Samba would read a directory as an empty file. */
static int why_unreadable(const char *file)
{
	if (access(file, R_OK) != 0) {
		return errno;
	}
	return directory_exist(file) ? EISDIR : 0;
}

bool conf_load(struct tool *tool)
{
	int error;

	if (tool->conf_file == NULL) {
		tool->conf_file = talloc_strdup(tool, get_dyn_CONFIGFILE());
	}
	if (tool->conf_file == NULL) {
		complain("out of memory");
		return false;
	}
	error = why_unreadable(tool->conf_file);
	if (error != 0) {
		complain("cannot read %s: %s; name the smb.conf of smbd with "
			 "-s",
			 tool->conf_file, strerror(error));
		return false;
	}
	if (!load_base(tool->conf_file)) {
		return false;
	}
	TALLOC_FREE(tool->conf);
	tool->conf = conf_files_find(tool, tool->conf_file);
	if (tool->conf == NULL) {
		complain("out of memory");
		return false;
	}
	return load_views(tool);
}

/*
 * Return true for "." and "..", which glob(3) finds but no user or machine is
 * called.
 */
static bool is_dots(const char *path)
{
	const char *end = path + strlen(path);

	return strstr(path, "/./") != NULL || strstr(path, "/../") != NULL ||
	       strcmp(end - MIN(2, end - path), "/.") == 0 ||
	       strcmp(end - MIN(3, end - path), "/..") == 0;
}

static bool add_link(struct share_list *list, struct share *s, const char *path)
{
	char *real = is_dots(path) ? NULL : realpath(path, NULL);
	const char **links = NULL;

	if (real == NULL || strcmp(real, path) == 0) {
		free(real);
		return true;
	}
	links = talloc_realloc(list, s->links, const char *, s->num_links + 1);
	if (links == NULL) {
		free(real);
		return false;
	}
	links[s->num_links] = talloc_strdup(list, real);
	free(real);
	s->links = links;
	s->num_links += 1;
	return links[s->num_links - 1] != NULL;
}

/*
 * For a path that depends on the client, find the destinations of the symbolic
 * links that it can match.
 */
static bool find_links(struct share_list *list, struct share *s)
{
	glob_t found = {0};
	char *pattern = NULL;
	bool ok = true;
	size_t i;

	if (s->varies == NULL || s->pattern[0] != '/') {
		return true; /* it leads nowhere, or anywhere */
	}
	pattern = conf_glob(list, s->pattern, strlen(s->pattern));
	if (pattern == NULL) {
		return false;
	}
	if (glob(pattern, GLOB_PERIOD | GLOB_NOSORT, NULL, &found) == 0) {
		for (i = 0; ok && i < found.gl_pathc; i++) {
			ok = add_link(list, s, found.gl_pathv[i]);
		}
	}
	globfree(&found);
	return ok;
}

static bool find_all_links(struct share_list *list)
{
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		if (!find_links(list, &list->shares[i])) {
			return false;
		}
	}
	return true;
}

static bool add_views(struct share_list *list, struct share_list *views)
{
	const size_t num = list->num_shares + views->num_shares;
	struct share *shares = talloc_realloc(list, list->shares, struct share,
					      num);

	if (shares == NULL || talloc_reference(list, views) == NULL) {
		return false;
	}
	memcpy(&shares[list->num_shares], views->shares,
	       views->num_shares * sizeof(struct share));
	list->shares = shares;
	list->num_shares = num;
	return true;
}

struct share_list *conf_shares(TALLOC_CTX *mem_ctx, const struct tool *tool)
{
	struct share_list *list = shares_load(mem_ctx);

	if (list == NULL) {
		return NULL;
	}
	if ((tool->views != NULL && tool->views->num_shares > 0 &&
	     !add_views(list, tool->views)) ||
	    !find_all_links(list)) {
		TALLOC_FREE(list);
	}
	return list;
}
