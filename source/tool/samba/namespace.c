/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Whether all processes on Samba's message bus are in our PID namespace.
 *
 * Samba's locks hold process numbers. Whoever finds a lock of a process that
 * looks dead removes it, which smbd and this tool do to each other when they
 * are in different PID namespaces. Nothing that g_lock says can be relied on
 * then (drain/alive.h).
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

static char *describe(TALLOC_CTX *mem_ctx,
		      const struct drain_stranger *stranger)
{
	char here[32] = "";

	if (stranger->here > 0) {
		snprintf(here, sizeof(here), " (here %d)",
			 (int)stranger->here);
	}
	return talloc_asprintf(
		mem_ctx,
		"cannot tell which smbds live: process %d%s of lock directory "
		"%s runs in another PID namespace, such as that of a "
		"container; run smbdrain in the same PID namespace (nsenter, "
		"\"docker exec\"), or have both share one "
		"(shareProcessNamespace)",
		(int)stranger->number, here, show_text(lp_lock_directory()));
}

const char *namespace_problem(TALLOC_CTX *mem_ctx)
{
	char *pid_file = talloc_asprintf(mem_ctx, "%s/smbd.pid",
					 lp_pid_directory());
	struct drain_stranger stranger;
	char *text = NULL;
	int ret;

	if (pid_file == NULL) {
		return "out of memory";
	}
	ret = drain_find_stranger(pid_file, &stranger);
	TALLOC_FREE(pid_file);
	if (ret == 0 && stranger.number == 0) {
		return NULL;
	}
	if (ret == 0) {
		text = describe(mem_ctx, &stranger);
	} else {
		text = talloc_asprintf(mem_ctx,
				       "cannot read Samba's message files in "
				       "%s/msg.lock: %s",
				       show_text(lp_lock_directory()),
				       strerror(ret));
	}
	return (text != NULL) ? text : "out of memory";
}

bool namespace_is_shared(void)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const char *text = namespace_problem(frame);
	const bool shared = text == NULL;

	if (!shared) {
		complain("%s", text);
	}
	TALLOC_FREE(frame);
	return shared;
}
