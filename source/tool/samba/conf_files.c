// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find the files that smb.conf consists of, and when they were last changed.
 *
 * smbd reads a file again when its modification time differs, even if it is
 * older: a copy may keep its time, and a symbolic link may be changed. The
 * change time of the inode shows the former, that of the link the latter.
 */

#include "samba/conf_files.h"
#include <dirent.h>
#include <glob.h>
#include "lib/util/samba_util.h"
#include "lib/param/param.h"
#include "lib/smbconf/smbconf.h"
#include "lib/smbconf/smbconf_init.h"
#include "drain/smbconf.h"

#define MOST_LINKS 40 /* the limit of the kernel */

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

static bool add_text(struct conf_files *files,
		     const char ***list,
		     size_t *num,
		     const char *text)
{
	const char **texts = talloc_realloc(files, *list, const char *,
					    *num + 1);
	char *copy = talloc_strdup(files, text);

	if (texts == NULL || copy == NULL) {
		files->nomem = true;
		return false;
	}
	texts[*num] = copy;
	*list = texts;
	*num += 1;
	return true;
}

/* Return true if @path is new. */
static bool add_path(struct conf_files *files, const char *path)
{
	return !is_listed(files, path) &&
	       add_text(files, &files->paths, &files->num_paths, path);
}

static void add_unknown(struct conf_files *files, const char *text)
{
	(void)add_text(files, &files->unknown, &files->num_unknown, text);
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

/* The state of reading one file */
struct scan {
	struct conf_files *files;
	const char *path;
	bool is_global; /* true in [global], and before the first section */
	bool matters; /* true if the file can change the shares */
};

static bool add_file(struct conf_files *files,
		     const char *path,
		     bool *matters);

static void add_pattern(struct scan *scan, const char *text, bool instead)
{
	struct conf_files *files = scan->files;
	struct conf_pattern *list = NULL;
	size_t i;

	for (i = 0; i < files->num_patterns; i++) {
		if (strcmp(files->patterns[i].text, text) == 0 &&
		    files->patterns[i].instead == instead) {
			return;
		}
	}
	list = talloc_realloc(files, files->patterns, struct conf_pattern,
			      files->num_patterns + 1);
	if (list == NULL) {
		files->nomem = true;
		return;
	}
	files->patterns = list;
	list[files->num_patterns] = (struct conf_pattern) {
		.text = talloc_strdup(files, text),
		.in = talloc_strdup(files, scan->path),
		.instead = instead,
	};
	if (list[files->num_patterns].text == NULL ||
	    list[files->num_patterns].in == NULL) {
		files->nomem = true;
		return;
	}
	files->num_patterns += 1;
}

bool conf_is_include(const char *name)
{
	return strwicmp(name, "include") == 0;
}

bool conf_is_instead(const char *name)
{
	return strwicmp(name, "config file") == 0;
}

char *conf_file_named(TALLOC_CTX *mem_ctx, const char *name, const char *value)
{
	/* smbd removes quotes only from the name after "config file". */
	char *text = conf_is_instead(name)
			     ? drain_words_unquote(mem_ctx, value)
			     : talloc_strdup(mem_ctx, value);

	return (text != NULL) ? drain_words_settle(mem_ctx, text, NULL) : NULL;
}

/* Add the file that "include" or "config file" names. */
static void add_named(struct scan *scan, const char *name, const char *value)
{
	struct conf_files *files = scan->files;
	char *text = NULL;

	if (strequal(value, "registry") && conf_is_include(name)) {
		add_registry(files);
		return;
	}
	text = conf_file_named(talloc_tos(), name, value);
	if (text == NULL) {
		files->nomem = true;
		return;
	}
	if (text[0] == '/' && drain_words_vary(text) == NULL) {
		(void)add_file(files, text, &scan->matters);
	} else if (text[0] == '/' && !drain_words_lead_anywhere(text)) {
		scan->matters = true;
		add_pattern(scan, text, conf_is_instead(name));
	} else if (text[0] != '\0' && text[0] != '"') {
		/*
		 * The name depends on the working directory of smbd, or on its
		 * environment.
		 */
		char *whole = talloc_asprintf(talloc_tos(), "%s = %s", name,
					      value);

		add_unknown(files, (whole != NULL) ? whole : name);
	}
	TALLOC_FREE(text);
}

static bool section_fn(const char *name, void *private_data)
{
	struct scan *scan = private_data;

	scan->is_global = strwicmp(name, GLOBAL_NAME) == 0 ||
			  strwicmp(name, GLOBAL_NAME2) == 0;
	scan->matters |= !scan->is_global;
	return true;
}

/*
 * Return true if a parameter of [global] can change which shares exist or where
 * they lead.
 */
static bool is_of_shares(const char *name)
{
	static const char *const names[] = {
		"path", "directory", "vfs objects", "vfs object", "copy",
		"available", "-valid", "printable", "print ok",
		"auto services", "preload", "default service", "default",
		"registry shares", "usershare path", "usershare max shares",
		"usershare template share", "netbios name",
		"disable netbios", "smb ports", "server smb transports",
		"winbind separator", "root directory", "root dir", "root",
		"config backend",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strwicmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool parameter_fn(const char *name,
			 const char *value,
			 void *private_data)
{
	struct scan *scan = private_data;

	if (conf_is_include(name) || conf_is_instead(name)) {
		add_named(scan, name, value);
	} else if (!scan->is_global || is_of_shares(name)) {
		scan->matters = true;
	}
	return !scan->files->nomem;
}

/* Add a file and the files that it includes. */
static bool add_file(struct conf_files *files, const char *path, bool *matters)
{
	struct scan scan = {
		.files = files,
		.path = path,
		.is_global = true,
	};

	if (add_path(files, path) && file_exist(path)) {
		(void)pm_process(path, section_fn, parameter_fn, &scan);
	}
	*matters |= scan.matters;
	return !files->nomem;
}

/* Add the files of "net conf setincludes". */
static void add_includes_of_registry(struct conf_files *files)
{
	struct scan scan = {.files = files, .path = "registry"};
	struct smbconf_ctx *ctx = NULL;
	struct smbconf_service **services = NULL;
	uint32_t num = 0;
	uint32_t i;
	uint32_t j;

	if (smbconf_init(talloc_tos(), &ctx, "registry:") != SBC_ERR_OK ||
	    smbconf_get_config(ctx, talloc_tos(), &num, &services) !=
		    SBC_ERR_OK) {
		add_unknown(files, "include = registry");
		return;
	}
	for (i = 0; i < num; i++) {
		for (j = 0; j < services[i]->num_params; j++) {
			if (conf_is_include(services[i]->param_names[j])) {
				add_named(&scan, "include",
					  services[i]->param_values[j]);
			}
		}
	}
	smbconf_shutdown(ctx);
}

char *conf_glob(TALLOC_CTX *mem_ctx, const char *text, size_t len)
{
	char *out = talloc_zero_array(mem_ctx, char, 2 * len + 1);
	size_t n = 0;
	size_t i;

	for (i = 0; out != NULL && i < len; i++) {
		if (drain_words_vary(text + i) == text + i) {
			out[n++] = '*';
			i += 1;
			continue;
		}
		if (strchr("*?[\\", text[i]) != NULL) {
			out[n++] = '\\';
		}
		out[n++] = text[i];
	}
	return out;
}

/* Add the directories in which a matching file can be created. */
static void add_directories(struct conf_files *files, const char *text)
{
	size_t len = strlen(text);
	bool more = true;

	while (more && len > 1) {
		char *pattern = NULL;
		glob_t found = {0};
		size_t i;

		do {
			len -= 1;
		} while (len > 1 && text[len] != '/');
		pattern = conf_glob(talloc_tos(), text, len);
		if (pattern == NULL) {
			files->nomem = true;
			return;
		}
		if (glob(pattern, GLOB_PERIOD, NULL, &found) == 0) {
			/* Stop before the part that depends on the client. */
			more = drain_words_vary(text) < text + len;
			for (i = 0; i < found.gl_pathc; i++) {
				(void)add_path(files, found.gl_pathv[i]);
			}
		}
		globfree(&found);
		TALLOC_FREE(pattern);
	}
}

/* Ignore a file that includes itself, directly or not. */
static bool add_match(struct conf_files *files, size_t pattern, const char *path)
{
	struct conf_pattern *p = &files->patterns[pattern];
	bool matters = false;
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    strcmp(path, p->in) == 0 || strcmp(path, files->paths[0]) == 0) {
		return true;
	}
	if (is_listed(files, path)) {
		matters = true;
	} else if (!add_file(files, path, &matters)) {
		return false;
	}
	p = &files->patterns[pattern]; /* add_file() may have moved the array */
	return !matters || add_text(files, &p->files, &p->num_files, path);
}

static void find_matches(struct conf_files *files, size_t pattern)
{
	const char *text = files->patterns[pattern].text;
	char *globbed = conf_glob(talloc_tos(), text, strlen(text));
	glob_t found = {0};
	size_t i;
	int ret;

	if (globbed == NULL) {
		files->nomem = true;
		return;
	}
	add_directories(files, text);
	ret = glob(globbed, GLOB_PERIOD, NULL, &found);
	if (ret != 0 && ret != GLOB_NOMATCH) {
		add_unknown(files, text);
	}
	for (i = 0; ret == 0 && i < found.gl_pathc; i++) {
		if (!add_match(files, pattern, found.gl_pathv[i])) {
			break;
		}
	}
	globfree(&found);
	TALLOC_FREE(globbed);
	/* Files that the registry includes cannot be substituted. */
	if (strcmp(files->patterns[pattern].in, "registry") == 0 &&
	    files->patterns[pattern].num_files > 0) {
		add_unknown(files, text);
	}
}

/* Add the files of usershares. */
static void add_usershares(struct conf_files *files)
{
	const char *path = lp_usershare_path(talloc_tos(),
					     lpcfg_noop_substitution());
	struct dirent *entry = NULL;
	DIR *d = NULL;

	if (path == NULL || path[0] == '\0' ||
	    lp_usershare_max_shares() == 0) {
		return;
	}
	d = opendir(path);
	if (d == NULL) {
		return; /* usershares are disabled */
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
	bool matters = false;
	size_t i;

	if (files == NULL) {
		TALLOC_FREE(frame);
		return NULL;
	}
	(void)add_file(files, file, &matters);
	if (lp_registry_shares() || lp_config_backend_is_registry()) {
		add_registry(files);
		add_includes_of_registry(files);
	}
	for (i = 0; !files->nomem && i < files->num_patterns; i++) {
		find_matches(files, i);
	}
	add_usershares(files);
	if (files->nomem) {
		TALLOC_FREE(files);
	}
	TALLOC_FREE(frame);
	return files;
}

static void note_latest(struct timespec *latest, const struct timespec *when)
{
	if (timespec_compare(when, latest) > 0) {
		*latest = *when;
	}
}

/*
 * Return the destination of a symbolic link, followed by the rest of the path.
 */
static char *follow_link(TALLOC_CTX *mem_ctx,
			 const char *link,
			 const char *rest)
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

/*
 * Look at the file and all symbolic links on the way to it. Return false if it
 * does not exist.
 */
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
			char *next = follow_link(mem_ctx, part, end);

			note_latest(latest, &st.st_ctim);
			return next != NULL && links < MOST_LINKS &&
			       look_at(mem_ctx, next, links + 1, latest);
		}
	}
	note_latest(latest, &st.st_mtim);
	note_latest(latest, &st.st_ctim);
	return true;
}

bool conf_files_changed(const struct conf_files *files, struct timespec *when)
{
	TALLOC_CTX *frame = talloc_stackframe();
	bool known = files->num_unknown == 0;
	size_t i;

	*when = (struct timespec){0};
	for (i = 0; known && i < files->num_paths; i++) {
		known = look_at(frame, files->paths[i], 0, when);
	}
	TALLOC_FREE(frame);
	return known;
}
