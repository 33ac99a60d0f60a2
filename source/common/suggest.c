// SPDX-License-Identifier: GPL-3.0-or-later
/* Suggest the target that a person meant by a path or a UNC name. */

#include "drain/samba_compat.h"
#include "drain/shares.h"
#include "drain/suggest.h"

/*
 * Return SHARE/PATH with the share as spelt in smb.conf, or NULL if there is no
 * such share.
 */
static char *target_name_of(TALLOC_CTX *mem_ctx,
			    const struct share_list *list,
			    const char *text)
{
	struct drain_target target;
	const struct share *share = NULL;

	if (drain_target_parse(mem_ctx, text, &target) != NULL) {
		return NULL;
	}
	share = shares_find(list, target.share);
	if (share == NULL) {
		return NULL;
	}
	target.share = share->name;
	return drain_target_name(mem_ctx, &target);
}

/* \\SERVER\SHARE\PATH, //SERVER/SHARE/PATH, smb://..., SHARE\PATH */
static char *of_unc(TALLOC_CTX *mem_ctx,
		    const struct share_list *list,
		    const char *text)
{
	char *slashed = talloc_string_sub(mem_ctx, text, "\\", "/");
	const char *rest = slashed;

	if (slashed == NULL) {
		return NULL;
	}
	if (strncasecmp_m(rest, "smb://", 6) == 0) {
		rest += 4;
	}
	if (strncmp(rest, "//", 2) == 0) {
		rest += strspn(rest, "/");
		rest += strcspn(rest, "/"); /* the server */
		rest += strspn(rest, "/");
	}
	return (rest[0] != '/') ? target_name_of(mem_ctx, list, rest) : NULL;
}

/* Prefer a share that can be drained, then the one nearer to the path. */
static bool is_better(const struct share *share, const struct share *best)
{
	if (best == NULL) {
		return true;
	}
	if ((share->module_index < 0) != (best->module_index < 0)) {
		return best->module_index < 0;
	}
	return strlen(share->real) > strlen(best->real);
}

static const struct share *share_of(const struct share_list *list,
				    const char *real)
{
	const struct share *best = NULL;
	size_t i;

	for (i = 0; i < list->num_shares; i++) {
		const struct share *share = &list->shares[i];

		if (share->real != NULL &&
		    drain_path_within(real, share->real) &&
		    is_better(share, best)) {
			best = share;
		}
	}
	return best;
}

static char *real_path_of(TALLOC_CTX *mem_ctx, const char *path)
{
	char *real = realpath(path, NULL);
	char *copy = (real != NULL) ? talloc_strdup(mem_ctx, real) : NULL;

	free(real);
	return copy;
}

static bool is_of_kind(const char *path, mode_t kind)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

/*
 * Return the path of a link itself, not of its destination, or NULL if it is no
 * link.
 */
static char *link_path_of(TALLOC_CTX *mem_ctx, const char *path)
{
	char *copy = talloc_strdup(mem_ctx, path);
	size_t len = (copy != NULL) ? strlen(copy) : 0;
	char *name = NULL;
	char *dir = NULL;

	while (len > 1 && copy[len - 1] == '/') {
		len -= 1;
		copy[len] = '\0';
	}
	if (len < 2 || !is_of_kind(copy, S_IFLNK)) {
		return NULL;
	}
	name = strrchr(copy, '/');
	*name = '\0';
	dir = real_path_of(mem_ctx, (name > copy) ? copy : "/");
	return (dir != NULL) ? drain_path_join(mem_ctx, dir, name + 1) : NULL;
}

static char *of_path(TALLOC_CTX *mem_ctx,
		     const struct share_list *list,
		     const char *path)
{
	char *real = real_path_of(mem_ctx, path);
	const char *link = link_path_of(mem_ctx, path);
	const struct share *share = NULL;
	const char *rest = NULL;

	if (real != NULL && is_of_kind(real, S_IFREG)) {
		/* only directories can be drained */
		*strrchr(real, '/') = '\0';
	}
	share = (real != NULL) ? share_of(list, real) : NULL;
	if (share == NULL) {
		return NULL;
	}
	if (link != NULL && drain_path_within(link, share->real)) {
		real = discard_const_p(char, link);
	}
	rest = real + strlen(share->real);
	rest += strspn(rest, "/");
	return drain_target_name(mem_ctx, &(struct drain_target) {
						  .share = share->name,
						  .path = rest,
					  });
}

char *shares_suggest(TALLOC_CTX *mem_ctx,
		     const struct share_list *list,
		     const char *text)
{
	TALLOC_CTX *frame = talloc_stackframe();
	char *name = of_unc(frame, list, text);

	if (name == NULL && text[0] == '/') {
		name = of_path(frame, list, text);
	}
	name = talloc_steal(mem_ctx, name);
	TALLOC_FREE(frame);
	return name;
}
