// SPDX-License-Identifier: GPL-3.0-or-later
/* Collect the current state of a drain. */

#include "protocol/view.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/clock.h"
#include "base/tool.h"
#include "samba/handles.h"
#include "smbd/survey.h"

static void count_answers(struct view *view)
{
	uint64_t now = drain_now();
	uint64_t since = now;
	size_t i;

	for (i = 0; i < view->survey->num_smbds; i++) {
		const struct survey_smbd *s = &view->survey->smbds[i];

		view->holders += s->holders;
		view->num_silent += view_is_silent(s);
		if (s->parked > 0) {
			view->waiting += s->parked;
			since = MIN(since, s->parked_since);
		}
	}
	view->longest_wait = (now - since) / 1000;
}

bool view_ask(TALLOC_CTX *mem_ctx,
	      struct tool *tool,
	      const struct drain_record *record,
	      uint64_t patience,
	      struct view *view)
{
	*view = (struct view) {.record = record};
	view->survey = survey_take(mem_ctx, tool, &record->id,
				   tool->on_gone != NULL,
				   tool_deadline(patience));
	if (view->survey == NULL) {
		return false;
	}
	count_answers(view);
	return true;
}

bool view_take(TALLOC_CTX *mem_ctx,
	       struct tool *tool,
	       const struct drain_record *record,
	       struct view *view)
{
	struct open_handle_list *left = NULL;

	if (!view_ask(mem_ctx, tool, record, VIEW_MSEC, view) ||
	    !handles_start()) {
		return false;
	}
	left = handles_scan(mem_ctx, tool, record);
	if (left == NULL) {
		return false;
	}
	view->holders += left->num_handles;
	TALLOC_FREE(left);
	return true;
}

bool view_is_silent(const struct survey_smbd *smbd)
{
	return !(smbd->answered && smbd->obeys);
}
