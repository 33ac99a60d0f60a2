// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find what prevents a drain at present, for "smbdrain check".
 */

#include "verb/check_now.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "base/clock.h"
#include "base/tool.h"
#include "samba/mounts.h"
#include "samba/parents.h"
#include "smbd/survey.h"
#include "protocol/trees.h"
#include "verb/findings.h"

#define CHECK_MSEC 5000 /* how long smbds may take to answer */

static size_t check_silence(struct findings *f, const struct survey *survey)
{
	size_t num = 0;
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		if (!survey->smbds[i].answered) {
			check_problem(f, NULL, "%s",
				      survey_silence(&survey->smbds[i]));
			num += 1;
		}
	}
	return num;
}

/*
 * Check for clients without the module. Those of an smbd that does not answer
 * are unknown.
 */
static bool check_clients(struct findings *f,
			  struct tool *tool,
			  TALLOC_CTX *mem_ctx,
			  const struct share_list *shares,
			  const struct drain_record *paths)
{
	const uint64_t deadline = tool_deadline(CHECK_MSEC);
	struct alias_list *aliases = mounts_aliases(mem_ctx, paths);
	struct open_tree_list *trees = NULL;
	struct survey *survey = NULL;
	size_t i;

	survey = survey_take(mem_ctx, tool, &paths->id, false, deadline);
	if (aliases == NULL || survey == NULL) {
		return false;
	}
	if (check_silence(f, survey) > 0) {
		return true;
	}
	trees = trees_settled(mem_ctx, tool, shares, paths, aliases, &survey,
			      deadline);
	if (trees == NULL || survey == NULL) {
		return false;
	}
	for (i = 0; i < trees->num_trees; i++) {
		check_problem(f, NULL, "%s", trees_advice(&trees->trees[i]));
	}
	return true;
}

bool check_now(struct findings *f,
	       struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *paths)
{
	TALLOC_CTX *frame = NULL;
	bool ok;

	if (!parents_any()) {
		check_problem(f, NULL,
			      "smbd is not running (with lock directory %s)",
			      lp_lock_directory());
		return true;
	}
	frame = talloc_stackframe();
	ok = check_clients(f, tool, frame, shares, paths);
	TALLOC_FREE(frame);
	return ok;
}
