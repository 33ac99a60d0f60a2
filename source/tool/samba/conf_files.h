// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the files that smb.conf consists of, and when they were last changed. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_FILES_H_
#define _DRAIN_TOOL_SAMBA_CONF_FILES_H_

#include "drain/samba_compat.h"

/* An "include" or "config file" whose name depends on the client */
struct conf_pattern {
	const char *text; /* such as "/etc/samba/%m.conf" */
	const char *in; /* the file that contains the line */
	bool instead; /* true for "config file" */
	const char **files; /* existing files that can change the shares */
	size_t num_files;
};

struct conf_files {
	const char **paths;
	size_t num_paths;
	struct conf_pattern *patterns;
	size_t num_patterns;
	const char **unknown; /* lines whose files cannot be listed */
	size_t num_unknown;
	bool nomem;
};

/**
 * Find all files of the loaded smb.conf: those that it includes for any client,
 * the registry, and usershares. Return NULL if out of memory.
 */
struct conf_files *conf_files_find(TALLOC_CTX *mem_ctx, const char *file);

/**
 * Return a pattern for glob(3) with "*" in place of each word that depends on
 * the client.
 */
char *conf_glob(TALLOC_CTX *mem_ctx, const char *text, size_t len);

/** Return true for the parameters that include a file. */
bool conf_is_include(const char *name);
bool conf_is_instead(const char *name);

/**
 * Return the file that such a parameter names, with the words substituted that
 * are the same for all clients.
 */
char *conf_file_named(TALLOC_CTX *mem_ctx, const char *name, const char *value);

/**
 * Find when any of the files was last changed. This need not include files that
 * the change itself has added.
 *
 * @return false if it cannot be determined.
 */
bool conf_files_changed(const struct conf_files *files, struct timespec *when);

#endif /* _DRAIN_TOOL_SAMBA_CONF_FILES_H_ */
