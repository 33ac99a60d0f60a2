// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The drains that this smbd obeys, as the database has them.
 */

#include "module.h"
#include "counted.h"
#include "defer.h"
#include "drains.h"
#include "error.h"
#include "place.h"
#include "process.h"

static void (*on_change)(void);

void drains_on_change(void (*fn)(void))
{
	on_change = fn;
}

bool drain_is_in_force(const struct drain *drain)
{
	return !drain_store_is_over(drain_process.store, &drain->record->id);
}

struct drain *drains_find(const struct drain_id *id)
{
	struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL; drain = drain->next) {
		if (drain_id_equal(&drain->record->id, id)) {
			return drain;
		}
	}
	return NULL;
}

static bool same_deadline(const struct drain_record *a,
			  const struct drain_record *b)
{
	return a->deadline == b->deadline && a->on_timeout == b->on_timeout &&
	       a->state == b->state;
}

/* Test whether a drain has stopped covering one of its paths */
static bool is_narrower(const struct drain_record *now,
			const struct drain_record *before)
{
	size_t i;

	for (i = 0; i < before->num_real; i++) {
		if (!drain_record_covers(now, before->real[i])) {
			return true;
		}
	}
	return false;
}

static NTSTATUS obey(struct drain_record **record)
{
	struct drain *drain = drains_find(&(*record)->id);

	if (drain == NULL) {
		drain = talloc_zero(NULL, struct drain);
		if (drain == NULL) {
			return NT_STATUS_NO_MEMORY;
		}
		drain->fresh = true;
		DLIST_ADD_END(drain_process.drains, drain);
	} else {
		drain->narrower |= is_narrower(*record, drain->record);
		if (!same_deadline(drain->record, *record)) {
			TALLOC_FREE(drain->deadline);
		}
	}
	TALLOC_FREE(drain->record);
	drain->record = talloc_move(drain, record);
	return NT_STATUS_OK;
}

static void forget(struct drain *drain)
{
	drain_counted_drop(drain);
	drain_deferred_release(drain);
	DLIST_REMOVE(drain_process.drains, drain);
	TALLOC_FREE(drain);
}

/*
 * The index of place.c points to drains, so it is replaced before the ended
 * drains are freed. If memory is short, or if a record has become unreadable,
 * its drain stays in force here.
 */
static NTSTATUS try_to_replace_drains(struct drain_list *list)
{
	struct drain *ended = NULL;
	struct drain *drain = NULL;
	struct drain *next = NULL;
	NTSTATUS status;
	size_t i;

	for (i = 0; i < list->num_records; i++) {
		status = obey(&list->records[i]);
		if (!NT_STATUS_IS_OK(status)) {
			return status;
		}
	}

	for (drain = drain_process.drains; drain != NULL; drain = next) {
		next = drain->next;
		if (!drain_is_in_force(drain)) {
			DLIST_REMOVE(drain_process.drains, drain);
			DLIST_ADD_END(ended, drain);
		}
	}

	status = drain_place_index();
	if (!NT_STATUS_IS_OK(status)) {
		DLIST_CONCATENATE(drain_process.drains, ended);
		return status;
	}

	for (drain = ended; drain != NULL; drain = next) {
		next = drain->next;
		DLIST_REMOVE(ended, drain);
		DLIST_ADD(drain_process.drains, drain);
		forget(drain);
	}
	return NT_STATUS_OK;
}

static NTSTATUS replace_drains(struct drain_list *list)
{
	NTSTATUS status = try_to_replace_drains(list);

	on_change();
	return status;
}

NTSTATUS drains_sync(size_t *num_unreadable)
{
	/* Read the version first: a later change is then read again */
	const uint64_t version = drain_store_version(drain_process.store);
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_list *list = NULL;
	NTSTATUS status;

	*num_unreadable = 0;
	status = drain_store_list(drain_process.store, frame, &list);
	if (NT_STATUS_IS_OK(status)) {
		*num_unreadable = list->num_unreadable;
		status = replace_drains(list);
	}
	if (NT_STATUS_IS_OK(status)) {
		drain_process.version = version;
		status = drain_counted_add_all();
	}
	TALLOC_FREE(frame);
	return status;
}

bool drains_catch_up(void)
{
	size_t num_unreadable = 0;
	NTSTATUS status;

	become_root();
	status = drains_sync(&num_unreadable);
	unbecome_root();

	if (!NT_STATUS_IS_OK(status)) {
		drain_error(drain_about_all(),
			    "cannot read the drains in force: %s",
			    nt_errstr(status));
		return false;
	}
	return true;
}
