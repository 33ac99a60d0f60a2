// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Check of an open by a client while something drains. Before smbd does the
 * open, it is granted, refused or deferred. Afterwards it is checked again, for
 * in a cluster a drain can be armed while the open blocks.
 */

#include "module.h"
#include "libcli/security/security.h"
#include "counted.h"
#include "defer.h"
#include "drains.h"
#include "exempt.h"
#include "locate.h"
#include "log.h"
#include "open.h"
#include "place.h"
#include "process.h"
#include "rejoin.h"

/* In no header of Samba (source3/smbd/posix_acls.c does the same) */
extern const struct generic_mapping file_generic_mapping;

/* The core has the numbers of MS-SMB2 without Samba's headers */
#define DRAIN_SAME(ours, samba) _Static_assert((ours) == (samba), #samba)
DRAIN_SAME(DRAIN_READ_DATA, SEC_FILE_READ_DATA);
DRAIN_SAME(DRAIN_WRITE_DATA, SEC_FILE_WRITE_DATA);
DRAIN_SAME(DRAIN_APPEND_DATA, SEC_FILE_APPEND_DATA);
DRAIN_SAME(DRAIN_READ_EA, SEC_FILE_READ_EA);
DRAIN_SAME(DRAIN_WRITE_EA, SEC_FILE_WRITE_EA);
DRAIN_SAME(DRAIN_EXECUTE, SEC_FILE_EXECUTE);
DRAIN_SAME(DRAIN_DELETE_CHILD, SEC_DIR_DELETE_CHILD);
DRAIN_SAME(DRAIN_READ_ATTRIBUTES, SEC_FILE_READ_ATTRIBUTE);
DRAIN_SAME(DRAIN_WRITE_ATTRIBUTES, SEC_FILE_WRITE_ATTRIBUTE);
DRAIN_SAME(DRAIN_DELETE, SEC_STD_DELETE);
DRAIN_SAME(DRAIN_READ_CONTROL, SEC_STD_READ_CONTROL);
DRAIN_SAME(DRAIN_WRITE_DAC, SEC_STD_WRITE_DAC);
DRAIN_SAME(DRAIN_WRITE_OWNER, SEC_STD_WRITE_OWNER);
DRAIN_SAME(DRAIN_SYNCHRONIZE, SEC_STD_SYNCHRONIZE);
DRAIN_SAME(DRAIN_SYSTEM_SECURITY, SEC_FLAG_SYSTEM_SECURITY);
DRAIN_SAME(DRAIN_MAXIMUM_ALLOWED, SEC_FLAG_MAXIMUM_ALLOWED);
DRAIN_SAME(DRAIN_SUPERSEDE, FILE_SUPERSEDE);
DRAIN_SAME(DRAIN_OPEN, FILE_OPEN);
DRAIN_SAME(DRAIN_CREATE, FILE_CREATE);
DRAIN_SAME(DRAIN_OPEN_IF, FILE_OPEN_IF);
DRAIN_SAME(DRAIN_OVERWRITE, FILE_OVERWRITE);
DRAIN_SAME(DRAIN_OVERWRITE_IF, FILE_OVERWRITE_IF);
DRAIN_SAME(DRAIN_OPTION_DELETE_ON_CLOSE, FILE_DELETE_ON_CLOSE);

/* Tests define it, to defer opens at random (tests/disturb/jitter.c) */
bool drain_jitter(struct connection_struct *conn,
		  struct smb_request *req,
		  const struct drain_deferral *before)
	__attribute__((weak, visibility("hidden")));

/* An open before smbd does it */
struct arrival {
	struct connection_struct *conn;
	struct smb_request *req;
	struct files_struct *dirfsp;
	struct smb_filename *smb_fname;
	struct drain_deferral deferral;
	const struct drain_open *open;
};

/* What the drains of a place say of an open */
struct answer {
	enum drain_verdict verdict;
	struct drain *drain; /* that does not grant it */
	struct drain_grant grant;
};

/*
 * Before
 */

/*
 * smbd may have deferred the open to wait for a lease break, and run it again.
 * Remove that deferral. Otherwise the client never gets an answer (SMB2), or
 * the open is tried again for ever (SMB1, each time with a new request_time).
 */
static void drop_deferral(struct smb_request *req)
{
	struct deferred_open_record *record = NULL;
	struct timeval request_time;

	if (get_deferred_open_message_state(req, &request_time, &record)) {
		req->request_time = request_time;
		remove_deferred_open_message_smb(req->xconn, req->mid);
	}
}

static void close_path(struct files_struct *fsp)
{
	if (fsp == NULL) {
		return;
	}
	if (fsp->base_fsp != NULL) {
		(void)fd_close(fsp->base_fsp);
	}
	(void)fd_close(fsp);
}

/*
 * Close the descriptors by which smbd has found the name. A deferred open
 * needs none until it runs again, and then smbd looks up the name again.
 */
static void forget_path(const struct arrival *a)
{
	close_path(a->smb_fname->fsp);
	close_path(a->dirfsp);
}

/* Test whether the name of an open still leads to what smbd has found */
static bool is_still_there(struct connection_struct *conn,
			   const struct smb_filename *smb_fname)
{
	struct smb_filename *now = NULL;
	bool same;

	if (!VALID_STAT(smb_fname->st)) {
		return true;
	}
	now = synthetic_smb_fname(talloc_tos(), smb_fname->base_name, NULL,
				  NULL, smb_fname->twrp, smb_fname->flags);
	same = now != NULL && SMB_VFS_STAT(conn, now) == 0 &&
	       now->st.st_ex_dev == smb_fname->st.st_ex_dev &&
	       now->st.st_ex_ino == smb_fname->st.st_ex_ino;
	TALLOC_FREE(now);
	return same;
}

static bool defer(const struct arrival *a, struct drain *drain)
{
	drop_deferral(a->req);
	if (!drain_defer(drain, a->conn, a->req, &a->deferral)) {
		return false;
	}
	forget_path(a);
	return true;
}

static NTSTATUS refuse(struct connection_struct *conn,
		       const struct drain_place *place,
		       const struct drain *drain)
{
	const struct drain_record *record = drain->record;
	struct drain_id_buf buf;
	NTSTATUS status = NT_STATUS(record->policy.refuse_status);

	DRAIN_LOG(DBG_NOTICE, drain_about_path(conn, place->name.path),
		  "refused with %s: %s is drained (%s)%s%s", nt_errstr(status),
		  drain_log_text(record->real[0]),
		  drain_id_string(&record->id, &buf),
		  record->reason[0] != '\0' ? ": " : "",
		  drain_log_text(record->reason));
	return status;
}

/*
 * Judge an open by one drain. @opened is the handle if smbd has done the open,
 * since it may count already; else NULL.
 */
static enum drain_verdict judge(const struct connection_struct *conn,
				const struct drain *drain,
				const struct drain_open *open,
				const struct files_struct *opened,
				struct drain_grant *grant)
{
	const struct drain_policy *policy = &drain->record->policy;
	struct drain_open listing = *open;
	enum drain_verdict verdict;

	grant->no_caches = true;
	if (drain_is_exempt(conn, conn->vuid, policy) ||
	    drain_client_has_grace(drain, opened)) {
		grant->count = true;
		return DRAIN_GRANT;
	}

	if (open->directory) {
		listing.access = drain_access_to_list(open->access);
		grant->list_only |= listing.access != open->access;
	}
	verdict = drain_open_verdict(policy, &listing);
	if (verdict == DRAIN_HOLD && drain->num_counted > 0) {
		/* The client would wait for its own handles */
		verdict = DRAIN_REFUSE;
	}
	return verdict;
}

/* Judge an open by all drains of its place: the strictest one decides */
static struct answer ask_drains(struct connection_struct *conn,
				struct drain_place *place,
				const struct drain_open *open)
{
	struct answer answer = {.verdict = DRAIN_GRANT};
	struct drain *drain = NULL;

	while (answer.verdict != DRAIN_REFUSE &&
	       (drain = drain_place_next(place)) != NULL) {
		enum drain_verdict v = judge(conn, drain, open, NULL,
					     &answer.grant);

		if (v != DRAIN_GRANT && v >= answer.verdict) {
			answer.verdict = v;
			answer.drain = drain;
		}
	}
	if (open->directory && drain_place_above(place)) {
		answer.grant.no_caches = true; /* its entries will change */
	}
	return answer;
}

/* Read the drains, and judge again until none that refuses has ended */
static struct answer ask_current_drains(struct connection_struct *conn,
					struct drain_place *place,
					const struct drain_open *open)
{
	for (;;) {
		struct answer answer;
		bool caught_up = drains_catch_up();

		drain_place_rewind(place);
		answer = ask_drains(conn, place, open);
		if (!caught_up || answer.verdict == DRAIN_GRANT ||
		    drain_is_in_force(answer.drain)) {
			return answer;
		}
	}
}

/*
 * A drain has ended without a message. A new version may have been published
 * since smbd looked up the name, so run the open again. If it cannot be
 * deferred, judge it by the drains in force.
 */
static NTSTATUS ask_after_end(const struct arrival *a,
			      struct drain_place *place,
			      struct answer *answer)
{
	if (defer(a, answer->drain)) {
		/* This ends the deferral at once */
		(void)drains_catch_up();
		return NT_STATUS_SHARING_VIOLATION;
	}
	*answer = ask_current_drains(a->conn, place, a->open);
	if (answer->verdict == DRAIN_GRANT &&
	    !is_still_there(a->conn, a->smb_fname)) {
		return NT_STATUS_SHARING_VIOLATION;
	}
	return NT_STATUS_OK;
}

static NTSTATUS ask_gate(const struct arrival *a, struct drain_grant *grant)
{
	struct drain_place place;
	struct answer answer;
	NTSTATUS status = NT_STATUS_OK;

	if (!drain_place_of_open(&place, a->conn, a->dirfsp, a->smb_fname)) {
		drop_deferral(a->req);
		return NT_STATUS_OBJECT_NAME_INVALID;
	}
	answer = ask_drains(a->conn, &place, a->open);
	if (answer.verdict == DRAIN_GRANT && drain_rejoin_if_behind()) {
		drain_place_rewind(&place);
		answer = ask_drains(a->conn, &place, a->open);
	}
	if (answer.verdict != DRAIN_GRANT && !drain_is_in_force(answer.drain)) {
		status = ask_after_end(a, &place, &answer);
	}
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	if (answer.verdict == DRAIN_GRANT) {
		*grant = answer.grant;
		return NT_STATUS_OK;
	}
	if (answer.verdict == DRAIN_HOLD && defer(a, answer.drain)) {
		return NT_STATUS_SHARING_VIOLATION;
	}
	drop_deferral(a->req);
	return refuse(a->conn, &place, answer.drain);
}

bool drain_open_checks_all(void)
{
	return drain_jitter != NULL;
}

NTSTATUS drain_open_check(struct connection_struct *conn,
			  struct smb_request *req,
			  struct files_struct *dirfsp,
			  struct smb_filename *smb_fname,
			  const struct drain_open *open,
			  struct drain_grant *grant)
{
	const struct arrival a = {
		.conn = conn,
		.req = req,
		.dirfsp = dirfsp,
		.smb_fname = smb_fname,
		.deferral = drain_deferral_take(req),
		.open = open,
	};

	if (drain_jitter != NULL && drain_jitter(conn, req, &a.deferral)) {
		forget_path(&a);
		return NT_STATUS_SHARING_VIOLATION;
	}
	if (drain_process.drains == NULL) {
		(void)drain_rejoin_if_behind();
	}
	if (drain_process.drains == NULL) {
		return NT_STATUS_OK; /* the last drain has ended */
	}
	return ask_gate(&a, grant);
}

struct drain_open drain_open_describe(const struct smb_filename *smb_fname,
				      uint32_t access_mask,
				      uint32_t create_disposition,
				      uint32_t create_options)
{
	bool exists = VALID_STAT(smb_fname->st);
	bool directory = create_options & FILE_DIRECTORY_FILE;

	if (exists) {
		directory = S_ISDIR(smb_fname->st.st_ex_mode);
	}
	se_map_generic(&access_mask, &file_generic_mapping);

	return (struct drain_open) {
		.exists = exists,
		.directory = directory && !is_named_stream(smb_fname),
		.snapshot = exists && drain_locate_is_snapshot(smb_fname->fsp,
							       smb_fname),
		.access = access_mask,
		.disposition = create_disposition,
		.options = create_options,
	};
}

/*
 * Afterwards
 */

/* Return a drain that was armed before smbd did the open and forbids it */
static const struct drain *armed_before(const struct files_struct *fsp,
					struct drain_place *place,
					const struct drain_open *open)
{
	struct drain_grant grant = {.no_caches = false};
	struct drain *drain = NULL;

	while ((drain = drain_place_next(place)) != NULL) {
		/* An arming one waits until this smbd acknowledges it */
		if (drain->record->state != DRAIN_ARMING &&
		    judge(fsp->conn, drain, open, fsp, &grant) != DRAIN_GRANT) {
			break;
		}
	}
	return drain;
}

/*
 * An open can block while its node is cut off from the cluster. A drain may
 * have been armed by then, so close the file if it must not be open.
 */
static NTSTATUS recheck_drains(struct connection_struct *conn,
			       struct smb_request *req,
			       const struct drain_open *open,
			       struct files_struct **fsp)
{
	struct drain_place place;
	const struct drain *drain = NULL;
	NTSTATUS status;

	if (!drain_rejoin_if_behind() || drain_process.drains == NULL ||
	    !drain_place_of_handle(&place, *fsp)) {
		return NT_STATUS_OK;
	}
	drain = armed_before(*fsp, &place, open);
	if (drain == NULL) {
		return NT_STATUS_OK;
	}
	status = refuse(conn, &place, drain);
	(void)close_file_free(req, fsp, ERROR_CLOSE);
	return status;
}

NTSTATUS drain_open_recheck(struct connection_struct *conn,
			    struct smb_request *req,
			    const struct drain_open *open,
			    const struct drain_grant *grant,
			    struct files_struct **fsp)
{
	NTSTATUS status = recheck_drains(conn, req, open, fsp);

	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	if (grant->list_only) {
		(*fsp)->access_mask &= DRAIN_LISTING;
	}
	if (grant->count) {
		drain_counted_opened(*fsp);
	}
	return NT_STATUS_OK;
}
