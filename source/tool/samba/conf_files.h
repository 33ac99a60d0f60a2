// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the files that smb.conf consists of, and when they were last changed. */

#ifndef _DRAIN_TOOL_SAMBA_CONF_FILES_H_
#define _DRAIN_TOOL_SAMBA_CONF_FILES_H_

#include "drain/samba_compat.h"

/* "include" or "config file" of a file that depends on who asks */
struct conf_pattern {
	const char *text; /* "/etc/samba/%m.conf" */
	const char *in; /* the file that has it */
	bool instead; /* "config file" */
	const char **files; /* that are there, and may change shares */
	size_t num_files;
};

struct conf_files {
	const char **paths;
	size_t num_paths;
	struct conf_pattern *patterns;
	size_t num_patterns;
	const char **unknown; /* lines that lead nobody knows where */
	size_t num_unknown;
	bool nomem;
};

/**
 * Find all that smb.conf, which has been loaded, is made of: what it includes,
 * for any client, the registry, shares of users. NULL: out of memory.
 */
struct conf_files *conf_files_find(TALLOC_CTX *mem_ctx, const char *file);

/** For glob(3): any name in the place of each word that varies. */
char *conf_glob(TALLOC_CTX *mem_ctx, const char *text, size_t len);

/** The names of those parameters. */
bool conf_is_include(const char *name);
bool conf_is_instead(const char *name);

/** The file that one of them names, as far as it is the same for all. */
char *conf_file_named(TALLOC_CTX *mem_ctx, const char *name, const char *value);

/**
 * When was any of it last changed? Asked after a change, it need not know of
 * what has come with it.
 *
 * @return false: that can not be known.
 */
bool conf_files_changed(const struct conf_files *files, struct timespec *when);

#endif /* _DRAIN_TOOL_SAMBA_CONF_FILES_H_ */
