// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find handles that no smbd on the roster can report, in Samba's table of open
 * files (locking.tdb).
 *
 * These are disconnected durable handles, and handles of smbds that are not on
 * the roster. The whole table is walked once, when the drain is armed. From
 * then on no new counted handle can get into the target, so that later only the
 * files that were candidates then are checked, each by its id.
 *
 * In a cluster that walk does not see every handle. There the smbds are also
 * asked for their handles, and Samba's table of opens for disconnected durable
 * handles.
 */

#include "samba/handles.h"
#include "locking/share_mode_lock.h"
#include "locking/proto.h"
#include "librpc/gen_ndr/ndr_open_files.h"
#include "librpc/gen_ndr/smbXsrv.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
#include "smbd/smbXsrv_open.h"
#include "drain/alive.h"
#include "drain/locks.h"
#include "drain/policy.h"
#include "drain/record.h"
#include "drain/store.h"
#include "drain/target.h"
#include "base/error.h"
#include "base/tool.h"
#include "samba/disconnected.h"
#include "samba/inside.h"
#include "samba/parents.h"

#define HANDLES_LATE_SECONDS 5

/* A handle in the target or elsewhere */
struct seen {
	struct file_id id;
	struct share_mode_entry entry;
	bool has_entry; /* false: disconnected, @entry is not set */
	const char *servicepath;
	const char *path;
};

struct look_state {
	const struct drain_record *record;
	struct inside *inside;
	struct seen *seen; /* to be examined after the traverse */
	size_t num_seen;
	struct server_id *roster; /* sorted */
	size_t num_roster;
	struct open_handle_list *list;
	struct suspect_list *suspects; /* NULL: not wanted */
	bool nomem;
	bool failed;
};

bool handles_start(void)
{
	static bool started;
	struct server_id own;

	if (!started && !drain_locking_init(parents_own(&own) ? &own : NULL)) {
		complain("cannot open Samba's table of open files in %s",
			 lp_lock_directory());
		return false;
	}
	started = true;
	return true;
}

static int compare_servers(const void *a, const void *b)
{
	return server_id_cmp(a, b);
}

static bool look_init(struct look_state *state,
		      TALLOC_CTX *mem_ctx,
		      struct tool *tool,
		      const struct drain_record *record)
{
	NTSTATUS status;

	*state = (struct look_state) {
		.record = record,
		.list = talloc_zero(mem_ctx, struct open_handle_list),
	};
	if (state->list != NULL) {
		state->inside = inside_new(state->list, record);
	}
	if (state->inside == NULL) {
		complain("out of memory");
		return false;
	}
	status = drain_roster_members(tool->locks, state->list,
				      &state->roster, &state->num_roster);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read the list of smbds: %s",
			 nt_errstr(status));
		return false;
	}
	TYPESAFE_QSORT(state->roster, state->num_roster, compare_servers);
	return true;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool on_roster(const struct look_state *state,
		      const struct server_id *id)
{
	return state->num_roster > 0 &&
	       bsearch(id, state->roster, state->num_roster,
		       sizeof(*id), compare_servers) != NULL;
}

/* Return true for a counted handle for which no smbd of the roster reports. */
static bool is_left_over(const struct look_state *state,
			 const struct share_mode_entry *e,
			 const char *path)
{
	if (!entry_is_disconnected(e)) {
		if (on_roster(state, &e->pid) || !drain_is_alive(&e->pid)) {
			return false;
		}
	}
	return drain_access_counts(&state->record->policy,
				   is_directory(path), e->access_mask);
}

/*
 * Return true if the handle can become a disconnected durable handle. smbd
 * makes handles durable only with a lease or a batch oplock (smb2_create.c),
 * and grants neither while the target is drained.
 */
static bool may_be_left_over(const struct look_state *state,
			     const struct share_mode_entry *e)
{
	return entry_is_disconnected(e) ||
	       (e->op_type & (LEASE_OPLOCK | BATCH_OPLOCK)) ||
	       !on_roster(state, &e->pid);
}

static void add_handle(struct look_state *state,
		       struct file_id id,
		       const struct share_mode_entry *e,
		       const char *path)
{
	struct open_handle_list *list = state->list;
	struct open_handle *h = NULL;

	h = talloc_realloc(list, list->handles, struct open_handle,
			   list->num_handles + 1);
	if (h == NULL) {
		state->nomem = true;
		return;
	}
	list->handles = h;
	h += list->num_handles;
	list->num_handles += 1;

	*h = (struct open_handle) {
		.file_id = id,
		.server_id = e->pid,
		.share_file_id = e->share_file_id,
		.access = e->access_mask,
		.oplock = e->op_type,
		.opened = (uint64_t)e->time.tv_sec * 1000000 +
			  e->time.tv_usec,
		.uid = e->uid,
		.path = talloc_strdup(list, path),
		.disconnected = entry_is_disconnected(e),
	};
	state->nomem |= h->path == NULL;
}

static void add_suspect(struct look_state *state, struct file_id id)
{
	struct suspect_list *s = state->suspects;
	struct file_id *files = NULL;

	if (s->num_files > 0 &&
	    file_id_equal(&s->files[s->num_files - 1], &id)) {
		return; /* the entries of a file are adjacent */
	}
	files = talloc_realloc(s, s->files, struct file_id, s->num_files + 1);
	if (files == NULL) {
		state->nomem = true;
		return;
	}
	files[s->num_files] = id;
	s->files = files;
	s->num_files += 1;
}

static void look_at_entry(struct look_state *state,
			  struct file_id id,
			  const struct share_mode_entry *e,
			  const char *path)
{
	if (is_left_over(state, e, path)) {
		add_handle(state, id, e, path);
	}
	if (state->suspects != NULL && may_be_left_over(state, e)) {
		add_suspect(state, id);
	}
}

/* Return true for entries whose path must be resolved. Most need not be. */
static bool is_of_interest(const struct look_state *state,
			   const struct share_mode_entry *e)
{
	if (state->suspects != NULL) {
		return may_be_left_over(state, e);
	}
	return entry_is_disconnected(e) ||
	       !on_roster(state, &e->pid);
}

static struct seen *add_seen(struct look_state *state)
{
	/*
	 * Grow by powers of two: a talloc_realloc() for each file would be
	 * slow.
	 */
	if ((state->num_seen & (state->num_seen - 1)) == 0) {
		state->seen = talloc_realloc(state->list, state->seen,
					     struct seen,
					     MAX(state->num_seen * 2, 16));
	}
	if (state->seen == NULL) {
		state->nomem = true;
		return NULL;
	}
	state->num_seen += 1;
	return &state->seen[state->num_seen - 1];
}

static void name_seen(struct look_state *state,
		      struct seen *seen,
		      const char *servicepath,
		      const char *base_name)
{
	seen->servicepath = talloc_strdup(state->seen, servicepath);
	seen->path = drain_path_join(state->seen, servicepath, base_name);
	state->nomem |= seen->servicepath == NULL || seen->path == NULL;
}

/* Share the names with the previous entry if it is of the same file. */
static bool share_names(const struct look_state *state, struct seen *seen)
{
	const struct seen *before = NULL;

	if (state->num_seen < 2) {
		return false;
	}
	before = &state->seen[state->num_seen - 2];
	seen->servicepath = before->servicepath;
	seen->path = before->path;
	return file_id_equal(&before->id, &seen->id);
}

/* Called with the record locked: must not block. */
static int scan_fn(struct file_id id,
		   const struct share_mode_data *d,
		   const struct share_mode_entry *e,
		   void *private_data)
{
	struct look_state *state = private_data;
	struct seen *seen = NULL;

	if (!is_of_interest(state, e)) {
		return 0;
	}
	seen = add_seen(state);
	if (seen != NULL) {
		*seen = (struct seen) {
			.id = id,
			.entry = *e,
			.has_entry = true,
		};
		if (!share_names(state, seen)) {
			name_seen(state, seen, d->servicepath, d->base_name);
		}
	}
	return state->nomem ? -1 : 0;
}

static void look_at_seen(struct look_state *state)
{
	size_t i;

	for (i = 0; !state->nomem && i < state->num_seen; i++) {
		const struct seen *seen = &state->seen[i];

		if (!inside_has(state->inside, seen->id, seen->servicepath,
				seen->path, &state->nomem)) {
			continue;
		}
		if (seen->has_entry) {
			look_at_entry(state, seen->id, &seen->entry,
				      seen->path);
		} else {
			add_suspect(state, seen->id);
		}
	}
	TALLOC_FREE(state->seen);
	state->num_seen = 0;
}

/*
 * Return when the client of a durable handle was disconnected, or 0 if unknown.
 */
static uint64_t gone_since(const DRAIN_OPEN_GLOBAL *global)
{
	struct timeval gone;

	if (server_id_is_disconnected(&global->server_id)) {
		nttime_to_timeval(&gone, global->disconnect_time);
		return (uint64_t)gone.tv_sec * 1000000 + gone.tv_usec;
	}
	if (!drain_is_alive(&global->server_id)) {
		return 0; /* its smbd has been killed */
	}
	return drain_now(); /* it is being reconnected or disconnected */
}

/* Find until when the client can reconnect to the handle. */
static int DRAIN_OPEN_FN(returns_fn, global, private_data)
{
	struct open_handle_list *list = private_data;
	size_t i;

	if (global == NULL) {
		return 0;
	}
	for (i = 0; i < list->num_handles; i++) {
		struct open_handle *h = &list->handles[i];
		uint64_t gone;

		if (!h->disconnected ||
		    h->share_file_id != global->open_persistent_id) {
			continue;
		}
		gone = gone_since(global);
		h->expired = false;
		if (gone != 0) {
			h->returns_until =
				gone +
				(uint64_t)global->durable_timeout_msec * 1000;
			h->expired = h->returns_until < drain_now();
		}
	}
	return 0;
}

/*
 * Note until when clients can reconnect. A client cannot reconnect to a handle
 * that is missing from Samba's table of opens.
 */
static void note_return_times(struct open_handle_list *list)
{
	NTSTATUS status;
	size_t i;

	for (i = 0; i < list->num_handles; i++) {
		list->handles[i].expired = list->handles[i].disconnected;
	}
	status = smbXsrv_open_global_traverse(returns_fn, list);
	for (i = 0; !NT_STATUS_IS_OK(status) && i < list->num_handles; i++) {
		list->handles[i].expired = false;
	}
}

static bool any_disconnected(const struct open_handle_list *list)
{
	size_t i;

	for (i = 0; i < list->num_handles; i++) {
		if (list->handles[i].disconnected) {
			return true;
		}
	}
	return false;
}

static struct open_handle_list *finish_look(struct look_state *state, bool ok)
{
	if (!ok || state->failed || state->nomem) {
		complain("cannot read Samba's table of open files%s",
			 state->nomem ? ": out of memory" : "");
		TALLOC_FREE(state->list);
		return NULL;
	}
	if (any_disconnected(state->list)) {
		note_return_times(state->list);
	}
	return state->list;
}

static bool pull_cookie(TALLOC_CTX *mem_ctx,
			const DRAIN_OPEN_GLOBAL *global,
			struct vfs_default_durable_cookie *cookie)
{
	enum ndr_err_code err;

	err = ndr_pull_struct_blob(
		&global->backend_cookie, mem_ctx, cookie,
		(ndr_pull_flags_fn_t)ndr_pull_vfs_default_durable_cookie);
	return NDR_ERR_CODE_IS_SUCCESS(err);
}

static int DRAIN_OPEN_FN(away_fn, global, private_data)
{
	struct look_state *state = private_data;
	TALLOC_CTX *frame = talloc_stackframe();
	struct vfs_default_durable_cookie cookie;
	struct seen *seen = NULL;

	if (global != NULL && server_id_is_disconnected(&global->server_id) &&
	    pull_cookie(frame, global, &cookie)) {
		seen = add_seen(state);
	}
	if (seen != NULL) {
		*seen = (struct seen) {.id = cookie.id};
		name_seen(state, seen, cookie.servicepath, cookie.base_name);
	}
	TALLOC_FREE(frame);
	return 0;
}

/*
 * Add the files of disconnected durable handles. In a cluster a traverse can
 * miss records that migrate between nodes during it, such as those of files
 * that several nodes open and close. The record of a disconnected durable
 * handle does not migrate.
 */
static bool suspect_those_away(struct look_state *state)
{
	return NT_STATUS_IS_OK(
		smbXsrv_open_global_traverse(away_fn, state));
}

static struct open_handle_list *scan_table(TALLOC_CTX *mem_ctx,
					   struct tool *tool,
					   const struct drain_record *record,
					   struct suspect_list *suspects)
{
	struct look_state state;
	int ret;

	if (!look_init(&state, mem_ctx, tool, record)) {
		TALLOC_FREE(state.list);
		return NULL;
	}
	state.suspects = suspects;
	ret = drain_share_entry_forall(scan_fn, &state);
	if (suspects != NULL && lp_clustering() &&
	    !suspect_those_away(&state)) {
		state.failed = true;
	}
	look_at_seen(&state);
	return finish_look(&state, ret >= 0);
}

struct open_handle_list *handles_scan(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record)
{
	return scan_table(mem_ctx, tool, record, NULL);
}

static bool suspect_held(struct suspect_list *suspects,
			 const struct suspect_list *held)
{
	struct look_state state = {.suspects = suspects};
	size_t i;

	for (i = 0; i < held->num_files; i++) {
		add_suspect(&state, held->files[i]);
	}
	return !state.nomem;
}

struct suspect_list *handles_suspects(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      const struct suspect_list *held)
{
	struct suspect_list *suspects = talloc_zero(mem_ctx,
						    struct suspect_list);

	if (suspects == NULL) {
		complain("out of memory");
		return NULL;
	}
	if (!suspect_held(suspects, held) ||
	    scan_table(suspects, tool, record, suspects) == NULL) {
		TALLOC_FREE(suspects);
	}
	return suspects;
}

struct file_state {
	struct look_state *look;
	struct file_id id;
	const char *path;
};

static bool look_fn(struct share_mode_entry *e,
		    bool *modified _UNUSED_,
		    void *private_data)
{
	struct file_state *state = private_data;

	look_at_entry(state->look, state->id, e, state->path);
	return state->look->nomem;
}

/* Return false if the file is no longer open. */
static bool look_at_file(struct look_state *look, struct file_id id)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct share_mode_lock *lck = fetch_share_mode_unlocked(frame, id);
	struct file_state state = {.look = look, .id = id};
	bool is_open = lck != NULL;

	if (!is_open) {
		goto done;
	}
	state.path = share_mode_filename(frame, lck);
	if (state.path == NULL) {
		look->nomem = true;
		goto done;
	}
	if (!share_mode_forall_entries(lck, look_fn, &state)) {
		/* Not an error if the last entry has just been removed. */
		is_open = fetch_share_mode_unlocked(frame, id) != NULL;
		look->failed |= is_open;
	}
done:
	TALLOC_FREE(frame);
	return is_open;
}

struct open_handle_list *handles_look(TALLOC_CTX *mem_ctx,
				      struct tool *tool,
				      const struct drain_record *record,
				      struct suspect_list *suspects)
{
	struct look_state state;
	size_t kept = 0;
	size_t i;

	if (!look_init(&state, mem_ctx, tool, record)) {
		TALLOC_FREE(state.list);
		return NULL;
	}
	/* smbd refuses new opens, so a file that is closed stays closed. */
	for (i = 0; i < suspects->num_files; i++) {
		suspects->files[kept] = suspects->files[i];
		kept += look_at_file(&state, suspects->files[i]);
	}
	suspects->num_files = kept;
	return finish_look(&state, true);
}

/*
 * Waiting for a change
 */

struct watch_state {
	uint8_t dummy;
};

static void watch_changed(struct tevent_req *subreq);

static bool watch_file(struct tevent_req *req,
		       struct watch_state *state,
		       struct tevent_context *ev,
		       const struct open_handle *handle)
{
	struct share_mode_lock *lck = NULL;
	struct tevent_req *subreq = NULL;
	struct server_id nobody = {0};

	lck = fetch_share_mode_unlocked(state, handle->file_id);
	if (lck == NULL) {
		return false; /* closed in the meantime */
	}
	subreq = drain_share_mode_watch_send(state, ev, lck, handle->file_id,
					     nobody);
	TALLOC_FREE(lck);
	if (tevent_req_nomem(subreq, req)) {
		return false;
	}
	tevent_req_set_callback(subreq, watch_changed, req);
	return true;
}

struct tevent_req *handles_watch_send(TALLOC_CTX *mem_ctx,
				      struct tevent_context *ev,
				      const struct open_handle_list *list)
{
	struct tevent_req *req = NULL;
	struct watch_state *state = NULL;
	size_t i;

	req = tevent_req_create(mem_ctx, &state, struct watch_state);
	if (req == NULL) {
		return NULL;
	}
	for (i = 0; i < list->num_handles; i++) {
		if (!watch_file(req, state, ev, &list->handles[i])) {
			if (tevent_req_is_in_progress(req)) {
				tevent_req_done(req);
			}
			return tevent_req_post(req, ev);
		}
	}

	/* The entries of an smbd that has died stay, without an event. */
	if (!tevent_req_set_endtime(
		    req, ev, timeval_current_ofs(HANDLES_LATE_SECONDS, 0))) {
		return tevent_req_post(req, ev);
	}
	return req;
}

static void watch_changed(struct tevent_req *subreq)
{
	struct tevent_req *req =
		tevent_req_callback_data(subreq, struct tevent_req);
	NTSTATUS status;

	status = share_mode_watch_recv(subreq, NULL, NULL);
	TALLOC_FREE(subreq);
	if (tevent_req_nterror(req, status)) {
		return;
	}
	tevent_req_done(req);
}

NTSTATUS handles_watch_recv(struct tevent_req *req)
{
	return tevent_req_simple_recv_ntstatus(req);
}
