// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deferred opens.
 *
 * smbd can defer an SMB2 CREATE to wait for a lease break, and run it again
 * from the start (source3/smbd/open.c). The module uses that: the client
 * receives STATUS_PENDING, and when the drain ends the open runs again and
 * finds the new version. smbd keeps a deferred_open_record for such an open,
 * and reads nothing of it but whether it is an "async" one. The record of the
 * module has zeros there and is longer: it contains a struct drain_deferred.
 * That identifies an open that runs again, and its destructor runs when smbd
 * drops the record for any reason.
 *
 * smbd searches all requests of a client for a deferred open, the oldest first.
 * So the next one is scheduled when the one before it has run.
 */

#include "module.h"
#include "defer.h"
#include "error.h"
#include "process.h"

/* struct deferred_open_record has some 40 bytes in all versions */
#define FOREIGN_SIZE 128

struct drain_deferred {
	struct drain_deferred *prev, *next;
	struct drain_deferred **list; /* the list it is in; NULL: scheduled */
	struct connection_struct *conn;
	struct smbXsrv_connection *xconn;
	uint64_t mid;
	struct timeval since;
	struct tevent_timer *timer;
};

struct drain_deferred_record {
	uint8_t foreign[FOREIGN_SIZE]; /* what smbd reads */
	struct drain_deferred deferred;
};

static size_t num_deferred; /* including those about to run again */
static struct drain_deferred *returning; /* to schedule, in this order */
static struct tevent_immediate *next_return;
static void (*on_change)(void);

void drain_deferred_on_change(void (*fn)(void))
{
	on_change = fn;
}

static int deferred_record_destructor(struct drain_deferred_record *record)
{
	struct drain_deferred *deferred = &record->deferred;

	if (deferred->list != NULL) {
		DLIST_REMOVE(*deferred->list, deferred);
	}
	num_deferred -= 1;
	on_change();
	return 0;
}

/*
 * Running again
 */

static void return_next(struct tevent_context *ev,
			struct tevent_immediate *im,
			void *private_data _UNUSED_)
{
	struct drain_deferred *deferred = returning;

	if (deferred == NULL) {
		return;
	}
	DLIST_REMOVE(returning, deferred);
	deferred->list = NULL;

	/* Fails if it was cancelled */
	(void)schedule_deferred_open_message_smb(deferred->xconn,
						 deferred->mid);
	if (returning != NULL) {
		tevent_schedule_immediate(im, ev, return_next, NULL);
	}
}

static void let_return(struct drain_deferred *deferred)
{
	TALLOC_FREE(deferred->timer);
	DLIST_REMOVE(*deferred->list, deferred);
	DLIST_ADD_END(returning, deferred);
	deferred->list = &returning;
	tevent_schedule_immediate(next_return, deferred->conn->sconn->ev_ctx,
				  return_next, NULL);
}

void drain_deferred_release(struct drain *drain)
{
	while (drain->deferred != NULL) {
		let_return(drain->deferred);
	}
}

void drain_deferred_release_tree(const struct connection_struct *conn)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		struct drain_deferred *deferred = NULL;
		struct drain_deferred *next = NULL;

		for (deferred = drain->deferred; deferred != NULL;
		     deferred = next) {
			next = deferred->next;
			if (deferred->conn == conn) {
				let_return(deferred);
			}
		}
	}
}

static void timer_fn(struct tevent_context *ev _UNUSED_,
		     struct tevent_timer *te _UNUSED_,
		     struct timeval now _UNUSED_,
		     void *private_data)
{
	struct drain_deferred_record *record = talloc_get_type_abort(
		private_data, struct drain_deferred_record);

	record->deferred.timer = NULL; /* tevent frees it */
	let_return(&record->deferred);
}

/*
 * Deferring
 */

static struct drain_deferred_record *
record_of(struct deferred_open_record *record)
{
	if (record == NULL) {
		return NULL;
	}
	return talloc_get_type((void *)record, struct drain_deferred_record);
}

struct drain_deferral drain_deferral_take(struct smb_request *req)
{
	struct drain_deferral deferral = {.was_deferred = false};
	struct deferred_open_record *state = NULL;
	struct drain_deferred_record *record = NULL;

	if (!get_deferred_open_message_state(req, NULL, &state)) {
		return deferral;
	}
	record = record_of(state);
	if (record == NULL) {
		return deferral; /* deferred by smbd itself */
	}
	deferral.was_deferred = true;
	deferral.since = record->deferred.since;
	remove_deferred_open_message_smb(req->xconn, req->mid);

	/* smbd would count that time as a wait for a lease break */
	req->request_time = timeval_current();
	return deferral;
}

/* smbd would fail or panic with anything but an SMB2 CREATE */
static bool can_be_deferred(const struct smb_request *req)
{
	struct smbd_smb2_request *smb2req = req->smb2req;

	if (smb2req == NULL ||
	    SVAL(SMBD_SMB2_IN_HDR_PTR(smb2req), SMB2_HDR_OPCODE) !=
		    SMB2_OP_CREATE) {
		return false;
	}

	/* smbd_smb2_request_dispatch() asserts this when it runs again */
	return !smb2req->request_counters_updated;
}

static struct drain_deferred_record *new_record(struct connection_struct *conn,
						struct smb_request *req,
						struct timeval since,
						struct timeval until)
{
	struct drain_deferred_record *record = talloc_zero(
		NULL, struct drain_deferred_record);

	if (record == NULL) {
		return NULL;
	}
	record->deferred = (struct drain_deferred){
		.conn = conn,
		.xconn = req->xconn,
		.mid = req->mid,
		.since = since,
	};
	record->deferred.timer = tevent_add_timer(conn->sconn->ev_ctx, record,
						  until, timer_fn, record);
	if (record->deferred.timer == NULL) {
		TALLOC_FREE(record);
	}
	return record;
}

static bool push(struct drain_deferred **list,
		 struct smb_request *req,
		 struct drain_deferred_record *record)
{
	const struct file_id none = {0};

	num_deferred += 1;
	talloc_set_destructor(record, deferred_record_destructor);
	DLIST_ADD_END(*list, &record->deferred);
	record->deferred.list = list;

	if (push_deferred_open_message_smb(
		    req, timeval_zero(), none,
		    (struct deferred_open_record *)(void *)record)) {
		return true;
	}
	TALLOC_FREE(record);
	return false;
}

bool drain_defer_until(struct drain_deferred **list,
		       struct connection_struct *conn,
		       struct smb_request *req,
		       struct timeval since,
		       struct timeval until)
{
	struct timeval now = timeval_current();
	struct drain_deferred_record *record = NULL;

	if (!can_be_deferred(req) || timeval_compare(&now, &until) >= 0) {
		return false;
	}
	if (next_return == NULL) {
		next_return = tevent_create_immediate(NULL);
	}
	if (next_return != NULL) {
		record = new_record(conn, req, since, until);
	}
	if (record == NULL || !push(list, req, record)) {
		drain_error(drain_about_tree(conn),
			    "out of memory for a deferred open");
		return false;
	}
	return true;
}

bool drain_defer(struct drain *drain,
		 struct connection_struct *conn,
		 struct smb_request *req,
		 const struct drain_deferral *before)
{
	const struct drain_policy *policy = &drain->record->policy;
	struct timeval since = before->was_deferred ? before->since
						    : timeval_current();
	struct timeval until = timeval_add(
		&since, policy->hold_timeout / 1000,
		policy->hold_timeout % 1000 * 1000);

	return num_deferred < policy->max_held_opens &&
	       drain_defer_until(&drain->deferred, conn, req, since, until);
}

bool drain_deferred_any(void)
{
	return num_deferred > 0;
}

size_t drain_deferred_count(const struct drain *drain, struct timeval *since)
{
	const struct drain_deferred *deferred = NULL;
	size_t count = 0;

	*since = timeval_zero();
	for (deferred = drain->deferred; deferred != NULL;
	     deferred = deferred->next) {
		if (count == 0 ||
		    timeval_compare(&deferred->since, since) < 0) {
			*since = deferred->since;
		}
		count += 1;
	}
	return count;
}
