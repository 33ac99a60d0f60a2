// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Messages about handles to the processes that asked for them.
 */

#ifndef _DRAIN_WATCHERS_H_
#define _DRAIN_WATCHERS_H_

#include "drain/codec.h"

struct drain;

/** Convert to microseconds since the epoch. */
uint64_t drain_usec(struct timeval t);

/** Send a reply. If that fails, it is logged. */
void drain_reply(struct server_id dst, const struct drain_reply *reply);

/** Describe a handle. @param[out] holder  The strings are on @mem_ctx. */
void drain_describe_handle(TALLOC_CTX *mem_ctx,
			   struct files_struct *fsp,
			   struct drain_holder *holder);

/** From now on report each closed handle of a drain to a process. */
void drain_watchers_add(struct drain *drain, struct server_id watcher);

/** Report to the watchers that a counted handle is closed. */
void drain_watchers_report(struct drain *drain, struct files_struct *fsp);

#endif /* _DRAIN_WATCHERS_H_ */
