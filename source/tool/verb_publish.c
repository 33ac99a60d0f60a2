/*
 * drain: take users off a Samba share so that it can be updated
 *
 * smbdrain publish: a prepared directory takes the place of a quiescent target.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

#define PUBLISH_TRIES 50
#define PUBLISH_PAUSE_MSEC 100
#define PUBLISH_LINK_MSEC 10000 /* for smbds to acknowledge */
#define PUBLISH_CACHES_MSEC 2000 /* for clients to give back what they cache */

struct publish {
	struct tool *tool;
	const struct share_list *shares;
	const struct share *share;
	const struct drain_record *place; /* the target as it is now */
	enum target_kind kind;
	const char *path; /* of the new directory, absolute and real */
	struct pinned *old; /* the directory, the root, or the link */
	struct pinned *staged;
	struct drain_id id;
	struct drain_record *record; /* of the drain; NULL: a dry run */
	bool owned; /* its end, by ourselves and not by a run */
};

/*
 * What can be checked without a drain
 */

/* The real path of one that is not there yet, by that of its parent */
static char *real_path_to_be(const char *path)
{
	char *dir = talloc_strdup(talloc_tos(), path);
	char *slash = NULL;
	char *real = NULL;
	char *result = NULL;

	while (dir != NULL && dir[0] != '\0' &&
	       dir[strlen(dir) - 1] == '/') {
		dir[strlen(dir) - 1] = '\0';
	}
	slash = (dir != NULL) ? strrchr(dir, '/') : NULL;
	if (dir == NULL || dir[0] == '\0') {
		return NULL;
	}
	if (slash == NULL) {
		real = realpath(".", NULL);
		slash = dir - 1;
	} else {
		*slash = '\0';
		real = realpath(dir[0] != '\0' ? dir : "/", NULL);
	}
	if (real != NULL) {
		result = drain_path_join(talloc_tos(), real, slash + 1);
		free(real);
	}
	return result;
}

static bool find_new_directory(struct publish *p)
{
	const char *name = p->tool->options->new_directory;
	char *real = realpath(name, NULL);

	if (real != NULL) {
		p->path = talloc_strdup(talloc_tos(), real);
		free(real);
	} else if (errno == ENOENT && p->tool->options->dry_run) {
		p->path = real_path_to_be(name);
	}
	if (p->path == NULL) {
		complain("%s: %s", show_text(name), strerror(errno));
		return false;
	}
	return true;
}

static bool check_not_nested(const struct publish *p)
{
	const char *old = p->place->real[0];

	if (strcmp(p->path, old) == 0) {
		complain("%s: that is what %s is now", show_text(p->path),
			 show_target(p->place));
		return false;
	}
	if (p->kind == TARGET_DIRECTORY && drain_path_within(p->path, old)) {
		complain("%s: is inside of %s; stage the new version beside "
			 "it or elsewhere on its file system",
			 show_text(p->path), show_target(p->place));
		return false;
	}
	if (drain_path_within(shares_lexical(p->place), p->path) ||
	    drain_path_within(old, p->path)) {
		complain("%s: %s is inside of it", show_text(p->path),
			 show_target(p->place));
		return false;
	}
	return true;
}

/* The old version will be there: clients must not take it for something */
static bool check_not_served(const struct publish *p)
{
	const struct share *serving = shares_serving(p->shares, p->path);

	if (serving == NULL) {
		return true;
	}
	complain("%s: clients see it in share %s; stage the new version "
		 "outside of all shares, or hide its directory in there with "
		 "e.g. \"veto files = /.smbdrain/\"",
		 show_text(p->path), serving->name);
	return false;
}

static bool check_in_share(const struct publish *p)
{
	if (drain_path_within(p->path, p->share->real) &&
	    strcmp(p->path, p->share->real) != 0) {
		return true;
	}
	complain("%s: %s is a symbolic link, and it can only be made to lead "
		 "to another directory in share %s",
		 show_text(p->path), show_target(p->place), p->share->name);
	return false;
}

static bool pin(struct publish *p)
{
	const bool may_be_missing = p->tool->options->dry_run;

	if (p->kind == TARGET_LINK) {
		p->old = pin_link(talloc_tos(), shares_lexical(p->place));
	} else {
		p->old = pin_directory(talloc_tos(), p->place->real[0], false);
	}
	if (p->old != NULL) {
		p->staged = pin_directory(talloc_tos(), p->path,
					  may_be_missing);
	}
	return p->staged != NULL;
}

static bool can_be_exchanged(const struct publish *p)
{
	const struct pinned *old = p->old;
	const struct pinned *staged = p->staged;
	const bool exists = staged->fd != -1;

	if (p->kind == TARGET_SHARE) {
		return pin_one_mount(&old->self,
				     exists ? &staged->self : &staged->in);
	}
	return pin_one_mount(&old->in, &staged->in) &&
	       pin_one_mount(&old->in, &old->self) &&
	       (!exists || pin_one_mount(&old->in, &staged->self));
}

static bool check_mounts(const struct publish *p)
{
	if (p->kind == TARGET_LINK || can_be_exchanged(p)) {
		return true;
	}
	complain("%s: is not on the file system of %s (%s), or one of them is "
		 "a mount point; stage the new version where it can be "
		 "renamed into its place",
		 show_text(p->path), show_target(p->place),
		 show_text(p->old->path));
	return false;
}

static bool check_rights(const struct publish *p)
{
	if (p->kind == TARGET_SHARE) {
		return pin_writable(p->old->fd, p->old->path) &&
		       pin_writable(p->staged->parent, p->path) &&
		       (p->staged->fd == -1 ||
			pin_writable(p->staged->fd, p->path));
	}
	return pin_writable(p->old->parent, p->old->path) &&
	       (p->kind == TARGET_LINK ||
		pin_writable(p->staged->parent, p->path));
}

static bool check(struct publish *p)
{
	return find_new_directory(p) && check_not_nested(p) &&
	       (p->kind == TARGET_LINK ? check_in_share(p)
				       : check_not_served(p)) &&
	       pin(p) && check_mounts(p) && check_rights(p);
}

/*
 * Who may
 */

static bool read_record(struct publish *p)
{
	struct drain_id_buf buf;
	NTSTATUS status;

	TALLOC_FREE(p->record);
	status = drain_store_read(p->tool->store, talloc_tos(), &p->id,
				  &p->record);
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain("%s: no drain with the id %s is in force",
			 show_target(p->place), drain_id_string(&p->id, &buf));
		return false;
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("%s: can not read its record: %s",
			 show_target(p->place), nt_errstr(status));
		return false;
	}
	return true;
}

/* A link is where it was, whatever it has come to lead to */
static bool is_of_target(const struct publish *p)
{
	const struct drain_record *r = p->record;
	const char *lexical = shares_lexical(p->place);
	size_t i;

	if (p->kind != TARGET_LINK) {
		return strcmp(r->real[0], p->place->real[0]) == 0;
	}
	for (i = 0; i < r->num_real; i++) {
		if (strcmp(r->real[i], lexical) == 0) {
			return true;
		}
	}
	return false;
}

static bool check_record(struct publish *p)
{
	struct drain_id_buf buf;

	if (!read_record(p)) {
		return false;
	}
	if (!is_of_target(p)) {
		complain("%s: the drain %s is that of %s",
			 show_target(p->place), drain_id_string(&p->id, &buf),
			 show_target(p->record));
		return false;
	}
	if (p->record->state != DRAIN_QUIESCENT) {
		complain("%s: is %s and not quiescent; \"smbdrain wait\" "
			 "waits until it is", show_target(p->place),
			 drain_state_string(p->record->state));
		return false;
	}
	return true;
}

/* A resume has it for a moment. A run whose command we are has it for us. */
static bool is_run(struct tool *tool,
		   const struct drain_id *id,
		   struct server_id owner)
{
	struct server_id runner = {0};
	NTSTATUS status = drain_runner_claim(tool->locks, id, &runner);

	return NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT) &&
	       server_id_equal(&owner, &runner);
}

/* From here on nobody resumes the drain, other than by force */
static bool own_the_end(struct publish *p)
{
	struct tool *tool = p->tool;
	struct server_id owner = {0};
	NTSTATUS status = NT_STATUS_IO_TIMEOUT;
	int i;

	for (i = 0; i < PUBLISH_TRIES; i++) {
		status = drain_owner_claim(tool->locks, &p->id, &owner);
		if (!NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
			break;
		}
		if (is_run(tool, &p->id, owner)) {
			return true;
		}
		smb_msleep(PUBLISH_PAUSE_MSEC);
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("%s: can not take its lock: %s",
			 show_target(p->place), nt_errstr(status));
		return false;
	}
	p->owned = true;
	return true;
}

static bool be_the_publisher(struct publish *p)
{
	struct server_id publisher = {0};
	NTSTATUS status;

	status = drain_publish_claim(p->tool->locks, &p->id, &publisher);
	if (NT_STATUS_IS_OK(status)) {
		return true;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_IO_TIMEOUT)) {
		complain("%s: another \"smbdrain publish\" (pid %s) is at "
			 "work on it", show_target(p->place),
			 show_server(publisher));
	} else {
		complain("%s: can not take its lock: %s",
			 show_target(p->place), nt_errstr(status));
	}
	return false;
}

/* The record is read last: then nobody else can end or publish it */
static bool hold_the_drain(struct publish *p)
{
	return check_record(p) && be_the_publisher(p) && own_the_end(p) &&
	       check_record(p);
}

/*
 * The link: the drain has to cover what it will lead to
 */

static bool change_cover(struct publish *p,
			 NTSTATUS (*change)(struct drain_store *store,
					    const struct drain_id *id,
					    const char *path))
{
	NTSTATUS status = change(p->tool->store, &p->id, p->path);

	if (NT_STATUS_IS_OK(status)) {
		return true;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		complain("%s: its drain can not cover %s too: it covers as "
			 "much as it can; resume it and begin a new one",
			 show_target(p->place), show_text(p->path));
	} else {
		complain("%s: can not change its record: %s",
			 show_target(p->place), tool_write_error(status));
	}
	return false;
}

/*
 * Every smbd refuses opens there now, and durable handles do not come back to
 * a quiescent drain: those that are gone are gone for good.
 */
static bool is_empty(struct publish *p, struct drain_record *record)
{
	struct holder_list *list = NULL;

	list = holders_get(talloc_tos(), p->tool, record, false,
			   PUBLISH_LINK_MSEC);
	if (list == NULL || list->num_silent > 0) {
		return false;
	}
	return holders_drop_exempt(list) == 0;
}

static bool wait_until_empty(struct publish *p)
{
	uint64_t deadline = tool_deadline(PUBLISH_CACHES_MSEC);
	struct drain_record record = *p->record;

	record.real = &p->path;
	record.num_real = 1;
	while (!is_empty(p, &record)) {
		if (tool_is_late(deadline)) {
			complain("%s: is in use; what the link leads to has "
				 "to be free too", show_text(p->path));
			holders_complain(p->tool, &record);
			return false;
		}
		smb_msleep(PUBLISH_PAUSE_MSEC);
	}
	return true;
}

static bool cover_and_replace(struct publish *p)
{
	return read_record(p) &&
	       arm_again(p->tool, p->shares, p->record,
			 tool_deadline(PUBLISH_LINK_MSEC)) &&
	       wait_until_empty(p) && exchange_link(p->old, p->path);
}

static bool publish_link(struct publish *p)
{
	const bool covered = drain_record_covers(p->record, p->path);

	if (!covered && !change_cover(p, drain_store_cover)) {
		return false;
	}
	if (cover_and_replace(p)) {
		return pin_sync_parent(p->old);
	}
	if (!covered && change_cover(p, drain_store_uncover)) {
		end_tell_roster(p->tool);
	}
	return false;
}

/*
 * All three kinds
 */

static bool publish_root(struct publish *p)
{
	const struct root_publish root = {
		.tool = p->tool,
		.record = p->record,
		.share = p->share,
		.root = p->old,
		.staged = p->staged,
		.undo = p->tool->options->undo,
	};

	return journal_publish(&root);
}

static bool exchange(struct publish *p)
{
	switch (p->kind) {
	case TARGET_DIRECTORY:
		return exchange_directories(p->old, p->staged);
	case TARGET_SHARE:
		return publish_root(p);
	case TARGET_LINK:
		return publish_link(p);
	}
	return false;
}

static void say_done(const struct publish *p)
{
	const bool undo = p->tool->options->undo;
	const char *old = (p->kind == TARGET_LINK)
				  ? p->place->real[0]
				  : p->tool->options->new_directory;

	printf("%s is %s; the %s version is in %s\n", show_target(p->place),
	       undo ? "as it was before" : "published", undo ? "new" : "old",
	       show_text(old));
}

static bool find_target(struct publish *p)
{
	p->shares = shares_load(talloc_tos());
	if (p->shares == NULL) {
		complain("out of memory");
		return false;
	}
	p->place = shares_resolve(talloc_tos(), p->shares,
				  p->tool->options->target);
	if (p->place == NULL) {
		return false;
	}
	p->share = shares_find(p->shares, p->place->target.share);
	p->kind = shares_kind(p->place);
	if (p->tool->options->undo && p->kind != TARGET_SHARE) {
		complain("%s: is published in one step; nothing can be half "
			 "done", show_target(p->place));
		return false;
	}
	return true;
}

static bool publish(struct publish *p)
{
	bool ok;

	if (!find_target(p) || !check(p)) {
		return false;
	}
	if (p->tool->options->dry_run) {
		return true;
	}
	ok = hold_the_drain(p) && exchange(p);
	if (p->owned) {
		drain_owner_release(p->tool->locks, &p->id);
	}
	if (ok) {
		say_done(p);
	}
	return ok;
}

/* Whoever holds the drain knows its id */
static bool find_id(struct publish *p)
{
	const char *text = p->tool->options->id;

	if (p->tool->options->dry_run) {
		return true;
	}
	if (text == NULL) {
		text = getenv("DRAIN_ID");
	}
	if (text == NULL) {
		complain("publish: which drain do you hold? It is run by "
			 "\"smbdrain run\", or takes --id=DRAIN_ID");
		return false;
	}
	if (!drain_id_parse(text, &p->id)) {
		complain("publish: %s is not the id of a drain",
			 show_text(text));
		return false;
	}
	return true;
}

static int run_publish(struct tool *tool)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct publish p = {.tool = tool};
	int ret = EXIT_USAGE;

	if (find_id(&p)) {
		ret = publish(&p) ? EXIT_DONE : EXIT_FAILED;
	}
	TALLOC_FREE(frame);
	return ret;
}

const struct verb verb_publish = {
	.name = "publish",
	.usage = "publish TARGET NEW_DIRECTORY [--id=DRAIN_ID] [--dry-run] "
		 "[--undo]",
	.takes_target = true,
	.run = run_publish,
};
