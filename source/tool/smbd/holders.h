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
	bool grace; /* its client may open more files until it has closed all */
	uint64_t returns_until; /* of a disconnected one; 0: unknown */
	struct server_id server_id;
	uint64_t share_file_id;
	struct file_id file_id; /* of handles that an smbd reports */
	bool may_be_durable; /* of handles that an smbd reports */
};

struct holder_list {
	struct holder *holders;
	size_t num_holders;
	size_t num_silent; /* smbds that did not answer */
};

/**
 * List the handles in the paths of the record, whether it is drained or not.
 *
 * @param[in] all  Include handles that are not counted.
 * @param[in] patience  Milliseconds without an answer before we give up. The
 * length of the list does not matter while pages arrive.
 * @return NULL after an error message.
 */
struct holder_list *holders_get(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record,
				bool all,
				uint64_t patience);

/**
 * List the files of handles of smbds on the roster that can be durable.
 *
 * @return false after an error message, or if an smbd did not answer.
 */
bool holders_durable(TALLOC_CTX *mem_ctx,
		     struct tool *tool,
		     const struct drain_record *record,
		     uint64_t patience,
		     struct suspect_list *files);

/**
 * Remove the exempt handles, for which no drain waits.
 *
 * @return The number of handles left.
 */
size_t holders_drop_exempt(struct holder_list *list);

/* How many holders an error message names */
#define HOLDERS_TO_NAME 10

/** List the first holders that are left on standard error. */
void holders_complain(struct tool *tool,
		      const struct drain_record *record,
		      size_t at_most);

/**
 * Return true if there are counted handles of tree connects without the module.
 */
bool holders_unguarded(struct tool *tool, const struct drain_record *record);

#endif /* _DRAIN_TOOL_SMBD_HOLDERS_H_ */
