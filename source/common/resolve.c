// SPDX-License-Identifier: GPL-3.0-or-later
/* Resolve the target that a person names to the paths that it covers. */

#include "drain/samba_compat.h"
#include <dirent.h>
#include "drain/resolve.h"
#include "drain/shares.h"
#include "drain/smbconf.h"
#include "drain/suggest.h"
#include "drain/text.h"

static const char *listed_by_name(DIR *d,
				  TALLOC_CTX *mem_ctx,
				  const char *name,
				  bool case_sensitive)
{
	struct dirent *entry = NULL;
	char *found = NULL;

	while ((entry = readdir(d)) != NULL) {
		if (strcmp(entry->d_name, name) == 0) {
			return name;
		}
		if (found == NULL && !case_sensitive &&
		    strequal(entry->d_name, name)) {
			found = talloc_strdup(mem_ctx, entry->d_name);
		}
	}
	return found;
}

static const char *listed_by_inode(DIR *d,
				   TALLOC_CTX *mem_ctx,
				   const struct stat *wanted)
{
	struct dirent *entry = NULL;
	struct stat st;

	rewinddir(d);
	while ((entry = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == wanted->st_dev &&
		    st.st_ino == wanted->st_ino) {
			return talloc_strdup(mem_ctx, entry->d_name);
		}
	}
	return NULL;
}

/*
 * Return the name of an entry as the directory lists it. A share can ignore
 * case, and a file system can find an entry by several names, such as any
 * Unicode normal form, but lists only one of them.
 */
static const char *spell_component(TALLOC_CTX *mem_ctx,
				   const char *dir,
				   const char *name,
				   bool case_sensitive)
{
	DIR *d = opendir(dir);
	const char *found = NULL;
	struct stat st;
	bool there;

	if (d == NULL) {
		return name;
	}
	there = fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	found = listed_by_name(d, mem_ctx, name, there || case_sensitive);
	if (found == NULL && there) {
		found = listed_by_inode(d, mem_ctx, &st);
	}
	closedir(d);
	return (found != NULL) ? found : name;
}

/*
 * Return a path in the share with all names as the directories list them, or
 * NULL if out of memory.
 */
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
		dir = drain_path_join(
			mem_ctx,
			dir,
			spell_component(mem_ctx, dir, name, case_sensitive));
	}
	return dir;
}

/* Resolving what a person typed to a record */
struct resolving {
	const struct share_list *list;
	struct drain_record *record; /* owns everything that is allocated */
	char *why; /* why it cannot be drained; NULL: out of memory */
};

static void explain(struct resolving *r, const char *fmt, ...)
	PRINTF_ATTRIBUTE(2, 3);

static void explain(struct resolving *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->why = talloc_vasprintf(r->record, fmt, ap);
	va_end(ap);
}

static const char *printable(struct resolving *r, const char *untrusted)
{
	const char *text = drain_text_printable(r->record, untrusted);

	return (text != NULL) ? text : "?";
}

static const struct share *share_to_drain(struct resolving *r,
					  const char *name)
{
	const struct share *share = shares_find(r->list, name);
	const char *root = lp_root_directory(r->record,
					     lpcfg_noop_substitution());

	if (root == NULL) {
		return NULL;
	}
	if (root[0] != '\0' && strcmp(root, "/") != 0) {
		explain(r, "cannot drain %s: smb.conf sets \"root directory\", "
			"so that paths lead elsewhere for smbd; remove that "
			"option",
			printable(r, name));
		return NULL;
	}
	if (share == NULL) {
		explain(r, "cannot find share %s: smb.conf has no share of "
			"that name",
			printable(r, name));
		return NULL;
	}
	if (share_is_homes(share)) {
		explain(r, "cannot drain %s: [homes] is another directory for "
			"each user; drain a share that has one path",
			share->name);
		return NULL;
	}
	if (share->varies != NULL) {
		explain(r, "cannot drain %s: its path contains %s and is "
			"another directory for each client; drain a share that "
			"has one path", share->name, share->varies);
		return NULL;
	}
	if (share->module_index < 0) {
		char *advice = share_advice(r->record, share);

		explain(r, "cannot drain %s: the share does not use the "
			"module; %s, reload smb.conf, and disconnect the "
			"clients of the share once (smbcontrol smbd "
			"close-share %s)", share->name,
			(advice != NULL) ? printable(r, advice) : "?",
			share->name);
		return NULL;
	}
	if (share->real == NULL) {
		explain(r, "cannot find the path of share %s, %s: %s",
			share->name, printable(r, share->path),
			strerror(share->error));
		return NULL;
	}
	return share;
}

/* Return the real path of a directory in the share, or NULL. */
static char *real_directory(struct resolving *r,
			    const struct share *share,
			    const char *lexical)
{
	struct stat st;
	char *resolved = realpath(lexical, NULL);
	char *real = NULL;

	if (resolved == NULL) {
		explain(r, "cannot find %s: %s",
			printable(r, lexical), strerror(errno));
		return NULL;
	}
	real = talloc_strdup(r->record, resolved);
	free(resolved);
	if (real == NULL) {
		return NULL;
	}
	if (!drain_path_within(real, share->real)) {
		explain(r, "cannot drain %s: it leads to %s, outside share %s "
			"(%s); drain it through the share that it is in",
			printable(r, lexical), printable(r, real),
			share->name, share->real);
		return NULL;
	}
	/* The destination of a link can be spelt differently. */
	real = spell_path(r->record, share, real + strlen(share->real));
	if (real == NULL) {
		return NULL;
	}
	if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
		explain(r, "cannot drain %s: it is not a directory; drain the "
			"directory that it is in",
			printable(r, lexical));
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
		/* A link on the way must not be renamed either. */
		record->real[1] = lexical;
		record->num_real = 2;
	}
	record->policy = config->options.policy;
	record->by = "";
	record->reason = "";
	record->publishing = "";
	return true;
}

static bool resolve_target(struct resolving *r, const char *target)
{
	struct drain_record *record = r->record;
	const struct share *share = NULL;
	const char *wrong = NULL;
	char *lexical = NULL;
	char *real = NULL;

	wrong = drain_target_parse(record, target, &record->target);
	if (wrong != NULL) {
		const char *meant = shares_suggest(record, r->list, target);

		explain(r, "cannot use %s as a target: %s%s%s%s",
			printable(r, target), wrong,
			(meant != NULL) ? "; did you mean " : "",
			(meant != NULL) ? printable(r, meant) : "",
			(meant != NULL) ? "?" : "");
		return false;
	}
	share = share_to_drain(r, record->target.share);
	if (share == NULL) {
		return false;
	}
	record->target.share = share->name;

	lexical = spell_path(record, share, record->target.path);
	if (lexical == NULL) {
		return false;
	}
	real = real_directory(r, share, lexical);
	return real != NULL && fill_record(record, share, real, lexical);
}

struct drain_record *shares_make_record(TALLOC_CTX *mem_ctx,
					const struct share_list *list,
					const char *target,
					const char **why)
{
	struct resolving r = {
		.list = list,
		.record = talloc_zero(mem_ctx, struct drain_record),
	};

	if (r.record == NULL || !resolve_target(&r, target)) {
		*why = talloc_steal(mem_ctx, r.why);
		if (*why == NULL) {
			*why = "out of memory";
		}
		TALLOC_FREE(r.record);
	}
	return r.record;
}
