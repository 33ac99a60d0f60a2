// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Exchange two directories, or the target of a link, in one step.
 *
 * Every rename is relative to pinned descriptors, of an entry that is still
 * what it was when it was pinned, and its result is checked afterwards.
 */

#include "publish/exchange.h"
#include <sys/xattr.h>
#include "drain/record.h"
#include "drain/target.h"
#include "base/error.h"
#include "base/text.h"
#include "publish/link_name.h"
#include "publish/pin.h"

/*
 * What the new directory inherits from the old one
 */

/* The ACLs, which need not exist */
static const char *const acl_attributes[] = {
	"system.posix_acl_access",
	"system.posix_acl_default",
	"security.NTACL",
};

struct attributes {
	char names[XATTR_LIST_MAX]; /* each with its NUL */
	size_t len;
	char value[XATTR_SIZE_MAX];
	char other[XATTR_SIZE_MAX];
};

static bool list_attributes(struct attributes *a, int fd)
{
	ssize_t len = flistxattr(fd, a->names, sizeof(a->names));

	a->len = (len > 0) ? len : 0;
	return len >= 0 || errno == ENOTSUP;
}

static bool has_attribute(const struct attributes *a, const char *name)
{
	const char *p = a->names;

	for (; p < a->names + a->len; p += strlen(p) + 1) {
		if (strcmp(p, name) == 0) {
			return true;
		}
	}
	return false;
}

static bool copy_attribute(struct attributes *a,
			   const char *name,
			   int from,
			   int to)
{
	ssize_t len = fgetxattr(from, name, a->value, sizeof(a->value));
	ssize_t other;

	if (len < 0) {
		return errno == ENODATA;
	}
	other = fgetxattr(to, name, a->other, sizeof(a->other));
	if (other == len && memcmp(a->value, a->other, len) == 0) {
		return true; /* an attribute that cannot be set */
	}
	return fsetxattr(to, name, a->value, len, 0) == 0;
}

static const char *copy_attributes(struct attributes *a, int from, int to)
{
	const char *name = a->names;
	size_t i;

	if (!list_attributes(a, from)) {
		return "extended attributes";
	}
	for (i = 0; i < ARRAY_SIZE(acl_attributes); i++) {
		if (!has_attribute(a, acl_attributes[i]) &&
		    fremovexattr(to, acl_attributes[i]) != 0 &&
		    errno != ENODATA && errno != ENOTSUP) {
			return acl_attributes[i];
		}
	}
	for (; name < a->names + a->len; name += strlen(name) + 1) {
		if (!copy_attribute(a, name, from, to)) {
			return name;
		}
	}
	return NULL;
}

/* Compare owner and mode only; attributes and ACLs are compared one by one. */
static bool same_owner_and_mode(const struct statx *a, const struct statx *b)
{
	return a->stx_uid == b->stx_uid && a->stx_gid == b->stx_gid &&
	       a->stx_mode == b->stx_mode;
}

/*
 * Copy owner, mode and attributes. Return what failed, or NULL. The mode comes
 * after the owner because chown(2) clears the setgid bit.
 */
static const char *copy_rights(struct attributes *a, int from, int to)
{
	struct statx st;
	struct statx other;

	if (!pin_look(from, "", &st) || !pin_look(to, "", &other)) {
		return "permissions";
	}
	if (!same_owner_and_mode(&st, &other)) {
		if (fchown(to, st.stx_uid, st.stx_gid) != 0) {
			return "owner";
		}
		if (fchmod(to, st.stx_mode & 07777) != 0) {
			return "mode";
		}
	}
	return copy_attributes(a, from, to);
}

static bool take_over_rights(const struct pinned *old,
			     const struct pinned *staged)
{
	struct attributes *a = talloc(NULL, struct attributes);
	const char *what = "permissions";

	if (a == NULL) {
		errno = ENOMEM;
	} else {
		what = copy_rights(a, old->fd, staged->fd);
	}
	if (what != NULL) {
		complain("cannot give %s the %s of %s: %s",
			 show_text(staged->path), show_text(what),
			 show_text(old->path), strerror(errno));
	}
	TALLOC_FREE(a);
	return what == NULL;
}

bool exchange_prepare(const struct pinned *old, const struct pinned *staged)
{
	return take_over_rights(old, staged) && pin_sync(staged);
}

/*
 * The exchange
 */

static bool swap_names(const struct pinned *a, const struct pinned *b)
{
	return renameat2(a->parent, a->name, b->parent, b->name,
			 RENAME_EXCHANGE) == 0;
}

static void complain_of_swap(const struct pinned *old,
			     const struct pinned *staged)
{
	const char *why = strerror(errno);

	if (errno == EXDEV) {
		why = "they are on different file systems";
	} else if (errno == EINVAL) {
		why = "this file system cannot exchange two directories";
	} else if (errno == EBUSY) {
		why = "one of them is a mount point";
	}
	complain("cannot exchange %s and %s: %s", show_text(old->path),
		 show_text(staged->path), why);
}

/*
 * Check that the exchange has moved the two directories that were pinned:
 * another process may have renamed one after the last check.
 */
static bool is_swapped(const struct pinned *old, const struct pinned *staged)
{
	struct statx here;
	struct statx there;

	return pin_look(old->parent, old->name, &here) &&
	       pin_look(staged->parent, staged->name, &there) &&
	       pin_same(&here, &staged->self) && pin_same(&there, &old->self);
}

bool exchange_directories(const struct pinned *old,
			  const struct pinned *staged)
{
	if (!take_over_rights(old, staged) || !pin_is_still_there(old) ||
	    !pin_is_still_there(staged)) {
		return false;
	}
	if (!swap_names(old, staged)) {
		complain_of_swap(old, staged);
		return false;
	}
	if (!is_swapped(old, staged)) {
		(void)swap_names(old, staged);
		complain("cannot exchange %s and %s: another process renamed "
			 "one of them at the same time", show_text(old->path),
			 show_text(staged->path));
		return false;
	}
	return true;
}

/*
 * Links
 */

#define LINK_TRIES 10

static char *link_text(TALLOC_CTX *mem_ctx,
		       const struct pinned *link,
		       const char *path)
{
	char old[PATH_MAX];
	ssize_t len = readlinkat(link->parent, link->name, old, sizeof(old));
	char *dir = NULL;

	if (len <= 0) {
		return NULL;
	}
	if (old[0] == '/') {
		return talloc_strdup(mem_ctx, path);
	}
	dir = talloc_strndup(mem_ctx, link->path,
			     MAX(1, link->name - link->path - 1));
	return (dir != NULL) ? drain_path_relative(mem_ctx, path, dir) : NULL;
}

/* Return true if @fd is the link just made, whose owner is about to change. */
static bool is_new_link(int fd, const char *text)
{
	char found[PATH_MAX];
	ssize_t len = readlinkat(fd, "", found, sizeof(found));
	struct statx st;

	return len == (ssize_t)strlen(text) && memcmp(found, text, len) == 0 &&
	       pin_look(fd, "", &st) && st.stx_uid == geteuid() &&
	       st.stx_nlink == 1;
}

/*
 * Change the owner by descriptor, because another process may have taken the
 * name.
 */
static bool give_link(const struct pinned *link, int fd, const char *text)
{
	if (!is_new_link(fd, text)) {
		errno = ESTALE;
		return false;
	}
	return fchownat(fd, "", link->self.stx_uid, link->self.stx_gid,
			AT_EMPTY_PATH) == 0;
}

/* Return true if @name still refers to the file of @fd. */
static bool is_called(const struct pinned *link, int fd, const char *name)
{
	struct statx meant;
	struct statx now;

	return pin_look(fd, "", &meant) && pin_look(link->parent, name, &now) &&
	       pin_same(&meant, &now);
}

/*
 * Use rename(2), which all file systems support. It removes what it replaces,
 * so it cannot be undone.
 */
static bool put_in_place(const struct pinned *link, const char *name, int fd)
{
	if (renameat(link->parent, name, link->parent, link->name) != 0) {
		return false;
	}
	if (is_called(link, fd, link->name)) {
		return true;
	}
	errno = ESTALE;
	return false;
}

/*
 * Make a new link under a temporary name. Return the name, or NULL with errno
 * set.
 */
static char *make_link(TALLOC_CTX *mem_ctx,
		       const struct pinned *link,
		       const char *text,
		       const struct drain_id *id)
{
	char *name = NULL;
	int i;

	for (i = 0; i < LINK_TRIES; i++) {
		name = link_name_new(mem_ctx, id);
		if (name == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		if (symlinkat(text, link->parent, name) == 0) {
			return name;
		}
		if (errno != EEXIST) {
			return NULL;
		}
	}
	return NULL;
}

/* Make the new link beside the old one, then rename it into place. */
static bool replace_link(const struct pinned *link,
			 const char *text,
			 const struct drain_id *id)
{
	char *name = make_link(talloc_tos(), link, text, id);
	bool ok;
	int error;
	int fd;

	if (name == NULL) {
		return false;
	}
	fd = openat(link->parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ok = fd != -1 && give_link(link, fd, text) &&
	     put_in_place(link, name, fd);
	error = errno;
	if (!ok && is_called(link, fd, name)) {
		(void)unlinkat(link->parent, name, 0);
	}
	if (fd != -1) {
		close(fd);
	}
	errno = error;
	return ok;
}

bool exchange_link(const struct pinned *link,
		   const char *path,
		   const struct drain_id *id)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const char *text = link_text(frame, link, path);
	bool ok = false;

	if (text == NULL) {
		complain("cannot read the symbolic link %s: %s",
			 show_text(link->path),
			 strerror(errno));
	} else if (pin_is_still_there(link)) {
		ok = replace_link(link, text, id);
		if (!ok) {
			complain("cannot replace the symbolic link %s: %s",
				 show_text(link->path), pin_error());
		}
	}
	TALLOC_FREE(frame);
	return ok;
}
