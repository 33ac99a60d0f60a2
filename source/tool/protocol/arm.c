// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Take a drain from arming to armed.
 *
 * A drain is armed when every smbd has acknowledged it and no connection
 * reaches the target past the module.
 */

#include "protocol/arm.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/smbconf.h"
#include "drain/store.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf_files.h"
#include "samba/mounts.h"
#include "samba/namespace.h"
#include "samba/nodes.h"
#include "samba/shares.h"
#include "smbd/reload.h"
#include "smbd/survey.h"
#include "protocol/trees.h"

#define ARM_ASK_MSEC 2000

/*
 * Report a share without the module, or with a module before it that can hide
 * opens.
 */
static void complain_of_module(const struct share *s)
{
	char *advice = share_advice(talloc_tos(), s);
	char *how = (s->module_index < 0)
			    ? talloc_strdup(talloc_tos(), "without the module")
			    : talloc_asprintf(talloc_tos(), "past the module, "
					      "which comes after %s",
					      show_text(s->before));

	complain("share %s (%s%s) reaches the target %s: %s", s->name,
		 show_text(s->path),
		 (s->from != NULL) ? ", for some clients" : "",
		 (how != NULL) ? how : "?",
		 (advice != NULL) ? show_text(advice) : "?");
	TALLOC_FREE(how);
	TALLOC_FREE(advice);
}

static size_t complain_of_share(const struct share *s,
				const struct drain_record *record,
				const struct alias_list *aliases)
{
	const char *alias = NULL;

	if (!share_passes_by(s, record, aliases, &alias)) {
		return 0;
	}
	if (alias == NULL) {
		complain_of_module(s);
	} else {
		complain("share %s (%s) reaches the target through a mount, as "
			 "%s, which the module does not cover: remove the "
			 "mount or the share",
			 s->name, show_text(s->path), show_text(alias));
	}
	return 1;
}

static void complain_of_shares(const struct share_list *shares,
			       const struct drain_record *record,
			       const struct alias_list *aliases,
			       size_t *num)
{
	size_t i;

	for (i = 0; i < shares->num_shares; i++) {
		*num += complain_of_share(&shares->shares[i], record, aliases);
	}
}

size_t arm_unknown(const struct tool *tool)
{
	/*
	 * Shares in files that cannot be listed inherit "vfs objects" from
	 * [global].
	 */
	if (drain_smbconf_module_index(GLOBAL_SECTION_SNUM) >= 0 &&
	    drain_smbconf_module_before(GLOBAL_SECTION_SNUM) == NULL) {
		return 0;
	}
	return tool->conf->num_unknown;
}

static void complain_of_unknown(const struct tool *tool, size_t *num)
{
	const size_t num_unknown = arm_unknown(tool);
	size_t i;

	for (i = 0; i < num_unknown; i++) {
		complain("\"%s\" in smb.conf may define shares that reach the "
			 "target without the module: put \"drain\" first in "
			 "\"vfs objects\" of [global], or name a file that is "
			 "the same for all clients",
			 show_text(tool->conf->unknown[i]));
	}
	*num += num_unknown;
}

bool arm_is_passed_by(const struct tool *tool,
		      TALLOC_CTX *mem_ctx,
		      const struct share_list *shares,
		      const struct drain_record *record)
{
	struct alias_list *aliases = mounts_aliases(mem_ctx, record);
	size_t num = 0;

	if (aliases == NULL) {
		return true;
	}
	complain_of_shares(shares, record, aliases, &num);
	complain_of_unknown(tool, &num);
	return num > 0;
}

void arm_complain(const struct drain_record *record)
{
	complain("%s is not armed: \"smbdrain wait\" tries again, \"smbdrain "
		 "resume\" ends the drain", show_target(record));
}

static void complain_of_trees(const struct open_tree_list *list, size_t *num)
{
	size_t i;

	for (i = 0; i < list->num_trees; i++) {
		complain("%s", trees_advice(&list->trees[i]));
		*num += 1;
	}
}

static void complain_of_nodes(const struct lost_node_list *list, size_t *num)
{
	size_t i;

	for (i = 0; i < list->num_nodes; i++) {
		const struct lost_node *node = &list->nodes[i];

		complain("node %u (%s) does not answer and may still serve the "
			 "target: bring it back, or shut it down",
			 node->number, node->address);
		*num += 1;
	}
}

static size_t complain_of_silence(const struct survey *survey)
{
	size_t num = 0;
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		const struct survey_smbd *s = &survey->smbds[i];

		if (!s->answered) {
			complain("%s", survey_silence(s));
			num += 1;
		}
	}
	return num;
}

static size_t complain_of_refusal(const struct survey *survey)
{
	size_t num = 0;
	size_t i;

	for (i = 0; i < survey->num_smbds; i++) {
		const struct survey_smbd *s = &survey->smbds[i];

		if (s->answered && !s->obeys) {
			complain("smbd %s could not apply the drain: %s",
				 show_server(s->id),
				 s->last_error[0] != '\0'
					 ? show_text(s->last_error)
					 : "it cannot find the record");
			num += 1;
		}
	}
	return num;
}

static bool step_to_armed(struct tool *tool, const struct drain_record *record)
{
	NTSTATUS status;

	status = drain_store_step(tool->store, &record->id, DRAIN_ARMING,
				  DRAIN_ARMED);
	if (NT_STATUS_IS_OK(status)) {
		drain_hold_wake(tool->locks, &record->id);
		return true;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		return true; /* another tool was quicker */
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		complain("cannot arm %s: another process has resumed it",
			 show_target(record));
		return false;
	}
	complain("cannot record that %s is armed: %s",
		 show_target(record), tool_write_error(status));
	return false;
}

static bool look_around(struct tool *tool,
			TALLOC_CTX *mem_ctx,
			const struct share_list *shares,
			const struct drain_record *record,
			uint64_t deadline)
{
	struct lost_node_list *nodes = NULL;
	struct open_tree_list *trees = NULL;
	struct alias_list *aliases = NULL;
	struct survey *survey = NULL;
	size_t num = 0;

	nodes = nodes_lost(mem_ctx, tool, deadline);
	aliases = mounts_aliases(mem_ctx, record);
	if (nodes == NULL || aliases == NULL) {
		return false;
	}
	survey = survey_take(mem_ctx, tool, &record->id,
			     tool->on_gone != NULL, deadline);
	if (survey == NULL || tool->stop_signal != 0) {
		return false;
	}
	if (!survey->complete) {
		(void)complain_of_silence(survey);
		return false;
	}
	if (!reload_if_changed(tool, deadline)) {
		return false;
	}

	trees = trees_settled(mem_ctx, tool, shares, record, aliases, &survey,
			      deadline);
	if (trees == NULL || survey == NULL) {
		return false;
	}
	if (complain_of_silence(survey) > 0 ||
	    complain_of_refusal(survey) > 0) {
		return false;
	}
	/*
	 * Check again: an smbd that started before the record existed has not
	 * checked for us.
	 */
	if (!namespace_is_shared()) {
		return false;
	}

	TALLOC_FREE(tool->armed);
	tool->armed = talloc_steal(tool, survey);
	complain_of_shares(shares, record, aliases, &num);
	complain_of_unknown(tool, &num);
	complain_of_trees(trees, &num);
	complain_of_nodes(nodes, &num);
	if (num > 0 && !record->allow_unguarded) {
		return false;
	}
	if (num > 0) {
		complain("continuing because of --allow-unguarded: opens that "
			 "bypass the module as listed above are not refused");
	}
	return true;
}

/*
 * Repeat the check until no recovery falls into it: reads during a recovery can
 * be incomplete.
 */
static bool is_guarded(struct tool *tool,
		       TALLOC_CTX *mem_ctx,
		       const struct share_list *shares,
		       const struct drain_record *record,
		       uint64_t deadline)
{
	uint32_t before = 0;
	uint32_t after = 0;
	bool steady;

	do {
		steady = nodes_steady(tool, &before);
		if (!look_around(tool, mem_ctx, shares, record, deadline)) {
			return false;
		}
		steady = nodes_steady(tool, &after) && steady &&
			 before == after;
	} while (!steady && !tool_is_late(deadline) &&
		 tool->stop_signal == 0);
	if (!steady) {
		complain("cannot query the cluster: its recovery has not "
			 "finished; see \"ctdb status\"");
	}
	return steady;
}

bool arm(struct tool *tool,
	 const struct share_list *shares,
	 const struct drain_record *record,
	 uint64_t deadline)
{
	TALLOC_CTX *frame = talloc_stackframe();
	bool armed = false;

	if (is_guarded(tool, frame, shares, record, deadline)) {
		armed = step_to_armed(tool, record);
	} else if (tool->stop_signal == 0) {
		arm_complain(record);
	}
	TALLOC_FREE(frame);
	return armed;
}

bool arm_again(struct tool *tool,
	       const struct share_list *shares,
	       const struct drain_record *record,
	       uint64_t deadline)
{
	TALLOC_CTX *frame = talloc_stackframe();
	bool ok = is_guarded(tool, frame, shares, record, deadline);

	TALLOC_FREE(frame);
	return ok;
}

bool arm_is_known_to_all(struct tool *tool,
			 const struct share_list *shares,
			 const struct drain_record *record)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const uint64_t deadline = tool_deadline(ARM_ASK_MSEC);
	struct lost_node_list *nodes = NULL;
	struct open_tree_list *trees = NULL;
	struct alias_list *aliases = NULL;
	struct survey *survey = NULL;
	bool yes = false;

	nodes = nodes_lost(frame, tool, deadline);
	aliases = mounts_aliases(frame, record);
	survey = survey_take(frame, tool, &record->id, tool->on_gone != NULL,
			     deadline);
	if (nodes != NULL && aliases != NULL && survey != NULL &&
	    survey->complete) {
		trees = trees_unguarded(frame, shares, record, aliases, survey,
					NULL);
	}
	if (trees != NULL) {
		yes = record->allow_unguarded ||
		      nodes->num_nodes + trees->num_trees == 0;
	}
	TALLOC_FREE(frame);
	return yes;
}
