// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Targets of drains, and relations of paths.
 */

#include <string.h>

#include "drain/target.h"

static const char *component_error(const char *part, size_t len)
{
	if (len == 0) {
		return "a component of the path is empty";
	}
	if (len == 1 && part[0] == '.') {
		return "'.' is not a name";
	}
	if (len == 2 && part[0] == '.' && part[1] == '.') {
		return "'..' would leave the share";
	}
	return NULL;
}

static const char *path_error(const char *path)
{
	const char *part = path;

	for (;;) {
		size_t len = strcspn(part, "/");
		const char *why = component_error(part, len);

		if (why != NULL || part[len] == '\0') {
			return why;
		}
		part += len + 1;
	}
}

const char *drain_target_parse(TALLOC_CTX *mem_ctx,
			       const char *text,
			       struct drain_target *target)
{
	size_t share_len = strcspn(text, "/");
	size_t len = strlen(text);
	const char *path = NULL;
	const char *why = NULL;
	char *copy = NULL;

	if (strchr(text, '\\') != NULL) {
		return "write it with '/', not '\\'";
	}
	if (share_len == 0) {
		return "a share name is missing; write SHARE or SHARE/PATH";
	}

	why = component_error(text, share_len);
	if (why != NULL) {
		return why;
	}

	if (len > share_len && text[len - 1] == '/') {
		len -= 1;
	}
	copy = talloc_strndup(mem_ctx, text, len);
	if (copy == NULL) {
		return "out of memory";
	}

	path = (len > share_len) ? copy + share_len + 1 : "";
	why = (len > share_len) ? path_error(path) : NULL;
	if (why != NULL) {
		talloc_free(copy);
		return why;
	}

	copy[share_len] = '\0';
	*target = (struct drain_target) {
		.share = copy,
		.path = path,
	};
	return NULL;
}

char *drain_target_name(TALLOC_CTX *mem_ctx,
			const struct drain_target *target)
{
	if (target->path[0] == '\0') {
		return talloc_strdup(mem_ctx, target->share);
	}
	return talloc_asprintf(mem_ctx, "%s/%s", target->share, target->path);
}

bool drain_path_within(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (strcmp(root, "/") == 0) {
		return path[0] == '/';
	}
	if (strncmp(path, root, len) != 0) {
		return false;
	}
	return path[len] == '\0' || path[len] == '/';
}

bool drain_path_overlap(const char *a, const char *b)
{
	return drain_path_within(a, b) || drain_path_within(b, a);
}

/*
 * Test for a component that can expand to any path: the home directory, the
 * root of the share, a date, an environment variable, and ".." after a link.
 */
static bool leads_anywhere(const char *part, size_t len)
{
	size_t i;

	if (len == 2 && part[0] == '.' && part[1] == '.') {
		return true;
	}
	for (i = 0; i + 1 < len; i++) {
		if (part[i] == '%' && strchr("HPT$", part[i + 1]) != NULL) {
			return true;
		}
	}
	return false;
}

/* Test for a component of substitutions only, which can be empty */
static bool may_be_empty(const char *part, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2) {
		if (part[i] != '%') {
			return false;
		}
	}
	return len > 0 && len % 2 == 0;
}

bool drain_pattern_overlap(const char *pattern, const char *path)
{
	if (pattern[0] != '/') {
		return true;
	}

	for (;;) {
		size_t pattern_len;
		size_t path_len;

		pattern += strspn(pattern, "/");
		path += strspn(path, "/");
		pattern_len = strcspn(pattern, "/");
		path_len = strcspn(path, "/");

		if (pattern_len == 0 || path_len == 0 ||
		    leads_anywhere(pattern, pattern_len)) {
			return true;
		}
		if (may_be_empty(pattern, pattern_len) &&
		    pattern[pattern_len] == '/' &&
		    drain_pattern_overlap(pattern + pattern_len, path)) {
			return true;
		}
		if (memchr(pattern, '%', pattern_len) == NULL &&
		    (pattern_len != path_len ||
		     memcmp(pattern, path, path_len) != 0)) {
			return false;
		}
		pattern += pattern_len;
		path += path_len;
	}
}

char *drain_path_join(TALLOC_CTX *mem_ctx, const char *dir, const char *path)
{
	const char *slash = (strcmp(dir, "/") == 0) ? "" : "/";

	if (path[0] == '\0' || strcmp(path, ".") == 0) {
		return talloc_strdup(mem_ctx, dir);
	}
	return talloc_asprintf(mem_ctx, "%s%s%s", dir, slash, path);
}

/* Return the length of the components that both have in common */
static size_t common_length(const char *a, const char *b)
{
	size_t common = 0;
	size_t i;

	for (i = 0;; i++) {
		bool end_a = a[i] == '/' || a[i] == '\0';
		bool end_b = b[i] == '/' || b[i] == '\0';

		if (end_a && end_b) {
			common = i;
		}
		if (a[i] != b[i] || a[i] == '\0') {
			return common;
		}
	}
}

char *drain_path_relative(TALLOC_CTX *mem_ctx,
			  const char *path,
			  const char *dir)
{
	size_t common = common_length(path, dir);
	const char *down = path + common + strspn(path + common, "/");
	const char *up = dir + common;
	char *result = talloc_strdup(mem_ctx, "");

	for (up += strspn(up, "/"); *up != '\0'; up += strspn(up, "/")) {
		up += strcspn(up, "/");
		talloc_asprintf_addbuf(
			&result, (*up != '\0' || *down != '\0') ? "../" : "..");
	}
	talloc_asprintf_addbuf(&result, "%s", down);
	if (result != NULL && result[0] == '\0') {
		talloc_asprintf_addbuf(&result, ".");
	}
	return result;
}
