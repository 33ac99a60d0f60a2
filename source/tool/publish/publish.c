// SPDX-License-Identifier: GPL-3.0-or-later
/* Replace a quiescent target with a prepared directory. */

#include "publish/publish.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/store.h"
#include "drain/target.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/shares.h"
#include "smbd/holders.h"
#include "protocol/arm.h"
#include "protocol/end.h"
#include "protocol/near.h"
#include "publish/exchange.h"
#include "publish/journal.h"
#include "publish/link_name.h"
#include "publish/pin.h"

#define PUBLISH_LINK_MSEC 10000 /* for smbds to acknowledge */
#define PUBLISH_CACHES_MSEC 2000 /* for clients to answer lease breaks */

struct publish {
	struct tool *tool;
	const struct share_list *shares;
	const struct share *share;
	const struct drain_record *place; /* the target as it resolves now */
	enum target_kind kind;
	const char *name; /* of the new directory, as given by the user */
	const char *path; /* real path of the new directory */
	bool may_be_missing;
	bool undo; /* of a publish that was interrupted */
	struct pinned *old; /* the directory, the root, or the link */
	struct pinned *staged;
	bool prepared;
	struct drain_id id;
	struct drain_record *record; /* of the drain, once it is known */
};

/*
 * Checks that need no drain
 */

/*
 * Return the real path of a directory that does not exist yet, from that of its
 * parent.
 */
static char *real_path_to_be(TALLOC_CTX *mem_ctx, const char *path)
{
	char *dir = talloc_strdup(mem_ctx, path);
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
		result = drain_path_join(mem_ctx, real, slash + 1);
		free(real);
	}
	return result;
}

static bool find_new_directory(struct publish *p)
{
	char *real = realpath(p->name, NULL);

	if (real != NULL) {
		p->path = talloc_strdup(p, real);
		free(real);
	} else if (errno == ENOENT && p->may_be_missing) {
		p->path = real_path_to_be(p, p->name);
	}
	if (p->path == NULL) {
		complain("cannot find the new directory %s: %s",
			 show_text(p->name), strerror(errno));
		return false;
	}
	return true;
}

static bool check_not_nested(const struct publish *p)
{
	const char *old = p->place->real[0];

	if (strcmp(p->path, old) == 0) {
		complain("cannot publish %s: it is the present version of %s",
			 show_text(p->path),
			 show_target(p->place));
		return false;
	}
	if (p->kind == TARGET_DIRECTORY && drain_path_within(p->path, old)) {
		complain("cannot publish %s: it is inside %s; stage the new "
			 "version beside it or elsewhere on its file system",
			 show_text(p->path), show_target(p->place));
		return false;
	}
	if (drain_path_within(shares_lexical(p->place), p->path) ||
	    drain_path_within(old, p->path)) {
		complain("cannot publish %s: it contains %s",
			 show_text(p->path),
			 show_target(p->place));
		return false;
	}
	return true;
}

/*
 * The old version will be in the new directory, where clients must not see it.
 */
static bool check_not_served(const struct publish *p)
{
	const struct share *serving = shares_serving(p->shares, p->path);

	if (serving == NULL) {
		return true;
	}
	complain("cannot publish %s: clients can see it in share %s; stage the "
		 "new version outside all shares, or hide its directory there, "
		 "for example with \"veto files = /.smbdrain/\"",
		 show_text(p->path), serving->name);
	return false;
}

static bool check_in_share(const struct publish *p)
{
	if (drain_path_within(p->path, p->share->real) &&
	    strcmp(p->path, p->share->real) != 0) {
		return true;
	}
	complain("cannot publish %s: %s is a symbolic link and can only lead "
		 "to another directory in share %s",
		 show_text(p->path), show_target(p->place), p->share->name);
	return false;
}

static bool pin_both(struct publish *p)
{
	if (p->kind == TARGET_LINK) {
		p->old = pin_link(p, shares_lexical(p->place));
	} else {
		p->old = pin_directory(p, p->place->real[0], false);
	}
	if (p->old != NULL) {
		p->staged = pin_directory(p, p->path, p->may_be_missing);
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
	complain("cannot publish %s: it is not on the file system of %s (%s), "
		 "or one of them is a mount point; stage the new version where "
		 "it can be renamed into place",
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

static bool check_all(struct publish *p)
{
	return find_new_directory(p) && check_not_nested(p) &&
	       (p->kind == TARGET_LINK ? check_in_share(p)
				       : check_not_served(p)) &&
	       pin_both(p) && check_mounts(p) && check_rights(p);
}

/*
 * Permission to publish
 */

static bool read_record(struct publish *p)
{
	struct drain_id_buf buf;
	NTSTATUS status;

	TALLOC_FREE(p->record);
	status = drain_store_read(p->tool->store, p, &p->id, &p->record);
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain("cannot publish to %s: no drain with the id %s is in "
			 "force",
			 show_target(p->place), drain_id_string(&p->id, &buf));
		return false;
	}
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read the record of %s: %s",
			 show_target(p->place), nt_errstr(status));
		return false;
	}
	return true;
}

/*
 * Compare the path of a link itself, because the directory that it points to
 * can have changed.
 */
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
		complain("cannot publish to %s: the drain %s is that of %s",
			 show_target(p->place), drain_id_string(&p->id, &buf),
			 show_target(p->record));
		return false;
	}
	if (p->record->state != DRAIN_QUIESCENT) {
		complain("cannot publish to %s: it is %s and not quiescent; "
			 "run \"smbdrain wait\" first", show_target(p->place),
			 drain_state_string(p->record->state));
		return false;
	}
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
		complain("cannot publish to %s: another \"smbdrain publish\" "
			 "(process %s) is working on it", show_target(p->place),
			 show_server(publisher));
	} else {
		complain("cannot lock the drain of %s: %s",
			 show_target(p->place), nt_errstr(status));
	}
	return false;
}

/*
 * The link: the drain must cover the directory that it will point to
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
		complain("cannot extend the drain of %s to %s: it covers as "
			 "many paths as it can; resume it and begin a new one",
			 show_target(p->place), show_text(p->path));
	} else {
		complain("cannot change the record of %s: %s",
			 show_target(p->place), tool_write_error(status));
	}
	return false;
}

/*
 * Return true if no client has a file open in the new directory. Every smbd
 * refuses opens there by now, and a quiescent drain refuses durable reconnects,
 * so no handle can appear.
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

/*
 * Wait until the directory is empty. Start the watch before each check, so that
 * no close is missed.
 */
static bool is_empty_by(struct publish *p,
			struct drain_record *record,
			uint64_t deadline)
{
	struct tool *tool = p->tool;
	bool empty = false;

	while (!empty && !tool_is_late(deadline) && tool->stop_signal == 0) {
		struct tevent_req *req = drain_hold_watch_send(
			tool, tool->ev, tool->locks, &record->id, true);

		if (req == NULL) {
			complain("out of memory");
			return false;
		}
		empty = is_empty(p, record);
		if (!empty) {
			(void)tool_poll(tool, req, deadline);
		}
		TALLOC_FREE(req);
	}
	return empty;
}

static bool wait_until_empty(struct publish *p)
{
	struct drain_record record = *p->record;

	record.real = &p->path;
	record.num_real = 1;
	if (is_empty_by(p, &record, tool_deadline(PUBLISH_CACHES_MSEC))) {
		return true;
	}
	if (p->tool->stop_signal == 0) {
		complain("cannot publish %s: clients have files open in it; "
			 "the directory that the link will lead to must be "
			 "free, too", show_text(p->path));
		holders_complain(p->tool, &record, HOLDERS_TO_NAME);
	}
	return false;
}

static bool cover_and_replace(struct publish *p)
{
	return read_record(p) &&
	       arm_again(p->tool, p->shares, p->record,
			 tool_deadline(PUBLISH_LINK_MSEC)) &&
	       wait_until_empty(p) &&
	       exchange_link(p->old, p->path, &p->id);
}

static bool publish_link(struct publish *p)
{
	const bool covered = drain_record_covers(p->record, p->path);

	link_remove_left(p->tool, p->old, &p->id);
	if (!covered && !change_cover(p, drain_store_cover)) {
		return false;
	}
	if (cover_and_replace(p)) {
		return true;
	}
	if (!covered && change_cover(p, drain_store_uncover)) {
		drain_roster_tell(p->tool->locks);
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
		.undo = p->undo,
	};

	return journal_publish(&root);
}

bool publish_prepare(struct publish *p)
{
	if (p->kind == TARGET_DIRECTORY) {
		p->prepared = exchange_prepare(p->old, p->staged);
	} else {
		p->prepared = pin_sync(p->staged);
	}
	return p->prepared;
}

/*
 * Return true if no other process runs a command or publishes in an overlapping
 * drain.
 */
static bool is_alone(const struct publish *p)
{
	return near_is_quiet(p->tool, p->record, p->path, NEAR_WORKS);
}

static bool exchange_target(struct publish *p)
{
	if (!is_alone(p)) {
		return false;
	}
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

static bool find_target(struct publish *p, const char *target)
{
	p->place = shares_resolve(p, p->shares, target);
	if (p->place == NULL) {
		return false;
	}
	p->share = shares_find(p->shares, p->place->target.share);
	p->kind = shares_kind(p->place);
	if (p->undo && p->kind != TARGET_SHARE) {
		complain("cannot undo a publish to %s: it is published in one "
			 "step and is never half done", show_target(p->place));
		return false;
	}
	return true;
}

struct publish *publish_new(TALLOC_CTX *mem_ctx,
			    struct tool *tool,
			    const struct share_list *shares,
			    const char *target,
			    const char *new_directory,
			    bool may_be_missing,
			    bool undo)
{
	struct publish *p = talloc_zero(mem_ctx, struct publish);

	if (p == NULL) {
		complain("out of memory");
		return NULL;
	}
	p->tool = tool;
	p->shares = shares;
	p->name = new_directory;
	p->may_be_missing = may_be_missing;
	p->undo = undo;
	if (!find_target(p, target) || !check_all(p)) {
		TALLOC_FREE(p);
	}
	return p;
}

static bool exchange_if_still_held(struct publish *p)
{
	return (p->prepared || publish_prepare(p)) && check_record(p) &&
	       exchange_target(p);
}

static bool exchange_as_owner(struct publish *p)
{
	const enum end_owner owner = end_own(p->tool, p->record);
	bool ok = owner != END_IS_NOT_OURS && exchange_if_still_held(p);

	if (owner == END_IS_OURS) {
		drain_owner_release(p->tool->locks, &p->id);
	}
	return ok;
}

bool publish_now(struct publish *p, const struct drain_id *id, bool owned)
{
	bool ok = false;

	p->id = *id;
	if (!check_record(p) || !be_the_publisher(p)) {
		return false;
	}
	ok = owned ? exchange_target(p) : exchange_as_owner(p);
	drain_publish_release(p->tool->locks, &p->id);
	return ok;
}

/*
 * Write the exchange to disk. For a share this has been done before its journal
 * was removed.
 */
static bool sync_exchange(const struct publish *p)
{
	switch (p->kind) {
	case TARGET_DIRECTORY:
		return pin_sync_parent(p->old) &&
		       pin_sync_parent(p->staged);
	case TARGET_LINK:
		return pin_sync_parent(p->old);
	case TARGET_SHARE:
		break;
	}
	return true;
}

bool publish_finish(const struct publish *p)
{
	const bool undo = p->undo;
	const char *old = (p->kind == TARGET_LINK) ? p->place->real[0]
						   : p->name;

	if (!sync_exchange(p)) {
		return false;
	}
	printf("%s is %s; the %s version is in %s\n", show_target(p->place),
	       undo ? "as it was before" : "published", undo ? "new" : "old",
	       show_text(old));
	return true;
}
