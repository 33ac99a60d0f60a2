// SPDX-License-Identifier: GPL-3.0-or-later
/* Pack and unpack what is stored and sent. */

#include "drain/samba_compat.h"
#include "drain/codec.h"
#include "gen_ndr/ndr_drain.h"
#include "librpc/gen_ndr/ndr_misc.h"

struct GUID drain_id_to_guid(const struct drain_id *id)
{
	struct GUID guid = {0};
	DATA_BLOB blob = data_blob_const(id->bytes, sizeof(id->bytes));

	/* This fails only for a blob of another length. */
	(void)GUID_from_ndr_blob(&blob, &guid);
	return guid;
}

struct drain_id drain_id_from_guid(const struct GUID *guid)
{
	struct drain_id id;
	struct GUID_ndr_buf buf = {.buf = {0}};

	(void)GUID_to_ndr_buf(guid, &buf);
	memcpy(id.bytes, buf.buf, sizeof(id.bytes));
	return id;
}

struct drain_id drain_id_new(void)
{
	struct GUID guid = GUID_random();

	return drain_id_from_guid(&guid);
}

DATA_BLOB drain_bytes(const char *s)
{
	return data_blob_const(s, strlen(s));
}

/* An empty blob has no data pointer if a newer Samba has unpacked it. */
char *drain_bytes_string(TALLOC_CTX *mem_ctx, const DATA_BLOB *blob)
{
	const char *data = blob->length > 0 ? (const char *)blob->data : "";

	return talloc_strndup(mem_ctx, data, blob->length);
}

_Static_assert(DRAIN_ADDRESSES_MAX == DRAIN_MAX_ADDRESSES,
	       "as in drain.idl");

struct drain_addresses *drain_holder_addresses(
	TALLOC_CTX *mem_ctx, const struct drain_holder *holder)
{
	struct drain_addresses *addresses =
		talloc_zero(mem_ctx, struct drain_addresses);
	size_t i;

	if (addresses == NULL) {
		return NULL;
	}
	for (i = 0; i < holder->num_addresses; i++) {
		addresses->list[i] = drain_bytes_string(
			addresses, &holder->addresses[i]);
		if (addresses->list[i] == NULL) {
			TALLOC_FREE(addresses);
			return NULL;
		}
	}
	addresses->num = holder->num_addresses;
	return addresses;
}

static NTSTATUS check_origin(const DATA_BLOB *blob, uint16_t version)
{
	if (blob->length < 6 || IVAL(blob->data, 0) != DRAIN_MAGIC) {
		return NT_STATUS_INTERNAL_DB_CORRUPTION;
	}
	if (SVAL(blob->data, 4) != version) {
		return NT_STATUS_REVISION_MISMATCH;
	}
	return NT_STATUS_OK;
}

/* Unpack a blob, which must be used up completely and have our version. */
static NTSTATUS pull_all(TALLOC_CTX *mem_ctx,
			 const DATA_BLOB *blob,
			 uint16_t version,
			 ndr_pull_flags_fn_t pull,
			 void *result)
{
	enum ndr_err_code err;
	NTSTATUS status;

	status = check_origin(blob, version);
	if (!NT_STATUS_IS_OK(status)) {
		return status;
	}
	err = ndr_pull_struct_blob_all(blob, mem_ctx, result, pull);
	if (err == NDR_ERR_ALLOC) {
		/* No count in a message sets a size: this is no bad message. */
		return NT_STATUS_NO_MEMORY;
	}
	if (!NDR_ERR_CODE_IS_SUCCESS(err)) {
		return NT_STATUS_INTERNAL_DB_CORRUPTION;
	}
	return NT_STATUS_OK;
}

static NTSTATUS push_all(TALLOC_CTX *mem_ctx,
			 const void *value,
			 ndr_push_flags_fn_t push,
			 DATA_BLOB *blob)
{
	enum ndr_err_code err;

	err = ndr_push_struct_blob(blob, mem_ctx, value, push);
	return ndr_map_error2ntstatus(err);
}

NTSTATUS drain_record_push(TALLOC_CTX *mem_ctx,
			   const struct drain_record *r,
			   DATA_BLOB *blob)
{
	DATA_BLOB real[r->num_real];
	struct drain_wire_record wire = {
		.magic = DRAIN_MAGIC,
		.version = DRAIN_RECORD_VERSION,
		.state = r->state,
		.id = drain_id_to_guid(&r->id),
		.share = drain_bytes(r->target.share),
		.path = drain_bytes(r->target.path),
		.num_real = r->num_real,
		.real = real,
		.count_directories = r->policy.count_directories,
		.break_leases = r->policy.break_leases,
		.let_holders_finish = r->policy.let_holders_finish,
		.allow_unguarded = r->allow_unguarded,
		.purge_durables = r->purge_durables,
		.hold_opens = r->policy.hold_opens,
		.hold_timeout = r->policy.hold_timeout,
		.max_held_opens = r->policy.max_held_opens,
		.on_timeout = r->on_timeout,
		.refuse_status = r->policy.refuse_status,
		.exempt_users = drain_bytes(r->policy.exempt_users),
		.exempt_hosts = drain_bytes(r->policy.exempt_hosts),
		.deadline = r->deadline,
		.begun = r->begun,
		.armed = r->armed,
		.quiescent = r->quiescent,
		.by = drain_bytes(r->by),
		.reason = drain_bytes(r->reason),
		.publishing = drain_bytes(r->publishing),
	};
	size_t i;

	for (i = 0; i < r->num_real; i++) {
		real[i] = drain_bytes(r->real[i]);
	}
	return push_all(mem_ctx, &wire,
			(ndr_push_flags_fn_t)ndr_push_drain_wire_record, blob);
}

static bool has_nul(const DATA_BLOB *blob)
{
	return blob->length > 0 && memchr(blob->data, 0, blob->length) != NULL;
}

/* Return true if a string contains a NUL byte, at which it would be cut off. */
static bool wire_has_nul(const struct drain_wire_record *wire)
{
	const DATA_BLOB *const texts[] = {
		&wire->share,	     &wire->path, &wire->exempt_users,
		&wire->exempt_hosts, &wire->by,	  &wire->reason,
		&wire->publishing,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (has_nul(texts[i])) {
			return true;
		}
	}
	for (i = 0; i < wire->num_real; i++) {
		if (has_nul(&wire->real[i])) {
			return true;
		}
	}
	return false;
}

/* Return NULL if out of memory. */
static struct drain_record *record_from_wire(TALLOC_CTX *mem_ctx,
					     struct drain_wire_record *wire)
{
	struct drain_record *r = talloc(mem_ctx, struct drain_record);
	bool ok;
	size_t i;

	if (r == NULL) {
		return NULL;
	}

	*r = (struct drain_record) {
		.id = drain_id_from_guid(&wire->id),
		.state = wire->state,
		.target.share = drain_bytes_string(r, &wire->share),
		.target.path = drain_bytes_string(r, &wire->path),
		.real = talloc_array(r, const char *, wire->num_real),
		.num_real = wire->num_real,
		.policy.count_directories = wire->count_directories,
		.policy.break_leases = wire->break_leases,
		.policy.let_holders_finish = wire->let_holders_finish,
		.policy.hold_opens = wire->hold_opens,
		.policy.hold_timeout = wire->hold_timeout,
		.policy.max_held_opens = wire->max_held_opens,
		.policy.refuse_status = wire->refuse_status,
		.policy.exempt_users =
			drain_bytes_string(r, &wire->exempt_users),
		.policy.exempt_hosts =
			drain_bytes_string(r, &wire->exempt_hosts),
		.allow_unguarded = wire->allow_unguarded,
		.purge_durables = wire->purge_durables,
		.deadline = wire->deadline,
		.on_timeout = wire->on_timeout,
		.begun = wire->begun,
		.armed = wire->armed,
		.quiescent = wire->quiescent,
		.by = drain_bytes_string(r, &wire->by),
		.reason = drain_bytes_string(r, &wire->reason),
		.publishing = drain_bytes_string(r, &wire->publishing),
	};
	ok = r->target.share != NULL && r->target.path != NULL &&
	     r->policy.exempt_users != NULL &&
	     r->policy.exempt_hosts != NULL && r->real != NULL &&
	     r->by != NULL && r->reason != NULL && r->publishing != NULL;

	for (i = 0; ok && i < r->num_real; i++) {
		r->real[i] = drain_bytes_string(r, &wire->real[i]);
		ok = r->real[i] != NULL;
	}
	if (!ok) {
		TALLOC_FREE(r);
	}
	return r;
}

NTSTATUS drain_record_pull(TALLOC_CTX *mem_ctx,
			   const DATA_BLOB *blob,
			   struct drain_record **record)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_wire_record wire;
	struct drain_record *r = NULL;
	NTSTATUS status;

	status = pull_all(frame, blob, DRAIN_RECORD_VERSION,
			  (ndr_pull_flags_fn_t)ndr_pull_drain_wire_record,
			  &wire);
	if (!NT_STATUS_IS_OK(status)) {
		goto done;
	}
	if (wire_has_nul(&wire)) {
		status = NT_STATUS_INTERNAL_DB_CORRUPTION;
		goto done;
	}

	r = record_from_wire(mem_ctx, &wire);
	if (r == NULL) {
		status = NT_STATUS_NO_MEMORY;
		goto done;
	}
	if (drain_record_error(r) != NULL) {
		TALLOC_FREE(r);
		status = NT_STATUS_INTERNAL_DB_CORRUPTION;
	}
done:
	TALLOC_FREE(frame);
	*record = r;
	return status;
}

NTSTATUS drain_request_pull(TALLOC_CTX *mem_ctx,
			    const DATA_BLOB *blob,
			    struct drain_request *request)
{
	return pull_all(mem_ctx, blob, DRAIN_MESSAGE_VERSION,
			(ndr_pull_flags_fn_t)ndr_pull_drain_request, request);
}

NTSTATUS drain_reply_pull(TALLOC_CTX *mem_ctx,
			  const DATA_BLOB *blob,
			  struct drain_reply *reply)
{
	return pull_all(mem_ctx, blob, DRAIN_MESSAGE_VERSION,
			(ndr_pull_flags_fn_t)ndr_pull_drain_reply, reply);
}

static NTSTATUS send_all(struct messaging_context *msg_ctx,
			 struct server_id dst,
			 uint32_t type,
			 const void *value,
			 ndr_push_flags_fn_t push)
{
	TALLOC_CTX *frame = talloc_stackframe();
	DATA_BLOB blob = data_blob_null;
	NTSTATUS status;

	status = push_all(frame, value, push, &blob);
	if (NT_STATUS_IS_OK(status)) {
		status = messaging_send(msg_ctx, dst, type, &blob);
	}
	TALLOC_FREE(frame);
	return status;
}

NTSTATUS drain_request_send(struct messaging_context *msg_ctx,
			    struct server_id dst,
			    const struct drain_request *request)
{
	struct drain_request r = *request;

	r.magic = DRAIN_MAGIC;
	r.version = DRAIN_MESSAGE_VERSION;
	return send_all(msg_ctx, dst, MSG_DRAIN_REQUEST, &r,
			(ndr_push_flags_fn_t)ndr_push_drain_request);
}

NTSTATUS drain_reply_send(struct messaging_context *msg_ctx,
			  struct server_id dst,
			  const struct drain_reply *reply)
{
	struct drain_reply r = *reply;

	r.magic = DRAIN_MAGIC;
	r.version = DRAIN_MESSAGE_VERSION;
	return send_all(msg_ctx, dst, MSG_DRAIN_REPLY, &r,
			(ndr_push_flags_fn_t)ndr_push_drain_reply);
}
