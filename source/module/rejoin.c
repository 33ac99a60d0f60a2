/*
 * drain: take users off a Samba share so that it can be updated
 *
 * After a recovery of the cluster. If this node had been cut off, the others
 * took its smbds for dead meanwhile: this one may not be on the roster any more,
 * nor a holder, and does not know of drains that have begun or ended. ctdbd
 * tells its clients of each recovery when the databases are in order again.
 *
 * That message may come while smbd waits for another answer of ctdbd, in the
 * middle of anything: the work is left to the event loop, or to the next open,
 * whichever comes first.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"
#include "ctdbd_conn.h"
#include "lib/messages_ctdb.h"
#include "ctdb/include/ctdb_protocol.h"

#define REJOIN_AGAIN_MSEC 100

static void rejoin_fn(struct tevent_context *ev _UNUSED_,
		      struct tevent_timer *te _UNUSED_,
		      struct timeval now _UNUSED_,
		      void *private_data _UNUSED_)
{
	drain_process.rejoin = NULL;
	drain_rejoin();
}

static void schedule(struct timeval when)
{
	struct drain_process *p = &drain_process;
	struct smbd_server_connection *sconn = drain_process_sconn();

	TALLOC_FREE(p->rejoin);
	if (sconn == NULL) {
		return; /* nobody to serve, and not on the roster */
	}
	p->rejoin = tevent_add_timer(sconn->ev_ctx, sconn, when, rejoin_fn,
				     NULL);
	if (p->rejoin == NULL) {
		drain_process_error(drain_about_all(),
				    "out of memory after a recovery of the "
				    "cluster");
	}
}

static NTSTATUS rejoin(void)
{
	size_t num_unreadable = 0;
	NTSTATUS status;

	status = drain_roster_rejoin(drain_process.locks);
	if (NT_STATUS_IS_OK(status)) {
		status = drains_hold_again();
	}
	if (NT_STATUS_IS_OK(status)) {
		status = drains_sync(&num_unreadable);
	}
	return status;
}

void drain_rejoin(void)
{
	NTSTATUS status = NT_STATUS_OK;

	TALLOC_FREE(drain_process.rejoin);
	if (drain_process.on_roster) {
		become_root();
		status = rejoin();
		unbecome_root();
	}
	if (!NT_STATUS_IS_OK(status)) {
		/* A waiter may have the lock for a moment */
		schedule(timeval_current_ofs_msec(REJOIN_AGAIN_MSEC));
	}
}

/*
 * That ctdbd tells is too late: the databases are in order some time before,
 * and opens are served then. The records say themselves that they are others.
 */
static bool is_behind(void)
{
	return drain_process.on_roster &&
	       drain_process.version !=
		       drain_store_version(drain_process.store);
}

bool drain_rejoin_if_behind(void)
{
	const bool rejoined = drain_process.rejoin != NULL;
	bool behind;

	if (rejoined) {
		drain_rejoin();
	}
	behind = is_behind();
	if (behind) {
		/* Without a lock that a waiter has the records count as well */
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

bool drain_rejoin_hear(void)
{
	if (!lp_clustering()) {
		return true;
	}
	return register_with_ctdbd(messaging_ctdb_connection(),
				   CTDB_SRVID_RECONFIGURE, recovered,
				   NULL) == 0;
}
