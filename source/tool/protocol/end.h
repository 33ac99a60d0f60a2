// SPDX-License-Identifier: GPL-3.0-or-later
/* End a drain. */

#ifndef _DRAIN_TOOL_PROTOCOL_END_H_
#define _DRAIN_TOOL_PROTOCOL_END_H_

#include "drain/samba_compat.h"

struct drain_id;
struct drain_record;
struct tool;

enum end_owner {
	END_IS_OURS, /* until drain_owner_release() or the end of the process */
	END_IS_OF_A_RUN, /* this process can be its command */
	/* after an error message, or if tool->stop_signal is set */
	END_IS_NOT_OURS,
};

/**
 * Take owner(id), so that no other process resumes the drain, except with
 * --force: a running command must not find the share open. Waits some seconds
 * for a process that is resuming the drain.
 */
enum end_owner end_own(struct tool *tool, const struct drain_record *record);

/**
 * Like drain_end_claim(), but wait some seconds for a process that is resuming
 * the drain: it holds the locks for a moment, even after the record is gone.
 *
 * @return NT_STATUS_NOT_FOUND: the drain has ended; NT_STATUS_IO_TIMEOUT: @who
 * works on it.
 */
NTSTATUS end_claim(struct tool *tool,
		   const struct drain_id *id,
		   struct server_id *who);

/**
 * Remove the record and notify all smbds and waiters. The caller must hold
 * drain_end_claim().
 *
 * @return NT_STATUS_NOT_FOUND: it had ended before.
 */
NTSTATUS end_drain(struct tool *tool, const struct drain_record *record);

/**
 * Return true, after an error message, if a publish of the share was
 * interrupted. While the caller holds drain_end_claim(), no publish can begin.
 */
bool end_is_half_published(struct tool *tool, const struct drain_id *id);

/**
 * Return true if the deadline has passed and the drain is to be resumed then.
 */
bool end_is_due(const struct drain_record *record);

/**
 * Resume a drain at its deadline, and print that.
 *
 * @return NT_STATUS_NOT_FOUND: it had ended before; NT_STATUS_IO_TIMEOUT: a
 * command uses it; NT_STATUS_INVALID_DEVICE_STATE: it has become quiescent, or
 * its deadline was extended.
 */
NTSTATUS end_at_deadline(struct tool *tool, const struct drain_record *record);

/**
 * Resume all drains whose deadline is due and that no process uses. Verbs call
 * this before they read the records.
 */
void end_all_due(struct tool *tool);

#endif /* _DRAIN_TOOL_PROTOCOL_END_H_ */
