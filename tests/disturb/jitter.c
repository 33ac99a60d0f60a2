// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Linked into the module that ./waf disturb uses, never into the one that is
 * installed: defers every open for some milliseconds, as if a drain held it.
 * If a client sees more than the delay, there is a fault in defer.c.
 */

#include "module.h"
#include "defer.h"

bool drain_jitter(struct connection_struct *conn,
		  struct smb_request *req,
		  const struct drain_deferral *before);

#define JITTER_MAX_MSEC 5

bool drain_jitter(struct connection_struct *conn,
		  struct smb_request *req,
		  const struct drain_deferral *before)
{
	static struct drain_deferred *deferred;
	struct timeval now = timeval_current();
	struct timeval until = timeval_add(
		&now, 0, generate_random() % (JITTER_MAX_MSEC * 1000));
	struct deferred_open_record *record = NULL;

	if (before->was_deferred ||
	    get_deferred_open_message_state(req, NULL, &record)) {
		return false;
	}
	return drain_defer_until(&deferred, conn, req, now, until);
}
