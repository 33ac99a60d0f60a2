// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Recoveries of a cluster.
 *
 * While a node is cut off from the cluster, the others regard its smbds as
 * dead. When it returns, an smbd may be missing from the roster and may have
 * lost its hold locks, and drains may have begun or ended. ctdbd sends its
 * clients a message after each recovery, when the databases are in order again.
 *
 * That message may be received while smbd waits for another answer of ctdbd, in
 * any function. So the work is left to the event loop or to the next open,
 * whichever is first.
 */

#include "module.h"
#include "ctdbd_conn.h"
#include "lib/messages_ctdb.h"
#include "ctdb/include/ctdb_protocol.h"
#include "drain/timeouts.h"
#include "counted.h"
#include "drains.h"
#include "error.h"
#include "process.h"
#include "rejoin.h"

static bool clustered; /* true: registered for recoveries */
static struct tevent_timer *pending; /* NULL: no recovery to handle */

static void rejoin(void);

static void rejoin_fn(struct tevent_context *ev _UNUSED_,
		      struct tevent_timer *te _UNUSED_,
		      struct timeval now _UNUSED_,
		      void *private_data _UNUSED_)
{
	pending = NULL;
	rejoin();
}

static void schedule(struct timeval when)
{
	struct smbd_server_connection *sconn = drain_process_sconn();

	TALLOC_FREE(pending);
	if (sconn == NULL) {
		return; /* this process is not on the roster */
	}
	pending = tevent_add_timer(sconn->ev_ctx, sconn, when, rejoin_fn, NULL);
	if (pending == NULL) {
		drain_error(drain_about_all(),
			    "out of memory after a recovery of the "
			    "cluster");
	}
}

static NTSTATUS take_locks_again(void)
{
	size_t num_unreadable = 0;
	NTSTATUS status;

	status = drain_roster_rejoin(drain_process.locks);
	if (NT_STATUS_IS_OK(status)) {
		status = drain_counted_hold_again();
	}
	if (NT_STATUS_IS_OK(status)) {
		status = drains_sync(&num_unreadable);
	}
	return status;
}

static void rejoin(void)
{
	NTSTATUS status = NT_STATUS_OK;

	TALLOC_FREE(pending);
	if (drain_process.on_roster) {
		become_root();
		status = take_locks_again();
		unbecome_root();
	}
	if (!NT_STATUS_IS_OK(status)) {
		/* A process that waits may have the lock for a moment */
		schedule(timeval_current_ofs_msec(DRAIN_REJOIN_AGAIN_MSEC));
	}
}

/*
 * The message of ctdbd is too late for opens: smbd serves them as soon as the
 * databases are in order. So compare the version of the database.
 */
static bool is_behind(void)
{
	return drain_process.on_roster &&
	       drain_process.version !=
		       drain_store_version(drain_process.store);
}

bool drain_rejoin_if_behind(void)
{
	const bool rejoined = pending != NULL;
	bool behind;

	if (!clustered) {
		return false;
	}
	if (rejoined) {
		rejoin();
	}
	behind = is_behind();
	if (behind) {
		/* The records are valid even if rejoin() did not get a lock */
		(void)drains_catch_up();
	}
	return rejoined || behind;
}

static int recovered(struct tevent_context *ev _UNUSED_,
		     uint32_t src_vnn _UNUSED_,
		     uint32_t dst_vnn _UNUSED_,
		     uint64_t srvid _UNUSED_,
		     const uint8_t *msg _UNUSED_,
		     size_t msglen _UNUSED_,
		     void *private_data _UNUSED_)
{
	schedule(timeval_zero());
	return 0;
}

bool drain_rejoin_register(void)
{
	if (!lp_clustering()) {
		return true;
	}
	clustered = register_with_ctdbd(messaging_ctdb_connection(),
					CTDB_SRVID_RECONFIGURE, recovered,
					NULL) == 0;
	return clustered;
}
