// SPDX-License-Identifier: GPL-3.0-or-later
/* The verb "smbdrain check". */

#include "verb/verb.h"
#include "lib/util/samba_util.h"
#include "lib/util/util_paths.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/smbconf.h"
#include "drain/target.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/json.h"
#include "samba/conf.h"
#include "samba/conf_files.h"
#include "samba/mounts.h"
#include "samba/namespace.h"
#include "samba/parents.h"
#include "samba/shares.h"
#include "protocol/arm.h"
#include "verb/check_now.h"
#include "verb/exit_status.h"
#include "verb/findings.h"
#include "verb/options.h"

static bool is_well(const struct findings *f)
{
	return json_array_size(f->problems) == 0 &&
	       (f->target == NULL || f->real_path != NULL);
}

/* Find "drain module for Samba 4.17.12-Debian" in the file of the module. */
static bool built_for_release(const uint8_t *file, size_t size)
{
	const size_t len = sizeof(DRAIN_MODULE_MARK) - 1;
	const char *mark = memmem(file, size, DRAIN_MODULE_MARK, len);

	return mark != NULL && (const uint8_t *)mark + len + 8 < file + size &&
	       drain_same_release(mark + len);
}

static void check_module(struct findings *f)
{
	char *path = modules_path(talloc_tos(), "vfs/drain.so");
	uint8_t *file = NULL;
	size_t size = 0;

	if (path == NULL) {
		check_problem(f, NULL, "out of memory");
		return;
	}
	file = (uint8_t *)file_load(path, &size, 0, talloc_tos());
	if (file == NULL) {
		check_problem(f, NULL, "%s is missing: install the module",
			      path);
	} else if (!built_for_release(file, size)) {
		check_problem(f, NULL, "%s was not built for Samba %u.%u: "
			"build and install it again", path, DRAIN_SAMBA / 100,
			DRAIN_SAMBA % 100);
	}
	TALLOC_FREE(file);
	TALLOC_FREE(path);
}

static void check_namespace(struct findings *f)
{
	const char *text = namespace_problem(talloc_tos());

	if (text != NULL) {
		check_problem(f, NULL, "%s", text);
	}
}

static void check_preload(struct findings *f)
{
	const char **modules = lp_preload_modules();

	if (modules != NULL && modules[0] != NULL) {
		check_problem(f, NULL, "\"preload modules\" is set: smbd "
			"crashes when it preloads a VFS module; do not list "
			"this one there");
	}
}

static void check_options(struct findings *f, const struct share *share)
{
	struct drain_share_config *config = NULL;
	size_t i;

	config = drain_smbconf_read(talloc_tos(), share->snum);
	if (config == NULL) {
		check_problem(f, share->name, "out of memory");
		return;
	}
	for (i = 0; i < config->num_complaints; i++) {
		check_problem(f, share->name, "%s", config->complaints[i]);
	}
	TALLOC_FREE(config);
}

static const char *advice_of(const struct share *share)
{
	const char *advice = share_advice(talloc_tos(), share);

	return (advice != NULL) ? advice : "out of memory";
}

static void check_share(struct findings *f, const struct share *share)
{
	check_options(f, share);
	if (share->before != NULL) {
		check_problem(f, share->name,
			"the module comes after %s in its \"vfs objects\" and "
			"may not see the opens of that module: %s",
			share->before,
			advice_of(share));
	}
	if (lp_parm_bool(share->snum, "aio_pthread", "aio open", false)) {
		check_problem(f, share->name,
			"aio_pthread:aio open = yes: a file that is being "
			"created when a drain begins may appear later");
	}
	if (share->varies != NULL) {
		check_problem(f, share->name,
			"its path contains %s: it cannot be a target; its "
			"clients are guarded only for targets of other shares",
			share->varies);
	} else if (share->real == NULL) {
		check_problem(f, share->name, "its path %s does not exist",
			share->path);
	}
}

/*
 * Check if @other, which may be the same share, reaches the files of @share
 * without the module.
 */
static void check_other_way(struct findings *f,
			    const struct share *share,
			    const struct share *other,
			    const struct drain_record *record,
			    const struct alias_list *aliases)
{
	const char *alias = NULL;

	if (!share_passes_by(other, record, aliases, &alias)) {
		return;
	}
	if (alias == NULL && other->before != NULL) {
		if (other != share) { /* reported by check_share() */
			check_problem(f, share->name,
				"share %s (%s) gives access to the same files "
				"past the module, which comes after %s: %s",
				other->name, other->path, other->before,
				advice_of(other));
		}
	} else if (alias == NULL) {
		check_problem(f, share->name,
			"share %s (%s%s) gives access to the same files "
			"without the module: %s", other->name, other->path,
			(other->from != NULL) ? ", for some clients" : "",
			advice_of(other));
	} else {
		check_problem(f, share->name,
			"share %s (%s) gives access to the same files through "
			"a mount, as %s, which the module does not cover",
			other->name, other->path, alias);
	}
}

static void check_other_ways(struct findings *f,
			     const struct share_list *list,
			     const struct share *share,
			     const struct drain_record *record)
{
	struct alias_list *aliases = mounts_aliases(talloc_tos(), record);
	size_t i;

	if (aliases == NULL) {
		check_problem(f, share->name, "the mount table cannot be read");
		return;
	}
	for (i = 0; i < list->num_shares; i++) {
		check_other_way(f, share, &list->shares[i], record, aliases);
	}
	TALLOC_FREE(aliases);
}

static void check_siblings(struct findings *f,
			   const struct share_list *list,
			   const struct share *share)
{
	struct drain_record record = {.num_real = 1};

	if (share->real != NULL) {
		record.real = discard_const_p(const char *, &share->real);
		check_other_ways(f, list, share, &record);
	}
}

/* Check the smbds and clients of all shares with the module. */
static bool check_all_now(struct findings *f,
			  struct tool *tool,
			  const struct share_list *list)
{
	struct drain_record paths = {
		.real = talloc_array(talloc_tos(), const char *,
				     list->num_shares),
	};
	size_t i;

	if (paths.real == NULL) {
		complain("out of memory");
		return false;
	}
	for (i = 0; i < list->num_shares; i++) {
		const struct share *share = &list->shares[i];

		if (share->module_index >= 0 && share->real != NULL) {
			paths.real[paths.num_real] = share->real;
			paths.num_real += 1;
		}
	}
	return check_now(f, tool, list, &paths);
}

static void check_shares(struct findings *f, const struct share_list *list)
{
	size_t num = 0;
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		const struct share *share = &list->shares[i];

		if (share->module_index < 0 || share->from != NULL) {
			continue;
		}
		num += 1;
		json_array_append_new(f->shares,
				      show_json_text(share->name));
		check_share(f, share);
		check_siblings(f, list, share);
	}
	if (num == 0) {
		check_problem(f, NULL, "no share uses the module: "
			"add \"vfs objects = drain\" to one");
	}
}

/* Report the lines of smb.conf that prevent any drain from being armed. */
static void check_unknown(struct findings *f, const struct tool *tool)
{
	const size_t num = arm_unknown(tool);
	size_t i;

	for (i = 0; i < num; i++) {
		check_problem(f, NULL, "\"%s\" in smb.conf may define shares "
			"that smbdrain cannot see, so no drain can be armed: "
			"put \"drain\" first in \"vfs objects\" of [global], "
			"or name a file that is the same for all clients",
			tool->conf->unknown[i]);
	}
}

static json_t *text_or_null(const char *text)
{
	return (text != NULL) ? show_json_text(text) : json_null();
}

static json_t *share_json(const struct share *s)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}",
			 "share", show_json_text(s->name),
			 "path", show_json_text(s->path),
			 "real_path", text_or_null(s->real),
			 "varies", text_or_null(s->varies),
			 "guarded", (int)share_is_guarded(s),
			 "file", text_or_null(s->from));
}

/* Return every share and the directory that it exports. */
static json_t *all_shares(const struct share_list *list)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		json_array_append_new(all, share_json(&list->shares[i]));
	}
	return all;
}

/* With what an update of it needs to know */
static json_t *target_share_json(const struct share_list *list,
				 const char *target)
{
	struct drain_target parsed;
	struct drain_share_config *config = NULL;
	const struct share *share = NULL;
	json_t *json = NULL;

	if (drain_target_parse(talloc_tos(), target, &parsed) == NULL) {
		share = shares_find(list, parsed.share);
	}
	if (share == NULL) {
		return json_null();
	}
	config = drain_smbconf_read(talloc_tos(), share->snum);
	if (config == NULL) {
		return NULL;
	}
	json = share_json(share);
	json_object_set_new(json, "veto_files", show_json_text(share->veto));
	json_object_set_new(
		json, "hold_timeout",
		json_real(config->options.policy.hold_timeout / 1000.0));
	TALLOC_FREE(config);
	return json;
}

static bool has_words(const char **words)
{
	return words != NULL && words[0] != NULL;
}

/*
 * Returns true if some client may write to the files of a share. The ACL of a
 * usershare decides that, and a file for some clients only is not looked into.
 */
static bool lets_clients_write(const struct share *share)
{
	return share->snum < 0 || share->of_user ||
	       !lp_read_only(share->snum) ||
	       has_words(lp_write_list(share->snum)) ||
	       has_words(lp_admin_users(share->snum));
}

/* Returns true if clients can write to the target through any share. */
static bool is_writable(const struct share_list *list,
			const struct drain_record *record)
{
	struct alias_list *aliases = mounts_aliases(talloc_tos(), record);
	bool found = aliases == NULL;
	size_t i;

	for (i = 0; i < list->num_shares && !found; i++) {
		const struct share *share = &list->shares[i];

		found = lets_clients_write(share) &&
			(share_overlaps(share, record) ||
			 share_alias_in(share, aliases) != NULL);
	}
	TALLOC_FREE(aliases);
	return found;
}

/*
 * Check if the target can be drained. The reason why not goes to standard
 * error.
 */
static bool check_target(struct findings *f,
			 struct tool *tool,
			 const struct share_list *list,
			 const char *target)
{
	struct drain_record *record = NULL;
	const struct share *share = NULL;

	f->target = json_null();
	f->share = target_share_json(list, target);
	if (f->share == NULL) {
		complain("out of memory");
		return false;
	}
	record = shares_resolve(talloc_tos(), list, target);
	if (record == NULL) {
		return true;
	}
	share = shares_find(list, record->target.share);
	json_array_append_new(f->shares, show_json_text(share->name));
	check_share(f, share);
	check_other_ways(f, list, share, record);
	f->target = json_pack("{s:o, s:o, s:o, s:s, s:b}",
			      "share", show_json_text(record->target.share),
			      "path", show_json_text(record->target.path),
			      "real_path", show_json_text(record->real[0]),
			      "kind", target_kind_string(shares_kind(record)),
			      "writable", (int)is_writable(list, record));
	f->real_path = record->real[0];
	return check_now(f, tool, list, record);
}

static const char *share_of(json_t *item)
{
	const char *share = json_string_value(json_object_get(item, "share"));

	return (share != NULL) ? talloc_asprintf(talloc_tos(), "share %s: ",
						 show_text(share))
			       : "";
}

static const char *text_of(json_t *item)
{
	return show_text(json_string_value(json_object_get(item, "text")));
}

static void print_all(const struct findings *f)
{
	json_t *item = NULL;
	size_t i;

	json_array_foreach(f->shares, i, item) {
		printf("share %s uses the module\n",
		       show_text(json_string_value(item)));
	}
	json_array_foreach(f->problems, i, item) {
		printf("problem: %s%s\n", share_of(item), text_of(item));
	}
	if (json_array_size(f->problems) == 0) {
		printf("all is well\n");
	}
}

/* For scripts: print only the path, unchanged, and only without problems. */
static void print_target(const struct findings *f)
{
	json_t *item = NULL;
	size_t i;

	json_array_foreach(f->problems, i, item) {
		complain("%s%s", share_of(item), text_of(item));
	}
	if (is_well(f)) {
		printf("%s\n", f->real_path);
	}
}

static bool print_json(const struct findings *f, const struct share_list *list)
{
	json_t *json = show_json_new();

	json_object_set(json, "shares", f->shares);
	json_object_set(json, "problems", f->problems);
	json_object_set_new(json, "smbd_running", json_boolean(parents_any()));
	json_object_set_new(json, "state_directory",
			    show_json_text(lp_state_directory()));
	if (f->target != NULL) {
		json_object_set(json, "target", f->target);
		json_object_set(json, "share", f->share);
	} else {
		json_object_set_new(json, "all_shares", all_shares(list));
	}
	return show_json(json, false);
}

static int check_and_print(struct tool *tool,
			   const struct options *options,
			   struct findings *f)
{
	const struct share_list *list = conf_shares(talloc_tos(), tool);
	bool ok;

	if (list == NULL || f->problems == NULL || f->shares == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	check_module(f);
	check_namespace(f);
	check_preload(f);
	check_unknown(f, tool);
	if (options->target != NULL) {
		ok = check_target(f, tool, list, options->target);
	} else {
		check_shares(f, list);
		ok = check_all_now(f, tool, list);
	}
	if (!ok) {
		return EXIT_FAILED;
	}

	if (options->json) {
		if (!print_json(f, list)) {
			return EXIT_FAILED;
		}
	} else if (options->target != NULL) {
		print_target(f);
	} else {
		print_all(f);
	}
	return is_well(f) ? EXIT_DONE : EXIT_FAILED;
}

static int run_check(struct tool *tool, const struct options *options)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct findings f = {
		.problems = json_array(),
		.shares = json_array(),
	};
	int ret = check_and_print(tool, options, &f);

	json_decref(f.target);
	json_decref(f.share);
	json_decref(f.shares);
	json_decref(f.problems);
	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_check = {
	.name = "check",
	.purpose = "Check the installation and the configuration.",
	.usage = "check [TARGET] [--json]",
	.run = run_check,
};
