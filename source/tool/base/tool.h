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

/* What the person at the keyboard wants */
struct options {
	const char *verb;
	const char *target; /* NULL: none was named */
	const char *new_directory; /* what is to be published; NULL: none */
	const char *extra; /* a word that no verb takes */
	int about; /* --help, --usage or --version; 0: none of them */
	char **command; /* after "--", NULL-terminated */
	const char *reason;
	const char *warn_command;
	const char *client; /* close: whose handles; NULL: everybody's */
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
	int if_needed; /* that it is so already is no failure */
	int json;
	int prometheus;
	int wait;
	bool has_on_failure;
	bool resume_on_failure;
	const char *publish; /* run: the directory; NULL: a command */
	const char *id; /* publish: of the drain that its user holds */
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
	const char *conf_file; /* where it begins */
	struct conf_files *conf;
	struct share_list *views; /* of files that some clients get */
	struct ask_listener *listeners;
	struct survey *armed; /* what smbds have said of our drain; or NULL */
	/* Somebody watches: is told of each holder that goes; may be NULL */
	void (*on_gone)(const struct drain_tell_gone *gone,
			struct server_id src,
			void *private_data);
	void *on_gone_data;
	uint64_t last_cookie;
	bool heard_junk; /* that is said once */
	/* A signal (or a key) asked us to stop; see verb/run.c and output/screen.c */
	int stop_signal;
};

#endif /* _DRAIN_TOOL_BASE_TOOL_H_ */
