/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Messages between tools and smbds, of both directions.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "drain/samba_compat.h"
#include "drain/codec.h"
#include "gen_ndr/ndr_drain.h"
#include "fuzz.h"

/* What an array of the allowed length takes, before its elements are there */
#define MEMORY_MAX(size) (2 * 1024 * 1024 + 64 * (size))

static DATA_BLOB packed(TALLOC_CTX *mem_ctx,
			const void *value,
			ndr_push_flags_fn_t push)
{
	DATA_BLOB blob;

	CHECK(NDR_ERR_CODE_IS_SUCCESS(
		ndr_push_struct_blob(&blob, mem_ctx, value, push)));
	return blob;
}

/* The string is as long as the bytes, or a NUL ends it */
static void check_bytes(TALLOC_CTX *mem_ctx, const DATA_BLOB *blob)
{
	const char *text = drain_bytes_string(mem_ctx, blob);
	size_t len;

	CHECK(text != NULL);
	len = strlen(text);
	CHECK(len <= blob->length);
	CHECK(len == 0 || memcmp(text, blob->data, len) == 0);
}

static void check_request(TALLOC_CTX *mem_ctx, const DATA_BLOB *blob)
{
	const ndr_push_flags_fn_t push =
		(ndr_push_flags_fn_t)ndr_push_drain_request;
	struct drain_request request;
	struct drain_request again;
	DATA_BLOB bytes;
	DATA_BLOB repacked;
	size_t i;

	if (!NT_STATUS_IS_OK(drain_request_pull(mem_ctx, blob, &request))) {
		return;
	}
	bytes = packed(mem_ctx, &request, push);
	CHECK(bytes.length == blob->length);
	CHECK(NT_STATUS_IS_OK(drain_request_pull(mem_ctx, &bytes, &again)));
	repacked = packed(mem_ctx, &again, push);
	CHECK(data_blob_cmp(&bytes, &repacked) == 0);

	switch (request.ask) {
	case DRAIN_ASK_APPLY:
		break;
	case DRAIN_ASK_HOLDERS:
		CHECK(request.body.holders.num_real >= 1);
		CHECK(request.body.holders.num_real <= DRAIN_MAX_REAL);
		for (i = 0; i < request.body.holders.num_real; i++) {
			check_bytes(mem_ctx, &request.body.holders.real[i]);
		}
		break;
	case DRAIN_ASK_CLOSE:
		CHECK(request.body.close.num_handles >= 1);
		CHECK(request.body.close.num_handles <= 4096);
		break;
	default:
		CHECK(!"a request that there is not");
	}
}

static void check_holder(TALLOC_CTX *mem_ctx, const struct drain_holder *holder)
{
	const struct drain_addresses *client =
		drain_holder_addresses(mem_ctx, holder);

	CHECK(client != NULL);
	CHECK(client->num == holder->num_addresses);
	CHECK(client->num <= DRAIN_ADDRESSES_MAX);
	check_bytes(mem_ctx, &holder->user);
	check_bytes(mem_ctx, &holder->share);
	check_bytes(mem_ctx, &holder->path);
}

static void check_reply(TALLOC_CTX *mem_ctx, const DATA_BLOB *blob)
{
	const ndr_push_flags_fn_t push =
		(ndr_push_flags_fn_t)ndr_push_drain_reply;
	struct drain_reply reply;
	struct drain_reply again;
	DATA_BLOB bytes;
	DATA_BLOB repacked;
	size_t i;

	if (!NT_STATUS_IS_OK(drain_reply_pull(mem_ctx, blob, &reply))) {
		return;
	}
	bytes = packed(mem_ctx, &reply, push);
	CHECK(bytes.length == blob->length);
	CHECK(NT_STATUS_IS_OK(drain_reply_pull(mem_ctx, &bytes, &again)));
	repacked = packed(mem_ctx, &again, push);
	CHECK(data_blob_cmp(&bytes, &repacked) == 0);

	switch (reply.tell) {
	case DRAIN_TELL_STATE:
		CHECK(reply.body.state.num_trees <= 65536);
		check_bytes(mem_ctx, &reply.body.state.last_error);
		break;
	case DRAIN_TELL_HOLDERS:
		CHECK(reply.body.holders.num_holders <= 4096);
		for (i = 0; i < reply.body.holders.num_holders; i++) {
			check_holder(mem_ctx, &reply.body.holders.holders[i]);
		}
		break;
	case DRAIN_TELL_GONE:
		check_holder(mem_ctx, &reply.body.gone.holder);
		break;
	case DRAIN_TELL_CLOSED:
		break;
	default:
		CHECK(!"a reply that there is not");
	}
}

void fuzz_one(struct fuzz_input *input)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const DATA_BLOB blob = data_blob_const(input->data, input->size);

	check_request(frame, &blob);
	check_reply(frame, &blob);
	CHECK(talloc_total_size(frame) <= MEMORY_MAX(input->size));
	TALLOC_FREE(frame);
}
