// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Packing and unpacking of records and messages, see drain.idl.
 */

#ifndef _DRAIN_CODEC_H_
#define _DRAIN_CODEC_H_

#include "drain/address.h"
#include "drain/record.h"
#include "gen_ndr/drain.h"

/* Message types, from a block that Samba does not use (messaging.idl) */
#define MSG_DRAIN_REQUEST 0xDA00 /* tool to smbd */
#define MSG_DRAIN_REPLY 0xDA01 /* smbd to tool */

/** Pack a record. Fails if it is invalid or memory is short. */
NTSTATUS drain_record_push(TALLOC_CTX *mem_ctx,
			   const struct drain_record *record,
			   DATA_BLOB *blob);

/**
 * Unpack a record. @blob is untrusted.
 *
 * @return NT_STATUS_INTERNAL_DB_CORRUPTION: it is damaged, or no record;
 *         NT_STATUS_REVISION_MISMATCH: it is from another version of drain.
 */
NTSTATUS drain_record_pull(TALLOC_CTX *mem_ctx,
			   const DATA_BLOB *blob,
			   struct drain_record **record);

/** Unpack a message, with the same errors. Magic and version are checked. */
NTSTATUS drain_request_pull(TALLOC_CTX *mem_ctx,
			    const DATA_BLOB *blob,
			    struct drain_request *request);
NTSTATUS drain_reply_pull(TALLOC_CTX *mem_ctx,
			  const DATA_BLOB *blob,
			  struct drain_reply *reply);

/** Pack a message with magic and version, and send it. */
NTSTATUS drain_request_send(struct messaging_context *msg_ctx,
			    struct server_id dst,
			    const struct drain_request *request);
NTSTATUS drain_reply_send(struct messaging_context *msg_ctx,
			  struct server_id dst,
			  const struct drain_reply *reply);

/** Convert an id between the core and NDR. */
struct GUID drain_id_to_guid(const struct drain_id *id);
struct drain_id drain_id_from_guid(const struct GUID *guid);

/** Create a random id. */
struct drain_id drain_id_new(void);

/** Convert a string to bytes (not copied), and back (copied, NUL added). */
DATA_BLOB drain_bytes(const char *s);
char *drain_bytes_string(TALLOC_CTX *mem_ctx, const DATA_BLOB *blob);

/** Return the client addresses of an unpacked holder. NULL: out of memory. */
struct drain_addresses *drain_holder_addresses(
	TALLOC_CTX *mem_ctx, const struct drain_holder *holder);

#endif /* _DRAIN_CODEC_H_ */
