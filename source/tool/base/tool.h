// SPDX-License-Identifier: GPL-3.0-or-later
/* What all verbs need while they run. */

#ifndef _DRAIN_TOOL_BASE_TOOL_H_
#define _DRAIN_TOOL_BASE_TOOL_H_

#include "drain/samba_compat.h"
#include "drain/record.h"

struct ask_listener;
struct conf_files;
struct drain_locks;
struct drain_store;
struct drain_tell_gone;
struct share_list;
struct survey;

/* The command line */
struct options {
	const char *verb;
	const char *target; /* NULL: not given */
	const char *new_directory; /* the directory to publish; NULL: none */
	const char *extra; /* the first surplus argument */
	int about; /* --help, --usage or --version; 0: none of them */
	char **command; /* after "--", NULL-terminated */
	const char *reason;
	const char *warn_command;
	const char *client; /* close: only this client; NULL: all clients */
	const char *user;
	const char *path;
	bool has_timeout;
	uint64_t timeout; /* milliseconds */
	bool has_on_timeout;
	enum drain_on_timeout on_timeout;
	bool has_new_opens;
	bool hold_opens;
	bool has_hold_timeout;
	uint64_t hold_timeout; /* milliseconds */
	int let_holders_finish;
	int purge_durables;
	int all;
	int allow_unguarded;
	int adopt; /* --continue */
	int force;
	int if_needed; /* succeed if nothing needs to be done */
	int json;
	int prometheus;
	int wait;
	bool has_on_failure;
	bool resume_on_failure;
	/* run: the directory to publish; NULL: a command */
	const char *publish;
	const char *id; /* publish, resume: the drain to use */
	int dry_run;
	int undo;
};

/* What all verbs need */
struct tool {
	const struct options *options;
	struct tevent_context *ev;
	struct messaging_context *msg_ctx;
	struct drain_store *store;
	struct drain_locks *locks;
	const char *conf_file; /* the main configuration file */
	struct conf_files *conf;
	/* shares of files that only some clients get */
	struct share_list *views;
	struct ask_listener *listeners;
	/* answers of the smbds that acknowledged our drain, or NULL */
	struct survey *armed;
	/* Called for each holder that is gone; may be NULL */
	void (*on_gone)(const struct drain_tell_gone *gone,
			struct server_id src,
			void *private_data);
	void *on_gone_data;
	uint64_t last_cookie;
	bool heard_junk; /* an unreadable reply was reported */
	/* The signal that asked us to stop, or 0; a key counts as SIGINT */
	int stop_signal;
};

#endif /* _DRAIN_TOOL_BASE_TOOL_H_ */
