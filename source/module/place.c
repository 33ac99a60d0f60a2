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

static void rewind_path(struct drain_path *p)
{
	p->next = 0;
	p->root = NULL;
	if (p->folded[0] != '\0' && drain_process.scope != NULL) {
		p->root = drain_scope_find(drain_process.scope, p->folded);
	}
}

static bool set_path(struct drain_path *p, const char *dir, const char *name)
{
	const char *slash = (strcmp(dir, "/") == 0) ? "" : "/";
	int len;

	if (name[0] == '\0' || strcmp(name, ".") == 0) {
		slash = "";
		name = "";
	}
	len = snprintf(p->path, sizeof(p->path), "%s%s%s", dir, slash, name);
	if (len < 0 || (size_t)len >= sizeof(p->path) ||
	    drain_fold(p->path, p->folded) < 0) {
		return false;
	}
	rewind_path(p);
	return true;
}

static void no_path(struct drain_path *p)
{
	p->path[0] = '\0';
	p->folded[0] = '\0';
	rewind_path(p);
}

/* Where an open file is now. Not for one that is deleted, or a made-up fd. */
static bool path_of_fsp(const struct files_struct *fsp, char path[PATH_MAX])
{
	static const char deleted[] = " (deleted)";
	const size_t suffix = sizeof(deleted) - 1;
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
	return (size_t)len <= suffix ||
	       strcmp(path + len - suffix, deleted) != 0;
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

	len = snprintf(dir, sizeof(dir), "%s/%.*s", conn->connectpath,
		       (int)(last - name), name);
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
	return set_path(&place->name, conn->connectpath, name);
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
		return set_path(&place->real, dir, "");
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
	if (path_of_fsp(smb_fname->fsp, path)) {
		return set_path(&place->real, path, "");
	}
	if (real_directory(conn, dirfsp, name, path)) {
		return set_path(&place->real, path, last_component(name));
	}
	return true;
}

bool drain_place_of_handle(struct drain_place *place,
			   const struct files_struct *fsp)
{
	const struct files_struct *file = fsp;
	char path[PATH_MAX];

	/* The descriptor of a stream may lead anywhere: that of its file */
	if (fsp->base_fsp != NULL) {
		file = fsp->base_fsp;
	}
	if (!start_with_name(place, fsp->conn, fsp->fsp_name->base_name)) {
		return false;
	}
	return !path_of_fsp(file, path) || set_path(&place->real, path, "");
}

bool drain_place_at(struct drain_place *place,
		    const struct connection_struct *conn,
		    const struct files_struct *dirfsp,
		    const struct smb_filename *smb_fname)
{
	const char *name = smb_fname->base_name;
	char path[PATH_MAX];

	if (!start_with_name(place, conn, name)) {
		return false;
	}
	if (!real_directory(conn, dirfsp, name, path)) {
		return true;
	}
	return set_path(&place->name, path, last_component(name));
}

void drain_place_rewind(struct drain_place *place)
{
	rewind_path(&place->name);
	rewind_path(&place->real);
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

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
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
	return p->folded[0] != '\0' && drain_process.scope != NULL &&
	       drain_scope_above(drain_process.scope, p->folded) &&
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
	char folded[DRAIN_FOLDED_MAX];
	size_t i;

	if (place->case_sensitive) {
		return drain_record_covers(record, p->path);
	}
	for (i = 0; i < record->num_real; i++) {
		if (drain_fold(record->real[i], folded) >= 0 &&
		    drain_path_within(p->folded, folded)) {
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
	       place.real.folded[0] != '\0' &&
	       path_in(&place, &place.real, record);
}
