// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find handles that no smbd on the roster can report, in Samba's table of open
 * files (locking.tdb).
 */

#ifndef _DRAIN_TOOL_SAMBA_HANDLES_H_
#define _DRAIN_TOOL_SAMBA_HANDLES_H_

#include "drain/samba_compat.h"

struct drain_record;
struct tool;

/* An entry of Samba's table of open files, in a target */
struct open_handle {
	struct file_id file_id;
	struct server_id server_id;
	uint64_t share_file_id;
	uint32_t access;
	uint16_t oplock;
	uint64_t opened;
	uid_t uid;
	const char *path; /* absolute */
	bool disconnected; /* a durable handle whose client is away */
	uint64_t returns_until; /* microseconds since 1970; 0: unknown */
	bool expired; /* nobody can come back to it any more */
};

struct open_handle_list {
	struct open_handle *handles;
	size_t num_handles;
};

/* Files to look at again when the smbds say that nothing is left */
struct suspect_list {
	struct file_id *files;
	size_t num_files;
};

/** Open Samba's tables. false after a complaint. */
bool handles_start(void);

/**
 * Go through the whole table once.
 *
 * @return Handles that no smbd on the roster answers for. NULL after a
 *         complaint.
 */
struct open_handle_list *handles_scan(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record);

/**
 * The files that are, or may come to be, held by such handles.
 *
 * @param[in] held  Others, of handles that smbds answer for now.
 * @return NULL after a complaint.
 */
struct suspect_list *handles_suspects(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      const struct suspect_list *held);

/**
 * The same, but only the suspects are looked at, each by its id; those that
 * have gone leave the list.
 */
struct open_handle_list *handles_look(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      struct suspect_list *suspects);

/** Done when one of the files' entries changes, or some seconds have passed. */
struct tevent_req *handles_watch_send(TALLOC_CTX *mem_ctx,
				      struct tevent_context *ev,
				      const struct open_handle_list *list);

NTSTATUS handles_watch_recv(struct tevent_req *req);

#endif /* _DRAIN_TOOL_SAMBA_HANDLES_H_ */
