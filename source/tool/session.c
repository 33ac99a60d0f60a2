// SPDX-License-Identifier: GPL-3.0-or-later
/* Open what all verbs need: smb.conf, the message bus, the databases. */

#include "session.h"
#include "lib/cmdline/cmdline.h"
#include "lib/global_contexts.h"
#include "cmdline_contexts.h"
#include "cluster_support.h"
#include "ctdbd_conn.h"
#include "dynconfig/dynconfig.h"
#include "drain/locks.h"
#include "drain/store.h"
#include "base/caller.h"
#include "base/error.h"
#include "base/tool.h"
#include "samba/conf.h"
#include "samba/nodes.h"
#include "smbd/ask.h"

/*
 * Check the release: structures of another minor release have another layout.
 */
static bool right_samba(void)
{
	if (drain_same_release(samba_version_string())) {
		return true;
	}
	complain("built for Samba %s, cannot run with Samba %s; build and "
		 "install it again for this Samba",
		 DRAIN_SAMBA_VERSION, samba_version_string());
	return false;
}

/*
 * Check the directory first: Samba's libraries would exit with their own
 * message.
 */
static bool check_directory(const char *what, const char *path)
{
	if (access(path, F_OK) == 0) {
		return true;
	}
	complain("cannot find the %s %s: %s; is this the smb.conf of a Samba "
		 "that runs here?",
		 what, path, strerror(errno));
	return false;
}

bool tool_open(struct tool *tool)
{
	if (geteuid() != 0) {
		complain("cannot use Samba's message bus: only root can; run "
			 "smbdrain as root");
		return false;
	}
	if (!right_samba()) {
		return false;
	}
	if (!conf_load(tool) ||
	    !check_directory("lock directory", lp_lock_directory()) ||
	    !check_directory("state directory", lp_state_directory())) {
		return false;
	}

	caller_allow_many_files();
	if (lp_clustering() && ctdbd_probe(lp_ctdbd_socket(),
					   lp_ctdb_timeout()) != 0) {
		complain("cannot connect to ctdbd at %s: is it running on this "
			 "node, and neither banned nor stopped?",
			 lp_ctdbd_socket());
		return false;
	}

	/* CTDB works only with the global contexts. */
	tool->ev = global_event_context();
	tool->msg_ctx = cmdline_messaging_context(get_dyn_CONFIGFILE());
	if (tool->ev == NULL || tool->msg_ctx == NULL) {
		complain("cannot reach Samba's message bus: does the lock "
			 "directory %s exist?",
			 lp_lock_directory());
		return false;
	}

	if (!nodes_join(tool)) {
		return false;
	}
	tool->store = drain_store_open(tool);
	if (tool->store == NULL) {
		complain("cannot open %s: %s", drain_store_path(),
			 strerror(errno));
		return false;
	}
	tool->locks = drain_locks_open(tool, tool->msg_ctx);
	if (tool->locks == NULL) {
		complain("cannot open g_lock.tdb in %s: %s",
			 lp_lock_directory(), strerror(errno));
		return false;
	}
	return ask_start(tool);
}
