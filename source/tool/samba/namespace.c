// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Check that all processes on Samba's message bus are in our PID namespace.
 *
 * Samba's locks hold process numbers. A process that finds a lock of a process
 * that looks dead removes it; smbd and this tool do that to each other when
 * they are in different PID namespaces. Then no result of g_lock can be relied
 * on (drain/alive.h).
 */

#include "samba/namespace.h"
#include "drain/alive.h"
#include "base/error.h"
#include "base/text.h"

static char *describe_stranger(TALLOC_CTX *mem_ctx,
			       const struct drain_stranger *stranger)
{
	char here[32] = "";

	if (stranger->here > 0) {
		snprintf(here, sizeof(here), " (here %d)",
			 (int)stranger->here);
	}
	return talloc_asprintf(
		mem_ctx,
		"cannot tell which smbds are alive: process %d%s of lock "
		"directory %s runs in another PID namespace, such as that of a "
		"container; run smbdrain in the same PID namespace (nsenter, "
		"\"docker exec\"), or let both share one "
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
		text = describe_stranger(mem_ctx, &stranger);
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
