/*
 * drain: take users off a Samba share so that it can be updated
 *
 * For tests: every open waits for some milliseconds, as if for the end of a
 * drain. What clients notice of that beyond the delay is a fault of park.c.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

#define JITTER_MAX_MSEC 5

bool drain_jitter(struct connection_struct *conn,
		  struct smb_request *req,
		  const struct drain_parking *before)
{
	static struct drain_parked *jittered;
	struct timeval now = timeval_current();
	struct timeval until = timeval_add(
		&now, 0, generate_random() % (JITTER_MAX_MSEC * 1000));
	struct deferred_open_record *record = NULL;

	if (before->was_parked ||
	    get_deferred_open_message_state(req, NULL, &record)) {
		return false;
	}
	return drain_park_until(&jittered, conn, req, now, until);
}
