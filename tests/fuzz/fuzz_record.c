/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Records, as they may be in the database.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "drain/samba_compat.h"
#include "drain/codec.h"
#include "fuzz.h"

static bool is_taken(TALLOC_CTX *mem_ctx, DATA_BLOB blob)
{
	struct drain_record *record = NULL;
	NTSTATUS status = drain_record_pull(mem_ctx, &blob, &record);

	CHECK(NT_STATUS_IS_OK(status) == (record != NULL));
	return record != NULL;
}

/* It is what it was, wherever it goes */
static void check_packed(TALLOC_CTX *mem_ctx,
			 const struct drain_record *record,
			 size_t size)
{
	struct drain_record *again = NULL;
	DATA_BLOB packed;
	DATA_BLOB repacked;

	CHECK(NT_STATUS_IS_OK(drain_record_push(mem_ctx, record, &packed)));
	CHECK(packed.length == size);
	CHECK(NT_STATUS_IS_OK(drain_record_pull(mem_ctx, &packed, &again)));
	CHECK(NT_STATUS_IS_OK(drain_record_push(mem_ctx, again, &repacked)));
	CHECK(data_blob_cmp(&packed, &repacked) == 0);
}

/* What is stored can be typed */
static void check_target(TALLOC_CTX *mem_ctx, const struct drain_target *target)
{
	char *name = drain_target_name(mem_ctx, target);
	struct drain_target typed;

	CHECK(drain_target_parse(mem_ctx, name, &typed) == NULL);
	CHECK(strcmp(typed.share, target->share) == 0);
	CHECK(strcmp(typed.path, target->path) == 0);
}

static void check_paths(const struct drain_record *record)
{
	size_t i;

	CHECK(record->num_real >= 1 && record->num_real <= DRAIN_MAX_REAL);
	for (i = 0; i < record->num_real; i++) {
		CHECK(drain_record_covers(record, record->real[i]));
		CHECK(drain_record_overlaps(record, record->real[i]));
		CHECK(drain_record_overlaps(record, "/"));
	}
}

static void check_steps(const struct drain_record *record)
{
	struct drain_record r = *record;
	enum drain_state state;

	for (state = DRAIN_ARMING; state <= DRAIN_QUIESCENT; state++) {
		bool steps = drain_record_step(&r, state, state + 1, 1);

		CHECK(steps == (state >= record->state &&
				state < DRAIN_QUIESCENT));
		CHECK(drain_record_error(&r) == NULL);
	}
	CHECK(r.state == DRAIN_QUIESCENT);
	CHECK(!drain_record_is_due(&r, UINT64_MAX));
}

void fuzz_one(struct fuzz_input *input)
{
	TALLOC_CTX *frame = talloc_stackframe();
	DATA_BLOB blob = data_blob_talloc(frame, NULL, input->size + 1);
	struct drain_record *record = NULL;
	NTSTATUS status;

	memcpy(blob.data, input->data, input->size);
	blob.data[input->size] = 0;
	blob.length = input->size;
	status = drain_record_pull(frame, &blob, &record);
	if (NT_STATUS_IS_OK(status)) {
		CHECK(drain_record_error(record) == NULL);
		check_packed(frame, record, blob.length);
		check_target(frame, &record->target);
		check_paths(record);
		check_steps(record);

		/* No byte more or less */
		CHECK(!is_taken(frame, data_blob_const(blob.data,
						       blob.length - 1)));
		CHECK(!is_taken(frame, data_blob_const(blob.data,
						       blob.length + 1)));
	} else {
		CHECK(record == NULL);
		CHECK(NT_STATUS_EQUAL(status, NT_STATUS_REVISION_MISMATCH) ||
		      NT_STATUS_EQUAL(status,
				      NT_STATUS_INTERNAL_DB_CORRUPTION));
	}
	TALLOC_FREE(frame);
}
