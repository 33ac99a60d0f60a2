/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Opens that wait.
 *
 * smbd can put an SMB2 CREATE off, to wait for a lease break, and dispatch it
 * again from the start (source3/smbd/open.c). We use the same: the client is
 * told STATUS_PENDING, and when the drain ends the open comes again and finds
 * the new content. What smbd keeps of such an open is a deferred_open_record,
 * of which it looks at nothing but whether it is an "async" one. Ours is all
 * zero there, longer, and carries a struct drain_parked: that is how an open
 * that comes again is known at once, and how we learn that it is gone,
 * whatever ended it.
 *
 * An open on its way back is scheduled when the one before it has come: smbd
 * searches all of a client's requests for it, the oldest first.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

/* struct deferred_open_record has some 40 bytes in all versions */
#define FOREIGN_SIZE 128

struct drain_parked {
	struct drain_parked *prev, *next;
	struct drain_parked **list; /* that it is in; NULL: scheduled */
	struct connection_struct *conn;
	struct smbXsrv_connection *xconn;
	uint64_t mid;
	struct timeval since;
	struct tevent_timer *timer;
};

struct parked_record {
	uint8_t foreign[FOREIGN_SIZE]; /* what smbd looks at */
	struct drain_parked parked;
};

static size_t num_parked; /* all that there are */
static struct drain_parked *returning; /* to be scheduled, in this order */
static struct tevent_immediate *next_return;

static int parked_record_destructor(struct parked_record *record)
{
	struct drain_parked *parked = &record->parked;

	if (parked->list != NULL) {
		DLIST_REMOVE(*parked->list, parked);
	}
	num_parked -= 1;
	drain_vfs_hook_opens();
	return 0;
}

/*
 * The way back
 */

static void return_next(struct tevent_context *ev,
			struct tevent_immediate *im,
			void *private_data _UNUSED_)
{
	struct drain_parked *parked = returning;

	if (parked == NULL) {
		return;
	}
	DLIST_REMOVE(returning, parked);
	parked->list = NULL;

	/* It may have been cancelled: then there is nothing to schedule */
	(void)schedule_deferred_open_message_smb(parked->xconn, parked->mid);
	if (returning != NULL) {
		tevent_schedule_immediate(im, ev, return_next, NULL);
	}
}

static void let_return(struct drain_parked *parked)
{
	TALLOC_FREE(parked->timer);
	DLIST_REMOVE(*parked->list, parked);
	DLIST_ADD_END(returning, parked);
	parked->list = &returning;
	tevent_schedule_immediate(next_return, parked->conn->sconn->ev_ctx,
				  return_next, NULL);
}

void drain_park_release(struct drain *drain)
{
	while (drain->parked != NULL) {
		let_return(drain->parked);
	}
}

void drain_park_release_tree(const struct connection_struct *conn)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		struct drain_parked *parked = NULL;
		struct drain_parked *next = NULL;

		for (parked = drain->parked; parked != NULL; parked = next) {
			next = parked->next;
			if (parked->conn == conn) {
				let_return(parked);
			}
		}
	}
}

static void timer_fn(struct tevent_context *ev _UNUSED_,
		     struct tevent_timer *te _UNUSED_,
		     struct timeval now _UNUSED_,
		     void *private_data)
{
	struct parked_record *record = talloc_get_type_abort(
		private_data, struct parked_record);

	record->parked.timer = NULL; /* tevent frees it */
	let_return(&record->parked);
}

/*
 * Parking
 */

static struct parked_record *record_of(struct deferred_open_record *record)
{
	if (record == NULL) {
		return NULL;
	}
	return talloc_get_type((void *)record, struct parked_record);
}

struct drain_parking drain_park_take_back(struct smb_request *req)
{
	struct drain_parking parking = {.was_parked = false};
	struct deferred_open_record *deferred = NULL;
	struct parked_record *record = NULL;

	if (!get_deferred_open_message_state(req, NULL, &deferred)) {
		return parking;
	}
	record = record_of(deferred);
	if (record == NULL) {
		return parking; /* put off by smbd itself */
	}
	parking.was_parked = true;
	parking.since = record->parked.since;
	remove_deferred_open_message_smb(req->xconn, req->mid);

	/* smbd would count the time that it was parked as waited for a lease */
	req->request_time = timeval_current();
	return parking;
}

/* Of anything but an SMB2 CREATE smbd would make a mess, or panic */
static bool can_be_parked(const struct smb_request *req)
{
	struct smbd_smb2_request *smb2req = req->smb2req;

	if (smb2req == NULL ||
	    SVAL(SMBD_SMB2_IN_HDR_PTR(smb2req), SMB2_HDR_OPCODE) !=
		    SMB2_OP_CREATE) {
		return false;
	}

	/* smbd_smb2_request_dispatch() asserts that it is not set */
	return !smb2req->request_counters_updated;
}

static struct parked_record *new_record(struct connection_struct *conn,
					struct smb_request *req,
					struct timeval since,
					struct timeval until)
{
	struct parked_record *record = talloc_zero(NULL, struct parked_record);

	if (record == NULL) {
		return NULL;
	}
	record->parked = (struct drain_parked) {
		.conn = conn,
		.xconn = req->xconn,
		.mid = req->mid,
		.since = since,
	};
	record->parked.timer = tevent_add_timer(
		conn->sconn->ev_ctx, record, until, timer_fn, record);
	if (record->parked.timer == NULL) {
		TALLOC_FREE(record);
	}
	return record;
}

static bool push(struct drain_parked **list,
		 struct smb_request *req,
		 struct parked_record *record)
{
	const struct file_id none = {0};

	num_parked += 1;
	talloc_set_destructor(record, parked_record_destructor);
	DLIST_ADD_END(*list, &record->parked);
	record->parked.list = list;

	if (push_deferred_open_message_smb(
		    req, timeval_zero(), none,
		    (struct deferred_open_record *)(void *)record)) {
		return true;
	}
	TALLOC_FREE(record);
	return false;
}

bool drain_park_until(struct drain_parked **list,
		      struct connection_struct *conn,
		      struct smb_request *req,
		      struct timeval since,
		      struct timeval until)
{
	struct timeval now = timeval_current();
	struct parked_record *record = NULL;

	if (!can_be_parked(req) || timeval_compare(&now, &until) >= 0) {
		return false;
	}
	if (next_return == NULL) {
		next_return = tevent_create_immediate(NULL);
	}
	if (next_return != NULL) {
		record = new_record(conn, req, since, until);
	}
	if (record == NULL || !push(list, req, record)) {
		drain_process_error(drain_about_tree(conn),
				    "out of memory for an open that waits");
		return false;
	}
	return true;
}

bool drain_park(struct drain *drain,
		struct connection_struct *conn,
		struct smb_request *req,
		const struct drain_parking *before)
{
	const struct drain_policy *policy = &drain->record->policy;
	struct timeval since = before->was_parked ? before->since
						  : timeval_current();
	struct timeval until = timeval_add(
		&since, policy->hold_timeout / 1000,
		policy->hold_timeout % 1000 * 1000);

	return num_parked < policy->max_held_opens &&
	       drain_park_until(&drain->parked, conn, req, since, until);
}

bool drain_park_any(void)
{
	return num_parked > 0;
}

size_t drain_park_count(const struct drain *drain, struct timeval *since)
{
	const struct drain_parked *parked = NULL;
	size_t count = 0;

	*since = timeval_zero();
	for (parked = drain->parked; parked != NULL; parked = parked->next) {
		if (count == 0 ||
		    timeval_compare(&parked->since, since) < 0) {
			*since = parked->since;
		}
		count += 1;
	}
	return count;
}
