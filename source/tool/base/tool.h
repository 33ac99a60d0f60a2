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

/* What all verbs need */
struct tool {
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
