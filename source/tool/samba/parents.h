// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the parent smbds, which have one child for each client. */

#ifndef _DRAIN_TOOL_SAMBA_PARENTS_H_
#define _DRAIN_TOOL_SAMBA_PARENTS_H_

#include "drain/samba_compat.h"

struct parent_list {
	struct server_id *ids;
	size_t num_ids;
};

/**
 * Find the running parent smbds of all nodes. Return NULL after an error
 * message.
 */
struct parent_list *parents_find(TALLOC_CTX *mem_ctx);

/** Find the parent smbd of this node. Return false if there is none. */
bool parents_own(struct server_id *id);

/**
 * Return true if smbd runs on any node. Without a parent process, it must have
 * a client.
 */
bool parents_any(void);

#endif /* _DRAIN_TOOL_SAMBA_PARENTS_H_ */
