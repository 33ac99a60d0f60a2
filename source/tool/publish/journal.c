// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Publish the root of a share, entry by entry.
 *
 * The plan is written to a journal beside the new directory before anything is
 * exchanged. Then the record of the drain says that the share is half one
 * version and half the other, so that it is not resumed by mistake until all
 * entries are exchanged, or none is. The inodes show which ones are exchanged:
 * nothing else is written during the exchange, and it can be repeated any
 * number of times.
 *
 *   journal on disk -> mark in the record -> renames -> no mark -> no journal
 *
 * A journal without a mark belongs to a publish that had not begun, or that was
 * finished.
 */

#include "publish/journal.h"
#include <dirent.h>
#include "drain/plan.h"
#include "drain/record.h"
#include "drain/store.h"
#include "drain/target.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/json.h"
#include "samba/shares.h"
#include "publish/pin.h"
#include "publish/plan_json.h"

#define JOURNAL_SUFFIX ".journal"
#define JOURNAL_NEW_SUFFIX ".journal.new"
#define JOURNAL_VERSION 1

struct work {
	const struct root_publish *p;
	struct drain_plan *plan;
	char *name; /* of the journal, which is beside the new directory */
	char *new_name; /* of the journal while it is written */
	bool marked; /* the record says that a publish is in progress */
};

/*
 * Making a plan
 */

/*
 * Return true if @name is an entry of the share's root that contains the new
 * directory.
 */
static bool holds_staged(const struct work *w, const char *name)
{
	char *path = drain_path_join(talloc_tos(), w->p->root->path, name);
	bool holds = path == NULL ||
		     drain_path_within(w->p->staged->path, path);

	TALLOC_FREE(path);
	return holds;
}

/*
 * Return true for entries that stay where they are on both sides, because
 * clients cannot see them.
 */
static bool is_left_alone(const struct work *w, const char *name)
{
	return ISDOT(name) || ISDOTDOT(name) ||
	       share_hides(w->p->share, name) || holds_staged(w, name);
}

static bool plan_entry(struct work *w,
		       const struct pinned *dir,
		       const char *name)
{
	const bool comes_in = dir == w->p->staged;
	struct statx st;

	if (!pin_look(dir->fd, name, &st)) {
		complain("cannot read %s/%s: %s",
			 show_text(dir->path), show_text(name),
			 strerror(errno));
		return false;
	}
	if (!pin_one_mount(&st, &dir->self)) {
		complain("cannot rename %s/%s: it is a mount point",
			 show_text(dir->path), show_text(name));
		return false;
	}
	if (!drain_plan_add(w->plan, name, comes_in ? st.stx_ino : 0,
			    comes_in ? 0 : st.stx_ino)) {
		complain("out of memory");
		return false;
	}
	return true;
}

static bool plan_entries(struct work *w, const struct pinned *dir, DIR *d)
{
	struct dirent *entry = NULL;
	bool ok = true;

	for (errno = 0; ok && (entry = readdir(d)) != NULL; errno = 0) {
		ok = is_left_alone(w, entry->d_name) ||
		     plan_entry(w, dir, entry->d_name);
	}
	if (ok && errno != 0) {
		complain("cannot read directory %s: %s",
			 show_text(dir->path), strerror(errno));
		return false;
	}
	return ok;
}

static bool plan_directory(struct work *w, const struct pinned *dir)
{
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = (fd != -1) ? fdopendir(fd) : NULL;
	bool ok;

	if (d == NULL) {
		complain("cannot read directory %s: %s",
			 show_text(dir->path), strerror(errno));
		if (fd != -1) {
			close(fd);
		}
		return false;
	}
	ok = plan_entries(w, dir, d);
	closedir(d);
	return ok;
}

static bool make_plan(struct work *w)
{
	TALLOC_FREE(w->plan);
	w->plan = drain_plan_new(w);
	if (w->plan == NULL) {
		complain("out of memory");
		return false;
	}
	if (!plan_directory(w, w->p->root) ||
	    !plan_directory(w, w->p->staged)) {
		return false;
	}
	drain_plan_finish(w->plan);
	return true;
}

/*
 * The journal
 */

static json_t *directory_to_json(const struct pinned *dir)
{
	json_t *path = show_json_text(dir->path);

	return json_pack("{s:o, s:I}", "path", path, "inode",
			 (json_int_t)dir->self.stx_ino);
}

static json_t *journal_to_json(const struct work *w)
{
	struct drain_id_buf buf;

	return json_pack("{s:i, s:s, s:o, s:o, s:o}",
			 "version", JOURNAL_VERSION,
			 "drain", drain_id_string(&w->p->record->id, &buf),
			 "root", directory_to_json(w->p->root),
			 "new", directory_to_json(w->p->staged),
			 "entries", plan_to_json(w->plan));
}

static bool is_of(json_t *json, const char *what, const struct pinned *dir)
{
	json_t *inode = json_object_get(json_object_get(json, what), "inode");

	return json_is_integer(inode) &&
	       (uint64_t)json_integer_value(inode) == dir->self.stx_ino;
}

/*
 * Return true if the journal belongs to this drain and these two directories.
 */
static bool is_ours(const struct work *w, json_t *json)
{
	const char *id = json_string_value(json_object_get(json, "drain"));
	json_t *version = json_object_get(json, "version");
	struct drain_id_buf buf;

	return id != NULL &&
	       strcmp(id, drain_id_string(&w->p->record->id, &buf)) == 0 &&
	       json_integer_value(version) == JOURNAL_VERSION &&
	       is_of(json, "root", w->p->root) &&
	       is_of(json, "new", w->p->staged);
}

static bool journal_from_json(struct work *w, json_t *json)
{
	if (!is_ours(w, json)) {
		return false;
	}
	TALLOC_FREE(w->plan);
	w->plan = plan_from_json(w, json_object_get(json, "entries"));
	return w->plan != NULL;
}

/*
 * Return true for a regular file of ours: other users may be able to write to
 * the directory.
 */
static bool is_a_file_of_mine(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid();
}

/*
 * Read the plan from the journal into w->plan. Return false if there is no
 * journal of ours.
 */
static bool read_journal(struct work *w)
{
	int fd = openat(w->p->staged->parent, w->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	json_t *json = NULL;
	bool ok;

	if (fd == -1) {
		return false;
	}
	json = is_a_file_of_mine(fd) ? json_loadfd(fd, 0, NULL) : NULL;
	close(fd);
	ok = json != NULL && journal_from_json(w, json);
	json_decref(json);
	return ok;
}

static bool write_file(const struct work *w, json_t *json)
{
	const int dir = w->p->staged->parent;
	int error = 0;
	int fd;

	(void)unlinkat(dir, w->new_name, 0);
	fd = openat(dir, w->new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd == -1) {
		return false;
	}
	if (json_dumpfd(json, fd, JSON_INDENT(1)) != 0 || fsync(fd) != 0) {
		error = errno;
	}
	close(fd);
	if (error == 0 && renameat(dir, w->new_name, dir, w->name) == 0) {
		return fsync(dir) == 0;
	}
	error = (error != 0) ? error : errno;
	(void)unlinkat(dir, w->new_name, 0);
	errno = error;
	return false;
}

static bool write_journal(const struct work *w)
{
	json_t *json = journal_to_json(w);
	bool ok;

	errno = ENOMEM;
	ok = json != NULL && write_file(w, json);
	json_decref(json);
	if (!ok) {
		complain("cannot write the journal %s%s: %s",
			 show_text(w->p->staged->path), JOURNAL_SUFFIX,
			 strerror(errno));
	}
	return ok;
}

static void remove_journal(const struct work *w)
{
	const int dir = w->p->staged->parent;

	/*
	 * A journal that reappears after a power failure has no mark in the
	 * record.
	 */
	if (unlinkat(dir, w->name, 0) == 0) {
		(void)fsync(dir);
	}
}

/*
 * The mark
 */

static bool set_mark(const struct work *w, const char *from, const char *to)
{
	const struct drain_record *record = w->p->record;
	NTSTATUS status;

	status = drain_store_set_publishing(w->p->tool->store, &record->id,
					    from, to);
	if (NT_STATUS_IS_OK(status)) {
		return true;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain("cannot publish to %s: \"smbdrain resume --force\" "
			 "has ended its drain",
			 show_target(record));
	} else if (NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		complain("cannot publish to %s: another process has changed "
			 "its record",
			 show_target(record));
	} else {
		complain("cannot change the record of %s: %s",
			 show_target(record), tool_write_error(status));
	}
	return false;
}

/*
 * Executing the plan
 */

/* Return 0 if there is no such entry. The rename reports errors. */
static uint64_t inode_of(int dir, const char *name)
{
	struct statx st;

	return pin_look(dir, name, &st) ? st.stx_ino : 0;
}

static enum drain_plan_step next_step(const struct work *w,
				      const struct drain_plan_entry *e)
{
	return drain_plan_next(e, inode_of(w->p->root->fd, e->name),
			       inode_of(w->p->staged->fd, e->name));
}

/*
 * Check that the step has moved the planned entries: another process may have
 * renamed one after the last check.
 */
static bool is_taken(const struct work *w, const struct drain_plan_entry *e)
{
	return inode_of(w->p->root->fd, e->name) == e->in &&
	       inode_of(w->p->staged->fd, e->name) == e->out;
}

static bool take_step(const struct work *w, const struct drain_plan_entry *e)
{
	const enum drain_plan_step step = next_step(w, e);
	const bool comes_in = step == DRAIN_PLAN_BRING_IN;
	const int from = (comes_in ? w->p->staged : w->p->root)->fd;
	const int to = (comes_in ? w->p->root : w->p->staged)->fd;
	const unsigned int flags = (step == DRAIN_PLAN_EXCHANGE)
					   ? RENAME_EXCHANGE
					   : RENAME_NOREPLACE;

	if (step == DRAIN_PLAN_DONE) {
		return true;
	}
	if (step == DRAIN_PLAN_FOREIGN) {
		errno = ESTALE;
		return false;
	}
	if (renameat2(from, e->name, to, e->name, flags) != 0) {
		return false;
	}
	if (is_taken(w, e)) {
		return true;
	}
	(void)renameat2(to, e->name, from, e->name, flags);
	errno = ESTALE;
	return false;
}

/* Check before the first step that every step is possible. */
static bool all_can_be_done(const struct work *w)
{
	size_t i;

	for (i = 0; i < w->plan->num_entries; i++) {
		const struct drain_plan_entry *e = &w->plan->entries[i];

		if (next_step(w, e) == DRAIN_PLAN_FOREIGN) {
			complain("cannot publish %s: it was changed, here or "
				 "in %s, and does not match the journal %s%s; "
				 "restore it, then try again",
				 show_text(e->name),
				 show_text(w->p->staged->path),
				 show_text(w->p->staged->path),
				 JOURNAL_SUFFIX);
			return false;
		}
	}
	return true;
}

static bool all_are_done(const struct work *w)
{
	size_t i;

	for (i = 0; i < w->plan->num_entries; i++) {
		if (next_step(w, &w->plan->entries[i]) != DRAIN_PLAN_DONE) {
			return false;
		}
	}
	return true;
}

static bool take_steps(const struct work *w)
{
	size_t i;

	for (i = 0; i < w->plan->num_entries; i++) {
		const struct drain_plan_entry *e = &w->plan->entries[i];

		if (!take_step(w, e)) {
			complain("cannot exchange %s: %s",
				 show_text(e->name), pin_error());
			return false;
		}
	}
	if (fsync(w->p->root->fd) != 0 || fsync(w->p->staged->fd) != 0) {
		complain("cannot write %s to disk: %s",
			 show_target(w->p->record), strerror(errno));
		return false;
	}
	if (!all_are_done(w)) {
		complain("cannot publish to %s: another process has renamed "
			 "entries of it", show_target(w->p->record));
		return false;
	}
	return true;
}

static void complain_of_half(const struct work *w)
{
	const char *target = show_target(w->p->record);
	const char *staged = show_text(w->p->staged->path);

	complain("%s is half published and stays drained: \"smbdrain publish "
		 "%s %s\" completes it, and reverts it with --undo",
		 target, target, staged);
}

/*
 * Execute the plan, whose journal is on disk. Once the mark is set, the publish
 * must be completed or reverted.
 */
static bool work_off(struct work *w)
{
	const char *staged = w->p->staged->path;

	if (!all_can_be_done(w)) {
		return false;
	}
	if (!w->marked && !set_mark(w, "", staged)) {
		return false;
	}
	if (!take_steps(w)) {
		complain_of_half(w);
		return false;
	}
	if (!set_mark(w, staged, "")) {
		return false;
	}
	remove_journal(w);
	return true;
}

static bool begin_publish(struct work *w)
{
	if (!make_plan(w)) {
		return false;
	}
	if (w->plan->num_entries == 0) {
		return true; /* all entries are the same files */
	}
	return write_journal(w) && work_off(w);
}

static bool go_back(struct work *w)
{
	drain_plan_reverse(w->plan);
	return work_off(w);
}

static bool go_on(struct work *w, bool is_journal)
{
	if (w->marked && !is_journal) {
		complain("cannot publish to %s: the journal %s%s is missing or "
			 "belongs to another publish; put the entries in order "
			 "by hand, then run \"smbdrain resume --force %s\"",
			 show_target(w->p->record),
			 show_text(w->p->staged->path), JOURNAL_SUFFIX,
			 show_target(w->p->record));
		return false;
	}
	if (w->p->undo && is_journal) {
		return go_back(w);
	}
	if (w->p->undo) {
		complain("cannot undo a publish to %s: no publish of %s was "
			 "interrupted",
			 show_target(w->p->record),
			 show_text(w->p->staged->path));
		return false;
	}
	if (w->marked || (is_journal && all_are_done(w))) {
		return work_off(w);
	}
	return begin_publish(w);
}

bool journal_publish(const struct root_publish *publish)
{
	struct work *w = talloc_zero(NULL, struct work);
	const struct pinned *staged = publish->staged;
	bool ok = false;

	if (w == NULL) {
		complain("out of memory");
		return false;
	}
	w->p = publish;
	w->marked = publish->record->publishing[0] != '\0';
	w->name = talloc_asprintf(w, "%s" JOURNAL_SUFFIX, staged->name);
	w->new_name = talloc_asprintf(w, "%s" JOURNAL_NEW_SUFFIX,
				      staged->name);
	if (w->name == NULL || w->new_name == NULL) {
		complain("out of memory");
	} else if (w->marked &&
		   strcmp(publish->record->publishing, staged->path) != 0) {
		complain("cannot publish to %s: a publish of %s was "
			 "interrupted; complete it, or revert it with --undo, "
			 "first",
			 show_target(publish->record),
			 show_text(publish->record->publishing));
	} else {
		ok = go_on(w, read_journal(w));
	}
	TALLOC_FREE(w);
	return ok;
}
