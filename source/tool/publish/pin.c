// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Hold directories and links by descriptors while they are exchanged.
 *
 * This runs as root, in directories where users may rename things and create
 * symbolic links. A path is resolved once, to descriptors, and a path that has
 * to be real must not lead through a link.
 */

#include "publish/pin.h"
#include <linux/openat2.h>
#include <sys/syscall.h>
#include "base/error.h"
#include "base/text.h"

static int pinned_destructor(struct pinned *pinned)
{
	if (pinned->fd != -1) {
		close(pinned->fd);
	}
	if (pinned->parent != -1) {
		close(pinned->parent);
	}
	return 0;
}

static int open_directory(const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	/* The C library has no wrapper yet. */
	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static int open_entry(int dir, const char *name)
{
	return openat(dir, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool pin_look(int dir, const char *name, struct statx *st)
{
	return statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
		     STATX_BASIC_STATS | STATX_MNT_ID, st) == 0;
}

bool pin_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

bool pin_one_mount(const struct statx *a, const struct statx *b)
{
	return a->stx_mnt_id == b->stx_mnt_id &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

const char *pin_error(void)
{
	return (errno == ESTALE) ? "another process renamed it at the same time"
				 : strerror(errno);
}

bool pin_writable(int dir, const char *path)
{
	if (faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) == 0) {
		return true;
	}
	complain("cannot write to %s: %s", show_text(path),
		 strerror(errno));
	return false;
}

static bool pin_parent(struct pinned *pinned)
{
	const char *slash = strrchr(pinned->path, '/');
	const char *dir = "/";

	if (slash > pinned->path) {
		dir = talloc_strndup(pinned, pinned->path,
				     slash - pinned->path);
	}
	pinned->name = slash + 1;
	if (pinned->name[0] == '\0') {
		return true;
	}
	pinned->parent = (dir != NULL) ? open_directory(dir) : -1;
	return pinned->parent != -1 &&
	       pin_look(pinned->parent, "", &pinned->in);
}

static bool pin_self(struct pinned *pinned, bool may_be_missing)
{
	if (pinned->name[0] == '\0') {
		pinned->fd = open_directory("/");
	} else {
		pinned->fd = open_entry(pinned->parent, pinned->name);
	}
	if (pinned->fd == -1) {
		return may_be_missing && errno == ENOENT;
	}
	return pin_look(pinned->fd, "", &pinned->self);
}

/* Return NULL if out of memory. */
static struct pinned *pinned_new(TALLOC_CTX *mem_ctx, const char *path)
{
	struct pinned *pinned = talloc_zero(mem_ctx, struct pinned);

	if (pinned == NULL) {
		return NULL;
	}
	pinned->parent = -1;
	pinned->fd = -1;
	pinned->path = talloc_strdup(pinned, path);
	if (pinned->path == NULL) {
		TALLOC_FREE(pinned);
		return NULL;
	}
	talloc_set_destructor(pinned, pinned_destructor);
	return pinned;
}

static struct pinned *pin_failed(struct pinned *pinned, const char *path)
{
	complain("cannot open %s: %s", show_text(path),
		 pinned == NULL	  ? "out of memory"
		 : errno == ELOOP ? "a part of the path has become a symbolic "
				    "link"
				  : strerror(errno));
	TALLOC_FREE(pinned);
	return NULL;
}

struct pinned *pin_directory(TALLOC_CTX *mem_ctx,
			     const char *path,
			     bool may_be_missing)
{
	struct pinned *pinned = pinned_new(mem_ctx, path);

	if (pinned != NULL && pin_parent(pinned) &&
	    pin_self(pinned, may_be_missing)) {
		return pinned;
	}
	return pin_failed(pinned, path);
}

struct pinned *pin_link(TALLOC_CTX *mem_ctx, const char *path)
{
	struct pinned *pinned = pinned_new(mem_ctx, path);

	if (pinned == NULL || !pin_parent(pinned) ||
	    !pin_look(pinned->parent, pinned->name, &pinned->self)) {
		return pin_failed(pinned, path);
	}
	if (!S_ISLNK(pinned->self.stx_mode)) {
		complain("cannot publish to %s: it is no longer a symbolic "
			 "link",
			 show_text(path));
		TALLOC_FREE(pinned);
	}
	return pinned;
}

bool pin_is_still_there(const struct pinned *pinned)
{
	struct statx now;

	if (pin_look(pinned->parent, pinned->name, &now) &&
	    pin_same(&now, &pinned->self)) {
		return true;
	}
	complain("cannot exchange %s: another process has replaced it",
		 show_text(pinned->path));
	return false;
}

bool pin_sync(const struct pinned *pinned)
{
	if (syncfs(pinned->fd) == 0) {
		return true;
	}
	complain("cannot write %s to disk: %s",
		 show_text(pinned->path), strerror(errno));
	return false;
}

bool pin_sync_parent(const struct pinned *pinned)
{
	if (fsync(pinned->parent) == 0) {
		return true;
	}
	complain("%s is exchanged, but a power failure may undo that: cannot "
		 "write its directory to disk: %s",
		 show_text(pinned->path), strerror(errno));
	return false;
}
