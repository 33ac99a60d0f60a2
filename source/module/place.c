// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The drains that a name in a share, or an open file, is in.
 *
 * A name may lead through symbolic links, and smbd does not always resolve
 * them. So a place has two paths: the one that the client used, and the real
 * one if it is known. The place is in each drain that covers one of them.
 */

#include "module.h"
#include "locate.h"
#include "place.h"
#include "process.h"
#include "spelling.h"

static struct drain_scope *scope; /* folded paths to drains */

/* The share of the last open, by which the next one starts */
static struct {
	char dir[PATH_MAX]; /* the path that smbd uses; "": not known yet */
	struct drain_path path;
} near;

static bool add_to_scope(struct drain_scope *to, struct drain *drain)
{
	char folded[DRAIN_FOLDED_MAX];
	size_t i;

	for (i = 0; i < drain->record->num_real; i++) {
		if (drain_fold(drain->record->real[i], folded) < 0 ||
		    !drain_scope_add(to, folded, drain) ||
		    !drain_scope_spell(to, folded, drain->record->real[i])) {
			return false;
		}
	}
	return true;
}

NTSTATUS drain_place_index(void)
{
	struct drain_scope *now = drain_scope_new(NULL);
	struct drain *drain = NULL;
	bool ok = now != NULL;

	for (drain = drain_process.drains; ok && drain != NULL;
	     drain = drain->next) {
		ok = add_to_scope(now, drain);
	}
	if (!ok) {
		TALLOC_FREE(now);
		return NT_STATUS_NO_MEMORY;
	}
	TALLOC_FREE(scope);
	scope = now;
	near.dir[0] = '\0';
	return NT_STATUS_OK;
}

static struct drain_walk walk_from_top(void)
{
	struct drain_walk nowhere = {.node = NULL};

	return (scope != NULL) ? drain_walk_start(scope) : nowhere;
}

/*
 * The index has no entry for the component of the path at [@from, @to). If that
 * is another spelling of a drained directory, replace it by the spelling of
 * the record. Returns false if the path becomes too long.
 */
static bool respell(struct drain_path *p,
		    struct drain_walk *walk,
		    size_t from,
		    size_t *to)
{
	struct drain_below *below = drain_walk_below(walk);
	const char next = p->path[*to];
	const char *spelling = NULL;
	char dir[DRAIN_FOLDED_MAX];
	char folded[DRAIN_FOLDED_MAX];
	const char *last = NULL;
	ssize_t folded_len;
	size_t len;

	if (below == NULL) {
		return true;
	}
	memcpy(dir, p->path, from);
	dir[MAX(from, 2) - 1] = '\0';
	p->path[*to] = '\0';
	spelling = drain_spelling_find(below, dir, p->path);
	p->path[*to] = next;
	if (spelling == NULL) {
		return true;
	}

	len = strlen(spelling);
	if (len + strlen(p->path + *to) >= sizeof(p->path)) {
		return false;
	}
	memmove(p->path + len, p->path + *to, strlen(p->path + *to) + 1);
	memcpy(p->path, spelling, len);
	*to = len;

	last = drain_locate_last(spelling);
	folded_len = drain_fold_part(last, strlen(last), folded);
	if (folded_len < 0) {
		return false;
	}
	drain_walk_step(walk, folded, folded_len);
	p->walk = *walk;
	return true;
}

/*
 * Follow the path from @at on, as far as the index has entries. Returns false
 * if a name is too long.
 */
static bool follow(struct drain_path *p, size_t at)
{
	const char *rest = p->path + at;
	char folded[DRAIN_FOLDED_MAX];
	size_t len;

	while (p->walk.node != NULL && (len = drain_scope_name(&rest)) > 0) {
		ssize_t folded_len = drain_fold_part(rest, len, folded);
		const size_t from = rest - p->path;
		size_t to = from + len;
		struct drain_walk before = p->walk;

		if (folded_len < 0) {
			return false;
		}
		drain_walk_step(&p->walk, folded, folded_len);
		if (p->walk.node == NULL && !respell(p, &before, from, &to)) {
			return false;
		}
		rest = p->path + to;
	}
	return true;
}

static void start(struct drain_path *p)
{
	p->next = 0;
	p->root = p->walk.root;
}

static bool rewind_path(struct drain_path *p)
{
	bool ok;

	p->walk = walk_from_top();
	ok = follow(p, 0);
	start(p);
	return ok;
}

/* Keep the path of a share, which all opens in the share start with */
static const struct drain_path *path_to_share(const char *dir)
{
	if (strcmp(near.dir, dir) != 0) {
		near.dir[0] = '\0';
		if (strlcpy(near.path.path, dir, PATH_MAX) >= PATH_MAX ||
		    !rewind_path(&near.path)) {
			return NULL;
		}
		strlcpy(near.dir, dir, sizeof(near.dir));
	}
	return &near.path;
}

/* Test for the names that smbd has for the root of a share */
static bool is_root(const char *name)
{
	return name[0] == '\0' || strcmp(name, ".") == 0;
}

static bool join(struct drain_path *p, const char *dir, const char *name)
{
	size_t len = strlen(dir);
	size_t name_len = is_root(name) ? 0 : strlen(name);

	if (len + 1 + name_len >= sizeof(p->path)) {
		return false;
	}
	memcpy(p->path, dir, len);
	if (name_len > 0 && len > 1) {
		p->path[len] = '/';
		len += 1;
	}
	memcpy(p->path + len, name, name_len);
	p->path[len + name_len] = '\0';
	return true;
}

static bool set_path(struct drain_path *p, const char *dir, const char *name)
{
	return join(p, dir, name) && rewind_path(p);
}

/* Most often there was no symbolic link: both paths are the same then */
static bool
set_real(struct drain_place *place, const char *dir, const char *name)
{
	struct drain_path *real = &place->real;

	if (name[0] == '\0' && strcmp(dir, place->name.path) == 0) {
		return true;
	}
	if (!join(real, dir, name)) {
		return false;
	}
	if (strcmp(real->path, place->name.path) == 0) {
		real->path[0] = '\0';
		return true;
	}
	return rewind_path(real);
}

static void no_path(struct drain_path *p)
{
	p->path[0] = '\0';
	p->walk = (struct drain_walk){.node = NULL};
	start(p);
}

/* Find the drains of the name; the real path is not known yet */
static bool start_with_name(struct drain_place *place,
			    const struct connection_struct *conn,
			    const char *name)
{
	const struct drain_path *share = path_to_share(conn->connectpath);

	place->case_sensitive = conn->case_sensitive;
	no_path(&place->real);
	if (share == NULL || !join(&place->name, share->path, name)) {
		return false;
	}
	place->name.walk = share->walk;
	if (!follow(&place->name, strlen(share->path))) {
		return false;
	}
	start(&place->name);
	return true;
}

bool drain_place_init(struct drain_place *place,
		      struct connection_struct *conn,
		      const char *name)
{
	char path[PATH_MAX];

	return start_with_name(place, conn, name) &&
	       (!NT_STATUS_IS_OK(drain_locate_name(conn, name, path)) ||
		set_real(place, path, ""));
}

bool drain_place_of_open(struct drain_place *place,
			 struct connection_struct *conn,
			 const struct files_struct *dirfsp,
			 const struct smb_filename *smb_fname)
{
	const char *name = smb_fname->base_name;
	struct drain_entry entry;
	char path[PATH_MAX];

	if (!start_with_name(place, conn, name)) {
		return false;
	}
	/* A new stream has no descriptor, but its base file may exist */
	if (drain_locate_fsp(smb_fname->fsp, path) ||
	    (is_named_stream(smb_fname) &&
	     NT_STATUS_IS_OK(drain_locate_name(conn, name, path)))) {
		return set_real(place, path, "");
	}
	if (drain_locate_entry(conn, dirfsp, name, false, &entry)) {
		return set_real(place, entry.dir, entry.name);
	}
	return true;
}

bool drain_place_of_handle(struct drain_place *place,
			   const struct files_struct *fsp)
{
	char path[PATH_MAX];

	if (!start_with_name(place, fsp->conn, fsp->fsp_name->base_name)) {
		return false;
	}
	return !drain_locate_fsp(fsp, path) || set_real(place, path, "");
}

bool drain_place_at(struct drain_place *place,
		    struct connection_struct *conn,
		    const struct files_struct *dirfsp,
		    const struct smb_filename *smb_fname)
{
	struct smb_filename *full = NULL;
	struct drain_entry entry;
	bool ok;

	full = full_path_from_dirfsp_atname(talloc_tos(), dirfsp, smb_fname);
	ok = full != NULL && start_with_name(place, conn, full->base_name);
	if (ok && drain_locate_entry(conn, dirfsp, full->base_name, true,
				     &entry)) {
		ok = set_path(&place->name, entry.dir, entry.name);
	}
	TALLOC_FREE(full);
	return ok;
}

/* The paths are no longer than before, so this cannot fail */
void drain_place_rewind(struct drain_place *place)
{
	(void)rewind_path(&place->name);
	if (place->real.path[0] != '\0') {
		(void)rewind_path(&place->real);
	}
}

static struct drain *next_of_path(const struct drain_place *place,
				  struct drain_path *p)
{
	while (p->root != NULL) {
		struct drain *drain = NULL;

		if (p->next == p->root->num_drains) {
			p->root = p->root->outer;
			p->next = 0;
			continue;
		}
		drain = p->root->drains[p->next];
		p->next += 1;

		/* The index ignores case; some shares do not */
		if (!place->case_sensitive ||
		    drain_record_covers(drain->record, p->path)) {
			return drain;
		}
	}
	return NULL;
}

struct drain *drain_place_next(struct drain_place *place)
{
	struct drain *drain = next_of_path(place, &place->name);

	return (drain != NULL) ? drain : next_of_path(place, &place->real);
}

static bool exactly_above(const struct drain_path *p)
{
	const struct drain *drain = NULL;
	size_t i;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		for (i = 0; i < drain->record->num_real; i++) {
			if (drain_path_within(drain->record->real[i],
					      p->path)) {
				return true;
			}
		}
	}
	return false;
}

static bool path_above(const struct drain_place *place,
		       const struct drain_path *p)
{
	return p->path[0] != '\0' && drain_walk_above(&p->walk) &&
	       (!place->case_sensitive || exactly_above(p));
}

bool drain_place_above(const struct drain_place *place)
{
	return path_above(place, &place->name) ||
	       path_above(place, &place->real);
}

static bool path_in(const struct drain_place *place,
		    const struct drain_path *p,
		    const struct drain_record *record)
{
	char path[DRAIN_FOLDED_MAX];
	char folded[DRAIN_FOLDED_MAX];
	size_t i;

	if (place->case_sensitive) {
		return drain_record_covers(record, p->path);
	}
	if (drain_fold(p->path, path) < 0) {
		return true;
	}
	for (i = 0; i < record->num_real; i++) {
		if (drain_fold(record->real[i], folded) >= 0 &&
		    drain_path_within(path, folded)) {
			return true;
		}
	}
	return false;
}

bool drain_place_handle_in(const struct files_struct *fsp,
			   const struct drain_record *record)
{
	struct drain_place place;

	/* The name first: to find the real path takes much longer */
	if (start_with_name(&place, fsp->conn, fsp->fsp_name->base_name) &&
	    path_in(&place, &place.name, record)) {
		return true;
	}
	return drain_place_of_handle(&place, fsp) &&
	       place.real.path[0] != '\0' &&
	       path_in(&place, &place.real, record);
}
