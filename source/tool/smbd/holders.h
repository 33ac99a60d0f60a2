// SPDX-License-Identifier: GPL-3.0-or-later
/* List the holders of files. */

#ifndef _DRAIN_TOOL_SMBD_HOLDERS_H_
#define _DRAIN_TOOL_SMBD_HOLDERS_H_

#include "drain/samba_compat.h"

struct drain_addresses;
struct drain_record;
struct suspect_list;
struct tool;

struct holder {
	uint64_t key; /* unique in its smbd */
	const struct drain_addresses *client;
	const char *machine;
	const char *user;
	const char *share;
	const char *path;
	const char *server;
	const char *lease;
	uint32_t access;
	uint64_t opened;
	bool counts;
	bool directory;
	bool unguarded;
	bool disconnected;
	bool exempt;
	bool grace; /* its client may open more until its last one closes */
	uint64_t returns_until; /* of a disconnected one; 0: unknown */
	struct server_id server_id;
	uint64_t share_file_id;
	struct file_id file_id; /* of those that an smbd tells of */
	bool may_be_durable; /* the same */
};

struct holder_list {
	struct holder *holders;
	size_t num_holders;
	size_t num_silent; /* smbds that did not answer */
};

/**
 * Who has handles in what the record covers, whether it drains or not.
 *
 * @param[in] all  Those that do not count as well.
 * @param[in] patience  For how many ms all smbds may be silent; while pages
 *                      come it is no matter how long the list is.
 * @return NULL after a complaint.
 */
struct holder_list *holders_get(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record,
				bool all,
				uint64_t patience);

/**
 * The files of those handles of smbds on the roster that may be durable.
 *
 * @return false after a complaint, or if an smbd did not answer.
 */
bool holders_durable(TALLOC_CTX *mem_ctx,
		     struct tool *tool,
		     const struct drain_record *record,
		     uint64_t patience,
		     struct suspect_list *files);

/** Leave those out that nobody waits for. @return How many are left. */
size_t holders_drop_exempt(struct holder_list *list);

/* So many are named who can be asked for later */
#define HOLDERS_TO_NAME 10

/** List on standard error who is left, the first of them. */
void holders_complain(struct tool *tool,
		      const struct drain_record *record,
		      size_t at_most);

/** Are there counted handles through connections that nobody guards? */
bool holders_unguarded(struct tool *tool, const struct drain_record *record);

#endif /* _DRAIN_TOOL_SMBD_HOLDERS_H_ */
