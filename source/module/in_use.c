// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Handles that the client's requests in progress use.
 *
 * smbd keeps a request in several lists, and for some time in none. In all
 * releases a request is a talloc child of its connection until its memory is
 * freed, so the requests are found there. A request uses
 *
 * - the handle that it names: smbd notes that in compat_chain_fsp;
 * - if it is an IOCTL, another handle whose file id is in its input: the source
 *   of a copy within the server;
 * - if it is a READ whose data smbd sends with sendfile(2), the handle, after
 *   the answer until the memory is freed.
 *
 * docs/forced-close.md covers all kinds of requests.
 */

#include "module.h"
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include "in_use.h"

/* The other file id is in the first 16 to 24 bytes of all known IOCTLs */
#define INPUT_LOOKED_AT 256

struct walk {
	drain_use_fn fn;
	void *private_data;
};

static uint16_t opcode_of(const struct smbd_smb2_request *smb2req)
{
	return SVAL(SMBD_SMB2_IN_HDR_PTR(smb2req), SMB2_HDR_OPCODE);
}

/* smbd sets this when a request is not in progress any more */
static bool is_answered(const struct smbd_smb2_request *smb2req)
{
	return smb2req->queue_entry.mem_ctx != NULL;
}

static bool waits_for_sendfile(const struct smbd_smb2_request *smb2req)
{
	return smb2req->queue_entry.sendfile_header != NULL;
}

/* Test whether a request has been received as a whole */
static bool is_complete(const struct smbd_smb2_request *smb2req)
{
	return smb2req->in.vector != NULL &&
	       smb2req->current_idx > 0 &&
	       smb2req->current_idx + SMBD_SMB2_DYN_IOV_OFS <
		       smb2req->in.vector_count;
}

/*
 * Test for requests that a close does not need to wait for. CREATE does not use
 * the handle of the request before it in a compound, and the close answers
 * CHANGE_NOTIFY.
 */
static bool outlives_its_handle(uint16_t opcode)
{
	return opcode == SMB2_OP_CREATE || opcode == SMB2_OP_NOTIFY;
}

static void visit_request(const struct walk *walk,
			  struct smbd_smb2_request *smb2req)
{
	struct drain_use use = {.fsp = smb2req->compat_chain_fsp};
	uint16_t opcode;

	use.sends = waits_for_sendfile(smb2req);
	if (use.sends) {
		walk->fn(&use, walk->private_data);
		return;
	}
	if (is_answered(smb2req) || !is_complete(smb2req)) {
		return;
	}
	opcode = opcode_of(smb2req);
	if (outlives_its_handle(opcode)) {
		return;
	}
	use.writes = opcode == SMB2_OP_WRITE;
	if (opcode == SMB2_OP_IOCTL) {
		use.input = data_blob_const(
			SMBD_SMB2_IN_DYN_PTR(smb2req),
			MIN(SMBD_SMB2_IN_DYN_LEN(smb2req), INPUT_LOOKED_AT));
	}
	walk->fn(&use, walk->private_data);
}

static void visit_child(const void *ptr,
			int depth,
			int max_depth _UNUSED_,
			int is_ref,
			void *private_data)
{
	struct smbd_smb2_request *smb2req = NULL;

	if (depth == 1 && !is_ref) {
		smb2req = talloc_get_type(ptr, struct smbd_smb2_request);
	}
	if (smb2req != NULL) {
		visit_request(private_data, smb2req);
	}
}

static struct smbXsrv_connection *connections_of(
	const struct smbd_server_connection *sconn)
{
	return sconn->client != NULL ? sconn->client->connections : NULL;
}

void drain_uses_forall(const struct smbd_server_connection *sconn,
		       drain_use_fn fn,
		       void *private_data)
{
	struct walk walk = {.fn = fn, .private_data = private_data};
	struct smbXsrv_connection *xconn = NULL;

	for (xconn = connections_of(sconn); xconn != NULL;
	     xconn = xconn->next) {
		talloc_report_depth_cb(xconn, 0, 1, visit_child, &walk);
	}
}

/* Test whether the input of an IOCTL has a file id, or a resume key with it */
static bool has_file_id(DATA_BLOB input, const struct files_struct *fsp)
{
	uint8_t file_id[16];

	SBVAL(file_id, 0, fsp->op->global->open_persistent_id);
	SBVAL(file_id, 8, fsp->op->global->open_volatile_id);
	return input.length >= sizeof(file_id) &&
	       memmem(input.data, input.length, file_id, sizeof(file_id)) !=
		       NULL;
}

bool drain_use_is_of(const struct drain_use *use,
		     const struct files_struct *fsp)
{
	return use->fsp == fsp || has_file_id(use->input, fsp);
}

/* Clients that take no data */

static bool has_use_of_sendfile(const struct smbXsrv_connection *xconn)
{
	const struct smbd_smb2_send_queue *entry = NULL;

	for (entry = xconn->smb2.send_queue; entry != NULL;
	     entry = entry->next) {
		if (entry->sendfile_header != NULL) {
			return true;
		}
	}
	return false;
}

/* Return the bytes that are left of the response being sent */
static size_t unsent(const struct smbd_smb2_send_queue *entry)
{
	size_t size = 0;
	int i;

	for (i = 0; i < entry->count; i++) {
		size += entry->vector[i].iov_len;
	}
	return size;
}

/* Return a number that changes when data is sent or acknowledged */
static uint64_t progress_of(const struct smbXsrv_connection *xconn)
{
	int in_kernel = 0;

	(void)ioctl(xconn->transport.sock, SIOCOUTQ, &in_kernel);
	return ((uint64_t)xconn->smb2.send_queue_len << 48) +
	       ((uint64_t)unsent(xconn->smb2.send_queue) << 24) +
	       (uint64_t)in_kernel;
}

bool drain_sends_nothing(const struct smbd_server_connection *sconn,
			 uint64_t *progress)
{
	const struct smbXsrv_connection *xconn = NULL;
	uint64_t now = 0;
	bool same;

	for (xconn = connections_of(sconn); xconn != NULL;
	     xconn = xconn->next) {
		if (has_use_of_sendfile(xconn)) {
			now += progress_of(xconn);
		}
	}
	same = now == *progress;
	*progress = now;
	return now != 0 && same;
}

/*
 * When smbd frees the connection it sends the READ data left in the queue, from
 * handles that are closed by then (smb2_read.c, 4.17 to 4.24). So remove
 * that data first, the way smbd does it after a client has disconnected.
 */
static void drop_sendfiles(struct smbXsrv_connection *xconn)
{
	struct smbd_smb2_send_queue *entry = NULL;
	struct smbd_smb2_send_queue *next = NULL;
	NTSTATUS status;

	for (entry = xconn->smb2.send_queue; entry != NULL; entry = next) {
		next = entry->next;
		if (entry->sendfile_header == NULL) {
			continue;
		}
		entry->sendfile_status = &status;
		DLIST_REMOVE(xconn->smb2.send_queue, entry);
		xconn->smb2.send_queue_len -= 1;
		talloc_free(entry->mem_ctx);
	}
}

void drain_hang_up(const struct smbd_server_connection *sconn)
{
	struct smbXsrv_connection *xconn = NULL;

	for (xconn = connections_of(sconn); xconn != NULL;
	     xconn = xconn->next) {
		if (has_use_of_sendfile(xconn) &&
		    shutdown(xconn->transport.sock, SHUT_RDWR) == 0) {
			drop_sendfiles(xconn);
		}
	}
}
