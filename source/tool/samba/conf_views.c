// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find what smb.conf is for clients for which it includes other files.
 *
 * smb.conf is written again with each of those files in its place, and loaded.
 * So Samba itself decides what a section, or a parameter of [global], amounts
 * to.
 */

#include "samba/conf_views.h"
#include <sys/mman.h>
#include "lib/util/samba_util.h"
#include "lib/param/param.h"
#include "drain/shares.h"
#include "drain/smbconf.h"
#include "samba/conf_files.h"
#include "samba/conf_load.h"

#define MOST_VIEWS 500
#define MOST_DEPTH 10

/* One choice of files: [pattern] is 0 for none, or 1 + the index of a file */
struct choice {
	const struct conf_files *files;
	size_t *chosen;
	FILE *out;
	int depth;
};

static const char *chosen_file(const struct choice *choice, size_t pattern)
{
	const size_t file = choice->chosen[pattern];

	return (file > 0) ? choice->files->patterns[pattern].files[file - 1]
			    : NULL;
}

static const char *file_for(const struct choice *choice, const char *text)
{
	size_t i;

	for (i = 0; i < choice->files->num_patterns; i++) {
		const struct conf_pattern *p = &choice->files->patterns[i];

		if (!p->instead && strcmp(p->text, text) == 0) {
			return chosen_file(choice, i);
		}
	}
	return NULL;
}

static bool section_fn(const char *name, void *private_data)
{
	struct choice *choice = private_data;

	fprintf(choice->out, "[%s]\n", name);
	return true;
}

static bool write_file(struct choice *choice, const char *path);

static bool write_include(struct choice *choice, const char *value)
{
	char *text = NULL;
	const char *path = NULL;
	bool ok;

	if (strequal(value, "registry")) {
		fprintf(choice->out, "include = registry\n");
		return true;
	}
	text = conf_file_named(talloc_tos(), "include", value);
	if (text == NULL) {
		return false;
	}
	path = (drain_words_vary(text) == NULL) ? text : file_for(choice, text);
	ok = path == NULL || !file_exist(path) || write_file(choice, path);
	TALLOC_FREE(text);
	return ok;
}

static bool parameter_fn(const char *name,
			 const char *value,
			 void *private_data)
{
	struct choice *choice = private_data;

	if (conf_is_include(name)) {
		return write_include(choice, value);
	}
	if (!conf_is_instead(name)) {
		fprintf(choice->out, "%s = %s\n", name, value);
	}
	return true;
}

static bool write_file(struct choice *choice, const char *path)
{
	bool ok = choice->depth < MOST_DEPTH;

	if (ok) {
		choice->depth += 1;
		ok = pm_process(path, section_fn, parameter_fn, choice);
		choice->depth -= 1;
	}
	return ok;
}

/* Return the file to load in place of smb.conf. */
static const char *root_of(const struct choice *choice, const char *file)
{
	size_t i;

	for (i = 0; i < choice->files->num_patterns; i++) {
		if (choice->files->patterns[i].instead &&
		    chosen_file(choice, i) != NULL) {
			return chosen_file(choice, i);
		}
	}
	return file;
}

/*
 * Load one view. If a file cannot be read to its end, the part that was read
 * counts.
 */
static bool load_view(struct choice *choice, const char *file)
{
	int fd = memfd_create("smb.conf", MFD_CLOEXEC);
	char *path = talloc_asprintf(talloc_tos(), "/proc/self/fd/%d", fd);
	bool ok;

	choice->out = (fd >= 0) ? fdopen(fd, "w") : NULL;
	if (path == NULL || choice->out == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	(void)write_file(choice, root_of(choice, file));
	ok = fflush(choice->out) == 0;
	if (ok) {
		conf_forget_shares();
		(void)conf_load_file(path);
		conf_load_usershares();
	}
	fclose(choice->out);
	TALLOC_FREE(path);
	return ok;
}

static bool is_same(const struct share *a, const struct share *b)
{
	return a != NULL && strequal(a->name, b->name) &&
	       strcmp(a->path, b->path) == 0 &&
	       strcmp(a->objects, b->objects) == 0;
}

static bool is_known(const struct share_list *views,
		     const struct share_list *shares,
		     const struct share *share)
{
	size_t i;

	for (i = 0; i < views->num_shares; i++) {
		if (is_same(&views->shares[i], share)) {
			return true;
		}
	}
	return is_same(shares_find(shares, share->name), share);
}

/* Name the files of the choice, for messages. */
static char *name_files(TALLOC_CTX *mem_ctx, const struct choice *choice)
{
	char *text = talloc_strdup(mem_ctx, "");
	size_t i;

	for (i = 0; i < choice->files->num_patterns; i++) {
		const char *file = chosen_file(choice, i);

		if (file != NULL) {
			text = talloc_asprintf_append(
				text, "%s%s",
				(text != NULL && text[0] != '\0') ? " and "
								  : "",
				file);
		}
	}
	return text;
}

static bool add_shares(struct share_list *views,
		       const struct share_list *shares,
		       const struct choice *choice)
{
	struct share_list *list = shares_load(views);
	char *from = name_files(views, choice);
	size_t i;

	if (list == NULL || from == NULL) {
		return false;
	}
	for (i = 0; i < list->num_shares; i++) {
		struct share *more = NULL;

		if (is_known(views, shares, &list->shares[i])) {
			continue;
		}
		more = talloc_realloc(views, views->shares, struct share,
				      views->num_shares + 1);
		if (more == NULL) {
			return false;
		}
		views->shares = more;
		more[views->num_shares] = list->shares[i];
		more[views->num_shares].from = from;
		more[views->num_shares].snum = -1;
		views->num_shares += 1;
	}
	return true;
}

/*
 * Advance to the next choice, like an odometer. Return false after the last
 * one.
 */
static bool next_choice(struct choice *choice)
{
	size_t i;

	for (i = 0; i < choice->files->num_patterns; i++) {
		if (choice->chosen[i] < choice->files->patterns[i].num_files) {
			choice->chosen[i] += 1;
			return true;
		}
		choice->chosen[i] = 0;
	}
	return false;
}

static bool are_too_many(const struct conf_files *files)
{
	size_t num = 1;
	size_t i;

	for (i = 0; i < files->num_patterns; i++) {
		num *= files->patterns[i].num_files + 1;
		if (num > MOST_VIEWS) {
			return true;
		}
	}
	return false;
}

bool conf_has_views(const struct conf_files *files)
{
	size_t i;

	for (i = 0; i < files->num_patterns; i++) {
		if (files->patterns[i].num_files > 0) {
			return true;
		}
	}
	return false;
}

static bool add_unknown(struct conf_files *files)
{
	const char **list = talloc_realloc(files, files->unknown, const char *,
					   files->num_unknown + 1);

	if (list == NULL) {
		return false;
	}
	list[files->num_unknown] = "include (of too many files)";
	files->unknown = list;
	files->num_unknown += 1;
	return true;
}

struct share_list *conf_views(TALLOC_CTX *mem_ctx,
			      struct conf_files *files,
			      const char *file,
			      const struct share_list *shares)
{
	struct share_list *views = talloc_zero(mem_ctx, struct share_list);
	struct choice choice = {.files = files};
	bool ok = views != NULL;

	if (ok && are_too_many(files)) {
		ok = add_unknown(files);
	} else if (ok) {
		choice.chosen = talloc_zero_array(views, size_t,
						files->num_patterns);
		ok = choice.chosen != NULL;
		while (ok && next_choice(&choice)) {
			ok = load_view(&choice, file) &&
			     add_shares(views, shares, &choice);
		}
	}
	if (!ok) {
		TALLOC_FREE(views);
	}
	return views;
}
