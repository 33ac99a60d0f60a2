// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Make every smbd read smb.conf after a change.
 *
 * An smbd checks smb.conf every three minutes, or on request. Until
 * then it serves a share that has just got the module without it. An smbd that
 * gets the request and then answers a ping has read smb.conf, since messages
 * are handled in order.
 *
 * Where a file that smb.conf includes depends on the client (%m) it is not
 * known when it was changed, and a change of smb.conf on another node of a
 * cluster is not visible here. There all smbds reload each time.
 */

#include "smbd/reload.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
#include "librpc/gen_ndr/smbXsrv.h"
#include "drain/alive.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf_files.h"
#include "samba/nodes.h"
#include "samba/parents.h"

#define RELOAD_YOUNG_SECONDS 240 /* longer than SMBD_HOUSEKEEPING_INTERVAL */
#define RELOAD_AGAIN_MSEC 500

/* smbds that must answer */
struct reload {
	struct tool *tool;
	struct server_id *smbds;
	size_t num_smbds;
	bool nomem;
};

static bool changed_since_start(const struct timespec *changed)
{
	char *pidfile = talloc_asprintf(talloc_tos(), "%s/smbd.pid",
					lp_pid_directory());
	struct stat st;

	return pidfile == NULL || stat(pidfile, &st) != 0 ||
	       timespec_compare(changed, &st.st_mtim) >= 0;
}

static bool smbconf_is_young(const struct tool *tool)
{
	struct timespec changed;

	return lp_clustering() || !conf_files_changed(tool->conf, &changed) ||
	       (changed.tv_sec + RELOAD_YOUNG_SECONDS > time(NULL) &&
		changed_since_start(&changed));
}

static void drop_smbd(struct reload *r, size_t i)
{
	r->num_smbds -= 1;
	r->smbds[i] = r->smbds[r->num_smbds];
}

static void add_smbd(struct reload *r, const struct server_id *id)
{
	struct server_id *smbds = NULL;

	if (r->num_smbds > 0 &&
	    server_id_equal(&r->smbds[r->num_smbds - 1], id)) {
		return;
	}
	smbds = talloc_realloc(r, r->smbds, struct server_id,
			       r->num_smbds + 1);
	if (smbds == NULL) {
		r->nomem = true;
		return;
	}
	smbds[r->num_smbds] = *id;
	r->smbds = smbds;
	r->num_smbds += 1;
}

static int session_fn(DRAIN_SESSION_GLOBAL *session, void *private_data)
{
	struct reload *r = private_data;

	if (session->num_channels > 0) {
		add_smbd(r, &session->channels[0].server_id);
	}
	return r->nomem ? -1 : 0;
}

/* Remove all entries of the smbd: one process can serve several sessions. */
static void receive_pong(struct messaging_context *msg_ctx _UNUSED_,
			 void *private_data,
			 uint32_t msg_type _UNUSED_,
			 struct server_id src,
			 DATA_BLOB *data _UNUSED_)
{
	struct reload *r = private_data;
	size_t i = 0;

	while (i < r->num_smbds) {
		if (r->smbds[i].pid == src.pid && r->smbds[i].vnn == src.vnn) {
			drop_smbd(r, i);
		} else {
			i += 1;
		}
	}
}

static void ping_all(struct reload *r)
{
	size_t i = 0;

	while (i < r->num_smbds) {
		if (!drain_is_alive(&r->smbds[i])) {
			drop_smbd(r, i);
			continue;
		}
		(void)messaging_send(r->tool->msg_ctx, r->smbds[i], MSG_PING,
				     &data_blob_null);
		i += 1;
	}
}

/* Wait until all have answered. Return false at the deadline. */
static bool await_pongs(struct reload *r, uint64_t deadline)
{
	while (r->num_smbds > 0 && !tool_is_late(deadline) &&
	       r->tool->stop_signal == 0) {
		struct tevent_req *tick = NULL;

		ping_all(r);
		tick = tevent_wakeup_send(
			r, r->tool->ev,
			tool_until(deadline, RELOAD_AGAIN_MSEC));
		if (tick == NULL) {
			return false;
		}
		while (r->num_smbds > 0 && r->tool->stop_signal == 0 &&
		       tevent_req_is_in_progress(tick)) {
			if (tevent_loop_once(r->tool->ev) != 0) {
				return false;
			}
		}
		TALLOC_FREE(tick);
	}
	return r->num_smbds == 0;
}

static void complain_of_silence(const struct reload *r)
{
	size_t i;

	for (i = 0; i < r->num_smbds; i++) {
		complain("smbd %s has not read the new smb.conf: see what it "
			 "is doing, or end it with kill",
			 show_server(r->smbds[i]));
	}
}

/*
 * Send the message to all smbds if inetd starts one for each client, because
 * then no parent passes it on. An smbd without a session reads smb.conf when it
 * gets one (smb2_sesssetup.c).
 */
static void tell_orphans(struct reload *r)
{
	struct server_id own;

	if (!parents_own(&own)) {
		messaging_send_all(r->tool->msg_ctx, MSG_SMB_CONF_UPDATED,
				   NULL, 0);
	}
}

/*
 * Make the parents reload smb.conf. A parent passes the message on to its
 * children before it answers.
 */
static bool reload_parents(struct reload *r, uint64_t deadline)
{
	struct parent_list *parents = parents_find(r);
	size_t i;

	if (parents == NULL) {
		return false;
	}
	if (lp_clustering()) {
		/* The table can be incomplete, see parents.c. */
		messaging_send_all(r->tool->msg_ctx, MSG_SMB_CONF_UPDATED,
				   NULL, 0);
	}
	for (i = 0; i < parents->num_ids; i++) {
		(void)messaging_send(r->tool->msg_ctx, parents->ids[i],
				     MSG_SMB_CONF_UPDATED, &data_blob_null);
		/* A node that is out serves no new clients. */
		if (!nodes_is_out(parents->ids[i].vnn)) {
			add_smbd(r, &parents->ids[i]);
		}
	}
	return !r->nomem && await_pongs(r, deadline);
}

static bool reload_children(struct reload *r, uint64_t deadline)
{
	NTSTATUS status;

	status = smbXsrv_session_global_traverse(session_fn, r);
	if (!NT_STATUS_IS_OK(status) || r->nomem) {
		complain("cannot read Samba's table of sessions: %s",
			 r->nomem ? "out of memory" : nt_errstr(status));
		return false;
	}
	return await_pongs(r, deadline);
}

bool reload_if_changed(struct tool *tool, uint64_t deadline)
{
	struct reload *r = NULL;
	NTSTATUS status;
	bool ok;

	if (!smbconf_is_young(tool)) {
		return true;
	}
	r = talloc_zero(tool, struct reload);
	if (r == NULL) {
		complain("out of memory");
		return false;
	}
	r->tool = tool;
	status = messaging_register(tool->msg_ctx, r, MSG_PONG, receive_pong);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot receive messages from smbds: %s",
			 nt_errstr(status));
		TALLOC_FREE(r);
		return false;
	}
	tell_orphans(r);
	ok = reload_parents(r, deadline) && reload_children(r, deadline);
	if (!ok) {
		complain_of_silence(r);
	}
	messaging_deregister(tool->msg_ctx, MSG_PONG, r);
	TALLOC_FREE(r);
	return ok;
}
