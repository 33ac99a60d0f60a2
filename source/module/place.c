/*
 * drain: take users off a Samba share so that it can be updated
 *
 * From a name in a share to the drains that it is in.
 *
 * A name may lead through symbolic links, which smbd does not always take out
 * of it. So a place has two paths, the one that the client used and the real
 * one, as far as it is known, and is in every drain that either of them is in.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

static struct drain_walk walk_from_top(void)
{
	struct drain_walk nowhere = {.node = NULL};

	return (drain_process.scope != NULL)
		       ? drain_walk_start(drain_process.scope)
		       : nowhere;
}

/* As far as something is drained there. false: a name is too long. */
static bool follow(struct drain_walk *walk, const char *path)
{
	char folded[DRAIN_FOLDED_MAX];
	size_t len;

	while (walk->node != NULL && (len = drain_scope_name(&path)) > 0) {
		ssize_t folded_len = drain_fold_part(path, len, folded);

		if (folded_len < 0) {
			return false;
		}
		drain_walk_step(walk, folded, folded_len);
		path += len;
	}
	return true;
}

/* The way to a share is long, and the same for all opens there */
static bool walk_to_share(struct drain_walk *walk, const char *dir)
{
	struct drain_near *near = &drain_process.near;

	if (strcmp(near->dir, dir) != 0) {
		near->walk = walk_from_top();
		if (!follow(&near->walk, dir) ||
		    strlcpy(near->dir, dir, sizeof(near->dir)) >=
			    sizeof(near->dir)) {
			near->dir[0] = '\0';
			return false;
		}
	}
	*walk = near->walk;
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
	ok = follow(&p->walk, p->path);
	start(p);
	return ok;
}

/* As smbd calls that of a share */
static bool is_root(const char *name)
{
	return name[0] == '\0' || strcmp(name, ".") == 0;
}

static bool join(struct drain_path *p, const char *dir, const char *name)
{
	const char *slash = (strcmp(dir, "/") == 0) ? "" : "/";
	int len;

	if (is_root(name)) {
		slash = "";
		name = "";
	}
	len = snprintf(p->path, sizeof(p->path), "%s%s%s", dir, slash, name);
	return len >= 0 && (size_t)len < sizeof(p->path);
}

static bool set_path(struct drain_path *p, const char *dir, const char *name)
{
	return join(p, dir, name) && rewind_path(p);
}

/* Most often no link was on the way: then it is in the same drains */
static bool
set_real(struct drain_place *place, const char *dir, const char *name)
{
	struct drain_path *real = &place->real;

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

/* The kernel says so after the path; but a file may be called that */
static bool says_deleted(const char *path)
{
	static const char deleted[] = " (deleted)";
	const size_t suffix = sizeof(deleted) - 1;
	const size_t len = strlen(path);

	return len > suffix && strcmp(path + len - suffix, deleted) == 0;
}

static bool is_at(int fd, const char *path)
{
	struct stat open;
	struct stat there;

	return fstat(fd, &open) == 0 && lstat(path, &there) == 0 &&
	       open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

/* Where an open file is now. Not for one that is deleted, or a made-up fd. */
static bool path_of_fsp(const struct files_struct *fsp, char path[PATH_MAX])
{
	char link[64];
	ssize_t len;
	int fd;

	if (fsp == NULL || fsp->fh == NULL) {
		return false;
	}
	fd = fsp_get_pathref_fd(fsp);
	if (fd < 0) {
		return false;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, PATH_MAX - 1);
	if (len <= 0 || path[0] != '/') {
		return false;
	}
	path[len] = '\0';
	return !says_deleted(path) || is_at(fd, path);
}

/* The descriptor of a stream may lead anywhere: that of its file does not */
static const struct files_struct *file_of(const struct files_struct *fsp)
{
	return (fsp != NULL && fsp->base_fsp != NULL) ? fsp->base_fsp : fsp;
}

static const char *last_component(const char *name)
{
	const char *slash = strrchr(name, '/');

	return (slash != NULL) ? slash + 1 : name;
}

/* The directory of a name in the share that is not there yet */
static bool real_parent(const struct connection_struct *conn,
			const char *name,
			char path[PATH_MAX])
{
	const char *last = last_component(name);
	char dir[PATH_MAX];
	int len;

	len = snprintf(dir,
		       sizeof(dir),
		       "%s/%.*s",
		       conn->connectpath,
		       (int)(last - name),
		       name);
	return len > 0 && (size_t)len < sizeof(dir) &&
	       realpath(dir, path) != NULL;
}

/* The real directory of an entry, by its descriptor if there is one */
static bool real_directory(const struct connection_struct *conn,
			   const struct files_struct *dirfsp,
			   const char *name,
			   char path[PATH_MAX])
{
	return (dirfsp != conn->cwd_fsp && path_of_fsp(dirfsp, path)) ||
	       real_parent(conn, name, path);
}

/* By the name alone, so far */
static bool start_with_name(struct drain_place *place,
			    const struct connection_struct *conn,
			    const char *name)
{
	place->case_sensitive = conn->case_sensitive;
	no_path(&place->real);
	if (!join(&place->name, conn->connectpath, name) ||
	    !walk_to_share(&place->name.walk, conn->connectpath) ||
	    !(is_root(name) || follow(&place->name.walk, name))) {
		return false;
	}
	start(&place->name);
	return true;
}

bool drain_place_init(struct drain_place *place,
		      const struct connection_struct *conn,
		      const char *name)
{
	char dir[PATH_MAX];

	if (!start_with_name(place, conn, name)) {
		return false;
	}
	if (realpath(place->name.path, dir) != NULL) {
		return set_real(place, dir, "");
	}
	return true;
}

bool drain_place_of_open(struct drain_place *place,
			 const struct connection_struct *conn,
			 const struct files_struct *dirfsp,
			 const struct smb_filename *smb_fname)
{
	const char *name = smb_fname->base_name;
	char path[PATH_MAX];

	if (!start_with_name(place, conn, name)) {
		return false;
	}
	/* A new stream has no descriptor, but its file may be there */
	if (path_of_fsp(file_of(smb_fname->fsp), path) ||
	    (is_named_stream(smb_fname) &&
	     realpath(place->name.path, path) != NULL)) {
		return set_real(place, path, "");
	}
	if (real_directory(conn, dirfsp, name, path)) {
		return set_real(place, path, last_component(name));
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
	return !path_of_fsp(file_of(fsp), path) || set_real(place, path, "");
}

bool drain_place_is_snapshot(const struct files_struct *fsp,
			     const struct smb_filename *smb_fname)
{
	struct drain_path name;
	char path[PATH_MAX];
	char live[PATH_MAX];

	/*
	 * Modules that have snapshots open them where they are. Without one
	 * nobody looks at the time, and the file is opened as it is now.
	 */
	if (smb_fname->twrp == 0 || !path_of_fsp(file_of(fsp), path) ||
	    !join(&name, fsp->conn->connectpath, smb_fname->base_name)) {
		return false;
	}
	if (realpath(name.path, live) == NULL) {
		return errno == ENOENT || errno == ENOTDIR;
	}
	return strcmp(path, live) != 0;
}

static bool place_of_entry(struct drain_place *place,
			   const struct connection_struct *conn,
			   const struct files_struct *dirfsp,
			   const char *name)
{
	char path[PATH_MAX];

	if (!start_with_name(place, conn, name)) {
		return false;
	}
	if (!real_directory(conn, dirfsp, name, path)) {
		return true;
	}
	return set_path(&place->name, path, last_component(name));
}

bool drain_place_at(struct drain_place *place,
		    const struct connection_struct *conn,
		    const struct files_struct *dirfsp,
		    const struct smb_filename *smb_fname)
{
	struct smb_filename *full = NULL;
	bool ok;

	full = full_path_from_dirfsp_atname(talloc_tos(), dirfsp, smb_fname);
	ok = full != NULL &&
	     place_of_entry(place, conn, dirfsp, full->base_name);
	TALLOC_FREE(full);
	return ok;
}

/* No name is too long for this that has not been so before */
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

		/* The scope ignores case; a share that does not is asked */
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

	/* The name first: where a descriptor leads takes much longer to tell */
	if (start_with_name(&place, fsp->conn, fsp->fsp_name->base_name) &&
	    path_in(&place, &place.name, record)) {
		return true;
	}
	return drain_place_of_handle(&place, fsp) &&
	       place.real.path[0] != '\0' &&
	       path_in(&place, &place.real, record);
}
