// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find tree connects that bypass the module, from Samba's table of them.
 *
 * A tree connect is in the table before the module knows of it. One that looks
 * unguarded may only be new, so the table is read more than once.
 */

#include "protocol/trees.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
#include "librpc/gen_ndr/smbXsrv.h"
#include "printing/printer_list.h"
#include "drain/address.h"
#include "drain/alive.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/smbconf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/mounts.h"
#include "samba/shares.h"
#include "smbd/survey.h"

#define TREES_LOOKS 10 /* to let tree connects in progress settle */
#define TREES_PAUSE_MSEC 50

struct collect_state {
	struct open_tree_list *list;
	const struct share_list *shares;
	const struct drain_record *record;
	const struct alias_list *aliases;
	const struct survey *survey;
	const struct open_tree_list *among; /* NULL: all */
	bool nomem;
};

static bool is_among(const struct open_tree_list *list,
		     const DRAIN_TCON_GLOBAL *tcon)
{
	size_t i;

	for (i = 0; i < list->num_trees; i++) {
		if (list->trees[i].id == tcon->tcon_global_id &&
		    server_id_equal(&list->trees[i].server_id,
				    &tcon->server_id)) {
			return true;
		}
	}
	return false;
}

/* Return true for a printer of the system, which [printers] serves. */
static bool is_printer(const char *name)
{
	int snum = drain_smbconf_find(name);

	return (snum >= 0) ? lp_printable(snum)
			   : drain_smbconf_find(PRINTERS_NAME) >= 0 &&
				     printer_list_printername_exists(name);
}

/* Find a share that arm.c does not check. */
static const struct share *find_other(const struct collect_state *state,
				      const char *name)
{
	const struct share *share = shares_find_closed(state->list, name);

	return (share != NULL)
		       ? share
		       : shares_find_home(state->list, state->shares, name);
}

/*
 * Return true if the share reaches the target through a mount, which the module
 * does not cover.
 */
static bool is_astray(const struct collect_state *state, const char *name)
{
	const struct share *share = NULL;

	if (state->aliases->num_paths > 0 &&
	    shares_find(state->shares, name) == NULL) {
		share = find_other(state, name);
	}
	return share != NULL && share_alias_in(share, state->aliases) != NULL;
}

/*
 * Find shares that only some clients get, from a file that smb.conf includes
 * for them. Several can have the same name.
 */
static bool find_of_some(const struct collect_state *state,
			 const char *name,
			 bool *reaches)
{
	bool found = false;
	size_t i;

	*reaches = false;
	for (i = 0; i < state->shares->num_shares; i++) {
		const struct share *share = &state->shares->shares[i];

		if (share->from != NULL && strequal(share->name, name)) {
			found = true;
			*reaches |= share_overlaps(share, state->record);
		}
	}
	return found;
}

/*
 * Return what is wrong with a tree connect to @name, or NULL if it does not
 * reach the target.
 */
static const char *why_unguarded(const struct collect_state *state,
				 const char *name)
{
	const struct share *share = shares_find(state->shares, name);
	bool reaches = false;
	bool found = find_of_some(state, name, &reaches);

	if (reaches) {
		return " without the module";
	}
	if (share == NULL) {
		share = find_other(state, name);
	}
	if (share != NULL) {
		if (share->real == NULL && share->varies == NULL) {
			/* it existed when the client connected */
			return ", whose path no longer exists";
		}
		return share_overlaps(share, state->record)
			       ? " without the module"
			       : NULL;
	}
	if (found || strequal(name, "IPC$") || is_printer(name)) {
		return NULL;
	}
	return " that is no longer in smb.conf";
}

/* Return true if a client that connects now gets the module. */
static bool has_module(const struct share_list *shares, const char *name)
{
	const struct share *share = shares_find(shares, name);

	return share != NULL && share_is_guarded(share);
}

static int collect_fn(DRAIN_TCON_GLOBAL *tcon, void *private_data)
{
	struct collect_state *state = private_data;
	struct open_tree_list *list = state->list;
	struct open_tree *trees = NULL;
	const char *why = NULL;

	if (tcon->share_name == NULL ||
	    (state->among != NULL && !is_among(state->among, tcon))) {
		return 0;
	}
	if (is_astray(state, tcon->share_name)) {
		why = ", which reaches the target through a mount";
	} else if (!survey_guards(state->survey, &tcon->server_id,
				  tcon->tcon_global_id)) {
		why = why_unguarded(state, tcon->share_name);
	}
	if (why == NULL || !drain_is_alive(&tcon->server_id)) {
		return 0;
	}

	trees = talloc_realloc(list, list->trees, struct open_tree,
			       list->num_trees + 1);
	if (trees == NULL) {
		state->nomem = true;
		return -1;
	}
	list->trees = trees;
	trees[list->num_trees] = (struct open_tree) {
		.server_id = tcon->server_id,
		.id = tcon->tcon_global_id,
		.session = tcon->session_global_id,
		.share = talloc_strdup(list, tcon->share_name),
		.why = why,
		.has_module = has_module(state->shares, tcon->share_name),
	};
	if (trees[list->num_trees].share == NULL) {
		state->nomem = true;
		return -1;
	}
	list->num_trees += 1;
	return 0;
}

static int name_clients_fn(DRAIN_SESSION_GLOBAL *session, void *private_data)
{
	struct open_tree_list *list = private_data;
	struct drain_addresses client = {.num = 0};
	size_t i;

	for (i = 0; i < session->num_channels; i++) {
		(void)drain_addresses_add(list, &client,
					  session->channels[i].remote_address);
	}
	for (i = 0; i < list->num_trees; i++) {
		if (list->trees[i].session == session->session_global_id) {
			list->trees[i].client = client;
		}
	}
	return 0;
}

struct open_tree_list *trees_unguarded(TALLOC_CTX *mem_ctx,
				       const struct share_list *shares,
				       const struct drain_record *record,
				       const struct alias_list *aliases,
				       const struct survey *survey,
				       const struct open_tree_list *among)
{
	struct collect_state state = {
		.list = talloc_zero(mem_ctx, struct open_tree_list),
		.shares = shares,
		.record = record,
		.aliases = aliases,
		.survey = survey,
		.among = among,
	};
	NTSTATUS status;

	if (state.list == NULL) {
		complain("out of memory");
		return NULL;
	}
	status = smbXsrv_tcon_global_traverse(collect_fn, &state);
	if (!NT_STATUS_IS_OK(status) || state.nomem) {
		complain("cannot read Samba's table of tree connects: %s",
			 state.nomem ? "out of memory" : nt_errstr(status));
		TALLOC_FREE(state.list);
		return NULL;
	}
	if (state.list->num_trees > 0) {
		/* Only for the message: without it the client is not named. */
		(void)smbXsrv_session_global_traverse(name_clients_fn,
						      state.list);
	}
	return state.list;
}

/*
 * Check repeatedly, so that tree connects in progress can settle. Only those of
 * the first check count: all smbds had read smb.conf by then, so later ones
 * have the module, whether the survey includes them or not.
 */
struct open_tree_list *trees_settled(TALLOC_CTX *mem_ctx,
				     struct tool *tool,
				     const struct share_list *shares,
				     const struct drain_record *record,
				     const struct alias_list *aliases,
				     struct survey **survey,
				     uint64_t deadline)
{
	struct open_tree_list *list = NULL; /* of the previous check */
	int look;

	for (look = 0; look < TREES_LOOKS; look++) {
		struct tevent_req *pause = NULL;

		list = trees_unguarded(mem_ctx, shares, record, aliases,
				       *survey, list);
		if (list == NULL || list->num_trees == 0 ||
		    tool_is_late(deadline) || look == TREES_LOOKS - 1) {
			break;
		}
		pause = tevent_wakeup_send(
			mem_ctx, tool->ev,
			timeval_current_ofs_msec(TREES_PAUSE_MSEC));
		if (pause == NULL || !tool_poll(tool, pause, deadline)) {
			break;
		}
		TALLOC_FREE(pause);
		*survey = survey_take(mem_ctx, tool, &record->id, false,
				      deadline);
		if (*survey == NULL || !(*survey)->complete) {
			break;
		}
	}
	return list;
}

/* Quote a name for the shell unless it has only letters, digits and "_.-". */
static const char *shell_quoted(const char *name)
{
	const char *p = name;

	while (isalnum((unsigned char)*p) || strchr("_.-", *p) != NULL) {
		if (*p == '\0') {
			return name;
		}
		p += 1;
	}
	return talloc_asprintf(talloc_tos(), "'%s'", show_text(name));
}

const char *trees_advice(const struct open_tree *tree)
{
	const char *smbd = show_server(tree->server_id);

	return talloc_asprintf(
		talloc_tos(),
		"client %s (smbd %s) is connected to share %s%s: \"smbcontrol "
		"%s close-share %s\" disconnects it, and closes the files that "
		"it has open there%s",
		show_client(&tree->client),
		smbd,
		show_text(tree->share),
		tree->why,
		smbd,
		shell_quoted(tree->share),
		tree->has_module ? "; it gets the module when it connects again"
				 : "");
}
