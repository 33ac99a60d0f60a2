// SPDX-License-Identifier: GPL-3.0-or-later
/* Begin a drain and wait for it, for begin, run and wait. */

#include "protocol/begin.h"
#include "system/passwd.h"
#include "drain/codec.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/store.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/command.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/parents.h"
#include "samba/shares.h"
#include "smbd/holders.h"
#include "protocol/arm.h"
#include "protocol/end.h"
#include "protocol/progress.h"
#include "protocol/quiesce.h"
#include "protocol/terms.h"

#define BEGIN_ARM_MSEC 10000
#define BEGIN_ARM_LEAST_MSEC 2000 /* the least, even with a shorter timeout */

bool begin_smbd_runs(void)
{
	if (parents_any()) {
		return true;
	}
	complain("smbd is not running (with lock directory %s); start it, "
		 "name its smb.conf with -s, or, if inetd starts it, connect "
		 "a client first",
		 lp_lock_directory());
	return false;
}

uint64_t begin_deadline(const struct drain_terms *terms)
{
	uint64_t most = BEGIN_ARM_MSEC;

	if (terms->has_timeout) {
		most = MIN(most, MAX(terms->timeout, BEGIN_ARM_LEAST_MSEC));
	}
	return tool_deadline(most);
}

static const char *who_am_i(TALLOC_CTX *mem_ctx)
{
	const char *user = getenv("SUDO_USER");
	struct passwd *pw = getpwuid(getuid());
	char host[HOST_NAME_MAX + 1] = "";

	if (user == NULL) {
		user = (pw != NULL) ? pw->pw_name : "root";
	}
	(void)gethostname(host, sizeof(host) - 1);
	return talloc_asprintf(mem_ctx, "%s@%s (pid %d)", user, host,
			       (int)getpid());
}

static void set_deadline(struct drain_record *record,
			 const struct drain_terms *terms)
{
	if (terms->has_on_timeout) {
		record->deadline = drain_now() + terms->timeout * 1000;
		record->on_timeout = terms->on_timeout;
	}
}

/* Set the terms that options give; leave the others unchanged. */
static void set_terms(struct drain_record *record,
		      const struct drain_terms *terms)
{
	record->allow_unguarded |= terms->allow_unguarded;
	record->purge_durables |= terms->purge_durables;
	record->policy.let_holders_finish |= terms->let_holders_finish;
	if (terms->has_new_opens) {
		record->policy.hold_opens = terms->hold_opens;
	}
	if (terms->has_hold_timeout) {
		record->policy.hold_timeout = terms->hold_timeout;
	}
	set_deadline(record, terms);
	if (terms->reason != NULL) {
		record->reason = terms->reason;
	}
}

struct drain_record *begin_record(TALLOC_CTX *mem_ctx,
				  struct tool *tool,
				  const struct share_list *shares,
				  const char *target,
				  const struct drain_terms *terms,
				  struct drain_record **rival)
{
	struct drain_record *record = NULL;
	NTSTATUS status;

	*rival = NULL;
	record = shares_resolve(mem_ctx, shares, target);
	if (record == NULL) {
		return NULL;
	}
	record->id = drain_id_new();
	record->state = DRAIN_ARMING;
	record->begun = drain_now();
	set_terms(record, terms);
	record->by = who_am_i(record);
	if (record->by == NULL) {
		complain("out of memory");
		return NULL;
	}

	status = drain_store_add(tool->store, mem_ctx, record, rival);
	if (*rival != NULL && end_is_due(*rival) &&
	    NT_STATUS_IS_OK(end_at_deadline(tool, *rival))) {
		status = drain_store_add(tool->store, mem_ctx, record, rival);
	}
	if (NT_STATUS_IS_OK(status)) {
		drain_hold_wake(tool->locks, &record->id);
		return record;
	}
	if (*rival == NULL) {
		complain("cannot write the record of %s to %s: %s",
			 show_target(record), drain_store_name(tool->store),
			 tool_write_error(status));
	}
	return NULL;
}

bool begin_set_deadline(struct tool *tool,
			const struct drain_terms *terms,
			struct drain_record *record)
{
	NTSTATUS status;

	if (!terms->has_on_timeout) {
		return true;
	}
	set_deadline(record, terms);
	status = drain_store_set_deadline(tool->store, &record->id,
					  record->deadline,
					  record->on_timeout);
	if (NT_STATUS_IS_OK(status)) {
		drain_roster_tell(tool->locks);
		drain_hold_wake(tool->locks, &record->id);
		return true;
	}
	if (NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE) ||
	    NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)) {
		return true; /* quiescent or resumed: the wait will notice */
	}
	complain("cannot set the deadline of %s: %s", show_target(record),
		 tool_write_error(status));
	return false;
}

bool begin_go_on(struct tool *tool,
		 const struct drain_terms *terms,
		 struct drain_record *rival)
{
	NTSTATUS status;

	if (rival->state != DRAIN_ARMING) {
		return begin_set_deadline(tool, terms, rival);
	}
	set_terms(rival, terms);
	status = drain_store_change_arming(tool->store, rival);
	if (NT_STATUS_IS_OK(status) ||
	    NT_STATUS_EQUAL(status, NT_STATUS_INVALID_DEVICE_STATE)) {
		return true; /* or armed in the meantime: its terms stay */
	}
	complain("cannot continue the drain of %s: %s", show_target(rival),
		 NT_STATUS_EQUAL(status, NT_STATUS_NOT_FOUND)
			 ? "another process has resumed it"
			 : tool_write_error(status));
	return false;
}

void begin_complain_of(const struct drain_record *rival)
{
	complain("cannot begin a drain of %s: it is already %s, since %s by "
		 "%s%s%s; see \"smbdrain status\", or end it with \"smbdrain "
		 "resume %s\"",
		 show_target(rival), drain_state_string(rival->state),
		 show_time(rival->begun), show_text(rival->by),
		 rival->reason[0] != '\0' ? ": " : "",
		 show_text(rival->reason), show_target(rival));
}

static void complain_of(struct tool *tool,
			const struct drain_record *record,
			enum quiesce_result result)
{
	switch (result) {
	case QUIESCE_RESUMED:
		complain("stopped waiting for %s: another process has resumed "
			 "it", show_target(record));
		break;
	case QUIESCE_TIMED_OUT:
		holders_complain(tool, record, HOLDERS_TO_NAME);
		break;
	case QUIESCE_UNGUARDED:
		arm_complain(record);
		break;
	case QUIESCE_DONE:
	case QUIESCE_GAVE_UP:
	case QUIESCE_STOPPED:
	case QUIESCE_FAILED:
		break;
	}
}

enum quiesce_result arm_and_wait(struct tool *tool,
				 const struct share_list *shares,
				 const struct drain_terms *terms,
				 const struct drain_record *record,
				 uint64_t deadline)
{
	struct progress *progress = NULL;
	enum quiesce_result result;

	if (record->state == DRAIN_ARMING &&
	    !arm(tool, shares, record, begin_deadline(terms))) {
		return QUIESCE_FAILED;
	}
	progress = progress_start(tool, tool, record);
	result = quiesce(tool, shares, terms, record, deadline);
	progress_end(progress);
	complain_of(tool, record, result);
	return result;
}

static void stop_fn(struct tevent_context *ev _UNUSED_,
		    struct tevent_signal *se _UNUSED_,
		    int signum,
		    int count _UNUSED_,
		    void *siginfo _UNUSED_,
		    void *private_data)
{
	struct tool *tool = private_data;

	tool->stop_signal = signum;
}

/* Say what happens to the drain, then die of the signal as if not caught. */
static void die_of_signal(const struct tool *tool,
			  const struct drain_record *record)
{
	const char *target = show_target(record);

	complain("interrupted; %s stays drained: \"smbdrain wait %s\" waits "
		 "again, \"smbdrain resume %s\" ends the drain", target,
		 target, target);
	(void)output_flush();
	(void)signal(tool->stop_signal, SIG_DFL);
	(void)raise(tool->stop_signal);
}

enum quiesce_result begin_wait(struct tool *tool,
			       const struct share_list *shares,
			       const struct drain_terms *terms,
			       const struct drain_record *record)
{
	uint64_t deadline = UINT64_MAX;
	enum quiesce_result result;

	/* With --on-timeout it is the drain's deadline, not the wait's */
	if (terms->has_timeout && !terms->has_on_timeout) {
		deadline = tool_deadline(terms->timeout);
	}
	if (!command_catch_signals(tool, tool, stop_fn, tool)) {
		complain("out of memory");
		return QUIESCE_FAILED;
	}
	result = arm_and_wait(tool, shares, terms, record, deadline);
	if (result == QUIESCE_DONE) {
		printf("%s is quiescent\n", show_target(record));
	} else if (tool->stop_signal != 0) {
		die_of_signal(tool, record);
	}
	return result;
}
