/*
 * drain: take users off a Samba share so that it can be updated
 *
 * smbdrain check
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include "drain/smbconf.h"
#include "lib/util/samba_util.h"
#include "lib/util/util_paths.h"

/* What is not as it should be, so far */
struct findings {
	json_t *problems;
	json_t *shares;
};

static void PRINTF_ATTRIBUTE(3, 4) problem(struct findings *f,
					   const char *share,
					   const char *fmt,
					   ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	text = talloc_vasprintf(talloc_tos(), fmt, ap);
	va_end(ap);
	json_array_append_new(
		f->problems,
		json_pack("{s:o, s:o}",
			  "share", share != NULL ? show_json_text(share)
						 : json_null(),
			  "text", show_json_text(text != NULL ? text : "?")));
}

/* "drain module for Samba 4.17.12-Debian" is in the file of the module */
static bool built_for_minor(const uint8_t *file, size_t size)
{
	const size_t len = sizeof(DRAIN_MODULE_MARK) - 1;
	const char *mark = memmem(file, size, DRAIN_MODULE_MARK, len);
	unsigned major = 0;
	unsigned minor = 0;

	return mark != NULL && (const uint8_t *)mark + len + 8 < file + size &&
	       sscanf(mark + len, "%u.%u", &major, &minor) == 2 &&
	       major == DRAIN_SAMBA_MAJOR && minor == DRAIN_SAMBA_MINOR;
}

static void check_module(struct findings *f)
{
	char *path = modules_path(talloc_tos(), "vfs/drain.so");
	uint8_t *file = NULL;
	size_t size = 0;

	if (path == NULL) {
		problem(f, NULL, "out of memory");
		return;
	}
	file = (uint8_t *)file_load(path, &size, 0, talloc_tos());
	if (file == NULL) {
		problem(f, NULL, "%s is not there: install the module", path);
	} else if (!built_for_minor(file, size)) {
		problem(f, NULL, "%s was not built for Samba %u.%u: "
			"build and install it again", path, DRAIN_SAMBA_MAJOR,
			DRAIN_SAMBA_MINOR);
	}
	TALLOC_FREE(file);
	TALLOC_FREE(path);
}

static void check_preload(struct findings *f)
{
	const char **modules = lp_preload_modules();

	if (modules != NULL && modules[0] != NULL) {
		problem(f, NULL, "\"preload modules\" is set: smbd crashes "
			"when it preloads a VFS module; do not name this one");
	}
}

static void check_options(struct findings *f, const struct share *share)
{
	struct drain_share_config *config = NULL;
	size_t i;

	config = drain_smbconf_read(talloc_tos(), share->snum);
	if (config == NULL) {
		problem(f, share->name, "out of memory");
		return;
	}
	for (i = 0; i < config->num_complaints; i++) {
		problem(f, share->name, "%s", config->complaints[i]);
	}
	TALLOC_FREE(config);
}

static void check_share(struct findings *f, const struct share *share)
{
	check_options(f, share);
	if (share->module_index > 0) {
		problem(f, share->name,
			"drain is not the first of its \"vfs objects\": "
			"what is before it changes names and opens unseen");
	}
	if (lp_parm_bool(share->snum, "aio_pthread", "aio open", false)) {
		problem(f, share->name,
			"aio_pthread:aio open = yes: a file that is being "
			"created when a drain begins may appear later");
	}
	if (share->varies != NULL) {
		problem(f, share->name,
			"its path holds %s: it can not be a target, its "
			"clients are only guarded for targets of other shares",
			share->varies);
	} else if (share->real == NULL) {
		problem(f, share->name, "its path %s is not there",
			share->path);
	}
}

/* Another way to the same files, past the module */
static void check_siblings(struct findings *f,
			   const struct share_list *list,
			   const struct share *share)
{
	struct drain_record record = {.num_real = 1};
	size_t i;

	if (share->real == NULL) {
		return;
	}
	record.real = discard_const_p(const char *, &share->real);
	for (i = 0; i < list->num_shares; i++) {
		const struct share *other = &list->shares[i];

		if (other->module_index < 0 && !share_is_homes(other) &&
		    share_overlaps(other, &record)) {
			problem(f, share->name,
				"share %s (%s) gives access to the same files "
				"without the module", other->name,
				other->path);
		}
	}
}

static void check_shares(struct findings *f, const struct share_list *list)
{
	size_t num = 0;
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		const struct share *share = &list->shares[i];

		if (share->module_index < 0) {
			continue;
		}
		num += 1;
		json_array_append_new(f->shares,
				      show_json_text(share->name));
		check_share(f, share);
		check_siblings(f, list, share);
	}
	if (num == 0) {
		problem(f, NULL, "no share uses the module: "
			"add \"vfs objects = drain\" to one");
	}
}

static void print_text(const struct findings *f)
{
	json_t *item = NULL;
	size_t i;

	json_array_foreach(f->shares, i, item) {
		printf("share %s uses the module\n",
		       show_text(json_string_value(item)));
	}
	json_array_foreach(f->problems, i, item) {
		const char *share = NULL;
		const char *text = NULL;

		share = json_string_value(json_object_get(item, "share"));
		text = json_string_value(json_object_get(item, "text"));
		printf("problem: %s%s%s%s\n",
		       share != NULL ? "share " : "",
		       share != NULL ? show_text(share) : "",
		       share != NULL ? ": " : "", show_text(text));
	}
	if (json_array_size(f->problems) == 0) {
		printf("all is well\n");
	}
}

static int run_check(struct tool *tool)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct share_list *list = shares_load(frame);
	struct findings f = {
		.problems = json_array(),
		.shares = json_array(),
	};
	int ret;

	if (list == NULL || f.problems == NULL || f.shares == NULL) {
		complain("out of memory");
		TALLOC_FREE(frame);
		return EXIT_FAILED;
	}
	check_module(&f);
	check_preload(&f);
	check_shares(&f, list);
	ret = (json_array_size(f.problems) == 0) ? EXIT_DONE : EXIT_FAILED;

	if (tool->options->json) {
		json_t *json = show_json_new();

		json_object_set(json, "shares", f.shares);
		json_object_set(json, "problems", f.problems);
		if (!show_json(json, false)) {
			ret = EXIT_FAILED;
		}
	} else {
		print_text(&f);
	}
	json_decref(f.shares);
	json_decref(f.problems);
	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_check = {
	.name = "check",
	.usage = "check [--json]",
	.run = run_check,
};
