/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Packing and unpacking of what is stored and sent, see drain.idl.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_CODEC_H_
#define _DRAIN_CODEC_H_

#include "drain/address.h"
#include "drain/record.h"
#include "gen_ndr/drain.h"

/* Message types, from a block that Samba does not use (messaging.idl) */
#define MSG_DRAIN_REQUEST 0xDA00 /* tool to smbd */
#define MSG_DRAIN_REPLY 0xDA01 /* smbd to tool */

/** Pack a record. NT_STATUS_NO_MEMORY, or why it can not be packed. */
NTSTATUS drain_record_push(TALLOC_CTX *mem_ctx,
			   const struct drain_record *record,
			   DATA_BLOB *blob);

/**
 * Unpack a record; @blob is not trusted.
 *
 * @return NT_STATUS_INTERNAL_DB_CORRUPTION: damaged or foreign;
 *         NT_STATUS_REVISION_MISMATCH: of another version of ours.
 */
NTSTATUS drain_record_pull(TALLOC_CTX *mem_ctx,
			   const DATA_BLOB *blob,
			   struct drain_record **record);

/** Unpack what came over the bus; same errors. Magic and version checked. */
NTSTATUS drain_request_pull(TALLOC_CTX *mem_ctx,
			    const DATA_BLOB *blob,
			    struct drain_request *request);
NTSTATUS drain_reply_pull(TALLOC_CTX *mem_ctx,
			  const DATA_BLOB *blob,
			  struct drain_reply *reply);

/** Pack and send; magic and version are filled in. */
NTSTATUS drain_request_send(struct messaging_context *msg_ctx,
			    struct server_id dst,
			    const struct drain_request *request);
NTSTATUS drain_reply_send(struct messaging_context *msg_ctx,
			  struct server_id dst,
			  const struct drain_reply *reply);

struct GUID drain_id_to_guid(const struct drain_id *id);
struct drain_id drain_id_from_guid(const struct GUID *guid);

/** A new id. */
struct drain_id drain_id_new(void);

/** Bytes that stand for a string, and the reverse (copied, NUL added). */
DATA_BLOB drain_bytes(const char *s);
char *drain_bytes_string(TALLOC_CTX *mem_ctx, const DATA_BLOB *blob);

/** The addresses of the client of an unpacked holder. NULL: out of memory. */
struct drain_addresses *drain_holder_addresses(
	TALLOC_CTX *mem_ctx, const struct drain_holder *holder);

#endif /* _DRAIN_CODEC_H_ */
