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

/* An entry in Samba's table of open files, for a file in a target */
struct open_handle {
	struct file_id file_id;
	struct server_id server_id;
	uint64_t share_file_id;
	uint32_t access;
	uint16_t oplock;
	uint64_t opened;
	uid_t uid;
	const char *path; /* absolute */
	bool disconnected; /* a disconnected durable handle */
	uint64_t returns_until; /* microseconds since 1970; 0: unknown */
	bool expired; /* no client can reconnect to it any more */
};

struct open_handle_list {
	struct open_handle *handles;
	size_t num_handles;
};

/* Candidates: files to check when the smbds report no holder */
struct suspect_list {
	struct file_id *files;
	size_t num_files;
};

/** Open Samba's tables. Return false after an error message. */
bool handles_start(void);

/**
 * Traverse the whole table.
 *
 * @return Handles that no smbd on the roster reports, or NULL after an error
 * message.
 */
struct open_handle_list *handles_scan(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record);

/**
 * Return the files that such handles hold now or can hold later.
 *
 * @param[in] held  Files of handles that smbds report now.
 * @return NULL after an error message.
 */
struct suspect_list *handles_suspects(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      const struct suspect_list *held);

/**
 * Like handles_scan(), but check only the suspects, each by its file id, and
 * remove those that are closed from the list.
 */
struct open_handle_list *handles_look(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      struct suspect_list *suspects);

/** Wait until an entry of one of the files changes, or for some seconds. */
struct tevent_req *handles_watch_send(TALLOC_CTX *mem_ctx,
				      struct tevent_context *ev,
				      const struct open_handle_list *list);

NTSTATUS handles_watch_recv(struct tevent_req *req);

#endif /* _DRAIN_TOOL_SAMBA_HANDLES_H_ */
