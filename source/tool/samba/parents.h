// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the parent smbds, which have one child for each client. */

#ifndef _DRAIN_TOOL_SAMBA_PARENTS_H_
#define _DRAIN_TOOL_SAMBA_PARENTS_H_

#include "drain/samba_compat.h"

struct parent_list {
	struct server_id *ids;
	size_t num_ids;
};

/** The parent smbds that live, on all nodes. NULL after a complaint. */
struct parent_list *parents_find(TALLOC_CTX *mem_ctx);

/** That of this node. false: there is none. */
bool parents_own(struct server_id *id);

/** Does smbd run, on any node? Without a parent: does it serve a client? */
bool parents_any(void);

#endif /* _DRAIN_TOOL_SAMBA_PARENTS_H_ */
