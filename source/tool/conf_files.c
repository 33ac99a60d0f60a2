/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What smb.conf is made of, and when that was last changed.
 *
 * smbd reads a file again when its time is another one, be it older: a copy may
 * keep its time, and a symbolic link may be turned. The time of change of the
 * inode tells of the one, that of the link of the other.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include "lib/util/samba_util.h"
#include "lib/param/param.h"
#include <dirent.h>

#define MOST_LINKS 40 /* as the kernel */

struct conf_files {
	const char **paths;
	size_t num_paths;
	bool vary; /* some are others for each client, or nobody knows where */
	bool nomem;
};

static bool is_listed(const struct conf_files *files, const char *path)
{
	size_t i;

	for (i = 0; i < files->num_paths; i++) {
		if (strcmp(files->paths[i], path) == 0) {
			return true;
		}
	}
	return false;
}

/* Is it a new one? */
static bool add_path(struct conf_files *files, const char *path)
{
	const char **paths = NULL;
	char *copy = NULL;

	if (is_listed(files, path)) {
		return false;
	}
	if (path[0] != '/' || strchr(path, '%') != NULL) {
		files->vary = true;
		return false;
	}
	paths = talloc_realloc(files, files->paths, const char *,
			       files->num_paths + 1);
	copy = talloc_strdup(files, path);
	if (paths == NULL || copy == NULL) {
		files->nomem = true;
		return false;
	}
	paths[files->num_paths] = copy;
	files->paths = paths;
	files->num_paths += 1;
	return true;
}

static void add_registry(struct conf_files *files)
{
	char *path = state_path(talloc_tos(), "registry.tdb");

	if (path == NULL) {
		files->nomem = true;
		return;
	}
	(void)add_path(files, path);
	TALLOC_FREE(path);
}

static bool add_file(struct conf_files *files, const char *path);

static bool section_fn(const char *name _UNUSED_, void *private_data _UNUSED_)
{
	return true;
}

static bool parameter_fn(const char *name,
			 const char *value,
			 void *private_data)
{
	struct conf_files *files = private_data;

	if (strwicmp(name, "include") != 0 &&
	    strwicmp(name, "config file") != 0) {
		return true;
	}
	if (strequal(value, "registry")) {
		add_registry(files);
		return true;
	}
	return add_file(files, value);
}

/* And what it includes */
static bool add_file(struct conf_files *files, const char *path)
{
	if (add_path(files, path) && file_exist(path)) {
		(void)pm_process(path, section_fn, parameter_fn, files);
	}
	return !files->nomem;
}

/* Shares of users are files of their own */
static void add_usershares(struct conf_files *files)
{
	char *path = lp_usershare_path(talloc_tos(),
				       lpcfg_noop_substitution());
	struct dirent *entry = NULL;
	DIR *d = NULL;

	if (path == NULL || lp_usershare_max_shares() == 0) {
		return;
	}
	d = opendir(path);
	if (d == NULL) {
		return; /* nobody can have one */
	}
	(void)add_path(files, path);
	while ((entry = readdir(d)) != NULL) {
		char *file = talloc_asprintf(talloc_tos(), "%s/%s", path,
					     entry->d_name);

		if (file == NULL) {
			files->nomem = true;
		} else if (entry->d_type == DT_REG) {
			(void)add_path(files, file);
		}
	}
	closedir(d);
}

struct conf_files *conf_files_find(TALLOC_CTX *mem_ctx, const char *file)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct conf_files *files = talloc_zero(mem_ctx, struct conf_files);

	if (files == NULL) {
		TALLOC_FREE(frame);
		return NULL;
	}
	(void)add_file(files, file);
	if (lp_registry_shares() || lp_config_backend_is_registry()) {
		add_registry(files);
	}
	add_usershares(files);
	if (files->nomem) {
		TALLOC_FREE(files);
	}
	TALLOC_FREE(frame);
	return files;
}

static void note(struct timespec *latest, const struct timespec *when)
{
	if (timespec_compare(when, latest) > 0) {
		*latest = *when;
	}
}

/* Where a symbolic link leads, with what follows it in the path */
static char *follow(TALLOC_CTX *mem_ctx, const char *link, const char *rest)
{
	const char *slash = strrchr(link, '/');
	char target[PATH_MAX];
	ssize_t len = readlink(link, target, sizeof(target) - 1);

	if (len < 0) {
		return NULL;
	}
	target[len] = '\0';
	if (target[0] == '/') {
		return talloc_asprintf(mem_ctx, "%s%s", target, rest);
	}
	return talloc_asprintf(mem_ctx, "%.*s/%s%s", (int)(slash - link), link,
			       target, rest);
}

/* The file, and all links on the way. false: it is not there. */
static bool look_at(TALLOC_CTX *mem_ctx,
		    const char *path,
		    int links,
		    struct timespec *latest)
{
	const char *end = path;
	struct stat st = {0};

	while (*end != '\0') {
		char *part = NULL;

		end += strspn(end, "/");
		end += strcspn(end, "/");
		part = talloc_strndup(mem_ctx, path, end - path);
		if (part == NULL || lstat(part, &st) != 0) {
			return false;
		}
		if (S_ISLNK(st.st_mode)) {
			char *next = follow(mem_ctx, part, end);

			note(latest, &st.st_ctim);
			return next != NULL && links < MOST_LINKS &&
			       look_at(mem_ctx, next, links + 1, latest);
		}
	}
	note(latest, &st.st_mtim);
	note(latest, &st.st_ctim);
	return true;
}

bool conf_files_changed(const struct conf_files *files, struct timespec *when)
{
	TALLOC_CTX *frame = talloc_stackframe();
	bool known = !files->vary;
	size_t i;

	*when = (struct timespec){0};
	for (i = 0; known && i < files->num_paths; i++) {
		known = look_at(frame, files->paths[i], 0, when);
	}
	TALLOC_FREE(frame);
	return known;
}
