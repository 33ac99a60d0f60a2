// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ask every smbd on the roster for its state: does it apply the drain?
 *
 * smbds come and go during a survey, and messages may be lost. So the roster is
 * read again, and unresponsive smbds on it are asked again, until all smbds on
 * it have answered.
 */

#include "smbd/survey.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "smbd/ask.h"

#define SURVEY_AGAIN_MSEC 500

struct survey_state {
	struct tool *tool;
	struct survey *survey;
	/* ask only its smbds that have holders; NULL: ask all of the roster */
	const struct survey *among;
	struct drain_request request;
	struct ask_round round;
	size_t num_silent;
	bool nomem;
};

static int compare_smbds(const void *a, const void *b)
{
	const struct survey_smbd *x = a;
	const struct survey_smbd *y = b;

	return server_id_cmp(&x->id, &y->id);
}

static struct survey_smbd *find_smbd(const struct survey *survey,
				     const struct server_id *id)
{
	struct survey_smbd key = {.id = *id};

	if (survey->num_smbds == 0) {
		return NULL;
	}
	return bsearch(&key, survey->smbds, survey->num_smbds, sizeof(key),
		       compare_smbds);
}

static void one_less(struct survey_state *state)
{
	state->num_silent -= 1;
	state->round.over = state->num_silent == 0 || state->nomem;
}

static void receive_state(const struct drain_reply *reply,
			  struct server_id src,
			  void *private_data)
{
	struct survey_state *state = private_data;
	const struct drain_tell_state *tell = &reply->body.state;
	struct survey_smbd *smbd = find_smbd(state->survey, &src);

	bool first;

	if (reply->tell != DRAIN_TELL_STATE || smbd == NULL) {
		return;
	}
	first = !smbd->answered;
	smbd->answered = true;
	smbd->obeys = GUID_equal(&tell->id, &state->request.body.apply.id);
	smbd->holders = tell->holders;
	smbd->parked = tell->parked;
	smbd->parked_since = tell->parked_since;
	smbd->errors = tell->errors;
	smbd->last_error = drain_bytes_string(state->survey,
					      &tell->last_error);
	smbd->trees = talloc_memdup(state->survey, tell->trees,
				    tell->num_trees * sizeof(uint32_t));
	smbd->num_trees = (smbd->trees != NULL) ? tell->num_trees : 0;
	state->nomem |= smbd->last_error == NULL;
	if (first) {
		one_less(state);
		ask_round_heard(&state->round, true);
	}
}

/*
 * Return true if the smbd has died. One that has answered need not be checked:
 * the answer shows that it is alive.
 */
static bool is_dead(const struct survey_smbd *smbd)
{
	return smbd->gone ||
	       (!smbd->answered && !drain_is_alive(&smbd->id));
}

static NTSTATUS list_holders(const struct survey *survey,
			     TALLOC_CTX *mem_ctx,
			     struct server_id **_ids,
			     size_t *num)
{
	struct server_id *ids = talloc_array(mem_ctx, struct server_id,
					     survey->num_smbds);
	size_t i;

	*_ids = ids;
	*num = 0;
	for (i = 0; ids != NULL && i < survey->num_smbds; i++) {
		if (survey->smbds[i].holders > 0) {
			ids[*num] = survey->smbds[i].id;
			*num += 1;
		}
	}
	return (ids != NULL) ? NT_STATUS_OK : NT_STATUS_NO_MEMORY;
}

static NTSTATUS list_members(struct survey_state *state,
			     struct server_id **members,
			     size_t *num)
{
	if (state->among != NULL) {
		return list_holders(state->among, state->survey, members, num);
	}
	return drain_roster_members(state->tool->locks, state->survey, members,
				    num);
}

/*
 * Read the roster again. Remove smbds that have died or left, add new ones, and
 * keep the answers of the others.
 */
static bool read_roster(struct survey_state *state)
{
	struct survey *survey = state->survey;
	struct survey_smbd *smbds = NULL;
	struct server_id *members = NULL;
	size_t num_members = 0;
	size_t num = 0;
	NTSTATUS status;
	size_t i;

	status = list_members(state, &members, &num_members);
	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read the list of smbds: %s",
			 nt_errstr(status));
		return false;
	}
	smbds = talloc_array(survey, struct survey_smbd, num_members);
	if (smbds == NULL) {
		complain("out of memory");
		return false;
	}

	state->num_silent = 0;
	for (i = 0; i < num_members; i++) {
		const struct survey_smbd *old = find_smbd(survey, &members[i]);

		if (old != NULL && is_dead(old)) {
			continue;
		}
		smbds[num] = (old != NULL)
				     ? *old
				     : (struct survey_smbd) {.id = members[i]};
		state->num_silent += !smbds[num].answered;
		num += 1;
	}
	TYPESAFE_QSORT(smbds, num, compare_smbds);
	TALLOC_FREE(members);
	TALLOC_FREE(survey->smbds);
	survey->smbds = smbds;
	survey->num_smbds = num;
	return true;
}

static bool ask_smbd(size_t i, void *private_data)
{
	struct survey_state *state = private_data;
	struct survey_smbd *smbd = &state->survey->smbds[i];
	NTSTATUS status;

	if (smbd->answered) {
		return false;
	}
	status = drain_request_send(state->tool->msg_ctx, smbd->id,
				    &state->request);
	if (!NT_STATUS_IS_OK(status) && !drain_is_alive(&smbd->id)) {
		smbd->gone = true;
		one_less(state);
		return false;
	}
	return true;
}

static bool ask_the_silent(struct survey_state *state, uint64_t deadline)
{
	state->round = (struct ask_round) {
		.num = state->survey->num_smbds,
		.ask = ask_smbd,
		.private_data = state,
	};
	ask_round_start(&state->round);
	if (!ask_round_hear(state->tool, &state->round, SURVEY_AGAIN_MSEC,
			    deadline) ||
	    state->nomem) {
		complain("out of memory");
		return false;
	}
	return true;
}

static bool run_survey(struct survey_state *state, uint64_t deadline)
{
	for (;;) {
		if (!read_roster(state)) {
			return false;
		}
		if (state->num_silent == 0) {
			state->survey->complete = true;
			return true;
		}
		if (tool_is_late(deadline) || state->tool->stop_signal != 0) {
			return true;
		}
		if (!ask_the_silent(state, deadline)) {
			return false;
		}
	}
}

static struct survey *take_of(const struct survey *among,
			      TALLOC_CTX *mem_ctx,
			      struct tool *tool,
			      const struct drain_id *id,
			      bool watch,
			      uint64_t deadline)
{
	struct survey_state state = {
		.tool = tool,
		.among = among,
		.survey = talloc_zero(mem_ctx, struct survey),
		.request = {
			.ask = DRAIN_ASK_APPLY,
			.cookie = ask_new_cookie(tool),
			.body.apply.id = drain_id_to_guid(id),
			.body.apply.flags = watch ? DRAIN_APPLY_WATCH : 0,
		},
	};
	struct ask_listener *listener = NULL;

	if (state.survey != NULL) {
		listener = ask_listen(state.survey,
				      tool,
				      state.request.cookie,
				      receive_state,
				      &state);
	}
	if (listener == NULL) {
		complain("out of memory");
		TALLOC_FREE(state.survey);
		return NULL;
	}
	if (!run_survey(&state, deadline)) {
		TALLOC_FREE(state.survey);
		return NULL;
	}
	TALLOC_FREE(listener);
	return state.survey;
}

struct survey *survey_take(TALLOC_CTX *mem_ctx,
			   struct tool *tool,
			   const struct drain_id *id,
			   bool watch,
			   uint64_t deadline)
{
	return take_of(NULL, mem_ctx, tool, id, watch, deadline);
}

struct survey *survey_holders(const struct survey *before,
			      TALLOC_CTX *mem_ctx,
			      struct tool *tool,
			      const struct drain_id *id,
			      uint64_t deadline)
{
	return take_of(before, mem_ctx, tool, id, tool->on_gone != NULL,
		       deadline);
}

bool survey_guards(const struct survey *survey,
		   const struct server_id *id,
		   uint32_t tree)
{
	const struct survey_smbd *smbd = find_smbd(survey, id);
	uint32_t i;

	if (smbd == NULL || !smbd->obeys) {
		return false;
	}
	for (i = 0; i < smbd->num_trees; i++) {
		if (smbd->trees[i] == tree) {
			return true;
		}
	}
	return false;
}

const char *survey_silence(const struct survey_smbd *smbd)
{
	return talloc_asprintf(talloc_tos(),
			       "smbd %s has not answered: see what it is "
			       "doing, or end it with kill",
			       show_server(smbd->id));
}
