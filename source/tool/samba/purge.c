// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Remove disconnected durable handles from Samba's table of open files.
 *
 * No client can reconnect to them then. smbd's scavenger does that when their
 * time has come (source3/smbd/scavenger.c). No way to make it do so earlier
 * exists in all versions of Samba, and up to 4.22 it leaves a file alone that
 * others have open, even if only for its attributes. The functions that it
 * calls are public.
 */

#include "samba/purge.h"
#include "locking/share_mode_lock.h"
#include "locking/proto.h"
#include "samba/disconnected.h"
#include "samba/handles.h"

struct purge_state {
	struct share_mode_lock *lck;
	uint64_t share_file_id;
	struct share_mode_entry removed;
};

/* Remove the entry unless its client has reconnected in the meantime. */
static bool remove_fn(struct share_mode_entry *e,
		      bool *modified _UNUSED_,
		      void *private_data)
{
	struct purge_state *state = private_data;

	if (e->share_file_id != state->share_file_id ||
	    !entry_is_disconnected(e)) {
		return false;
	}
	drain_forget_delete_on_close(state->lck, e);
	e->stale = true; /* this removes it */
	state->removed = *e;
	return true;
}

/*
 * Remove a disconnected durable handle. Its locks and leases may stay: Samba
 * drops those without a handle when they conflict.
 */
static void purge_handle(const struct open_handle *handle)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct purge_state state = {
		.lck = get_existing_share_mode_lock(frame, handle->file_id),
		.share_file_id = handle->share_file_id,
	};
	struct share_mode_entry *removed = &state.removed;

	if (state.lck == NULL) {
		goto done; /* the handle no longer exists */
	}
	(void)share_mode_forall_entries(state.lck, remove_fn, &state);
	if (removed->stale) {
		(void)brl_cleanup_disconnected(handle->file_id,
					       handle->share_file_id);
	}
	if (removed->stale && removed->op_type == LEASE_OPLOCK) {
		(void)remove_lease_if_stale(state.lck, &removed->client_guid,
					    &removed->lease_key);
	}
done:
	TALLOC_FREE(frame);
}

void handles_purge(const struct open_handle_list *list, bool all)
{
	size_t i;

	/* If this fails, the watch ends and the caller tries again. */
	for (i = 0; i < list->num_handles; i++) {
		const struct open_handle *h = &list->handles[i];

		if (h->disconnected && (all || h->expired)) {
			purge_handle(h);
		}
	}
}
