// SPDX-License-Identifier: GPL-3.0-or-later
/* End a drain. */

#ifndef _DRAIN_TOOL_PROTOCOL_END_H_
#define _DRAIN_TOOL_PROTOCOL_END_H_

#include "drain/samba_compat.h"

struct drain_id;
struct drain_record;
struct tool;

enum end_owner {
	END_IS_OURS, /* until drain_owner_release() or our own end */
	END_IS_OF_A_RUN, /* whose command we may be */
	END_IS_NOT_OURS, /* after a complaint, or tool->stop_signal */
};

/**
 * From here on nobody else resumes the drain, other than by force: nobody's
 * command shall find itself on an open share. Waits some seconds for who is
 * resuming it.
 */
enum end_owner end_own(struct tool *tool, const struct drain_record *record);

/**
 * drain_end_claim(), which waits some seconds for somebody who resumes it: that
 * one has the locks for a moment, also after the record is gone.
 *
 * @return NT_STATUS_NOT_FOUND: the drain has ended; NT_STATUS_IO_TIMEOUT: @who
 *         works on it.
 */
NTSTATUS end_claim(struct tool *tool,
		   const struct drain_id *id,
		   struct server_id *who);

/**
 * Take the record away and tell everybody. The caller owns the end of the
 * drain, and nobody publishes (drain_end_claim()).
 *
 * @return NT_STATUS_NOT_FOUND: it had ended before.
 */
NTSTATUS end_drain(struct tool *tool, const struct drain_record *record);

/**
 * Was a publish of the share interrupted? Complains, with both ways out. Nobody
 * can begin one meanwhile if the caller has drain_end_claim().
 */
bool end_is_half_published(struct tool *tool, const struct drain_id *id);

/** Has the drain's deadline come, and is it to be resumed then? */
bool end_is_due(const struct drain_record *record);

/**
 * Resume a drain whose deadline says so, with a word to the person.
 *
 * @return NT_STATUS_NOT_FOUND: it had ended before; NT_STATUS_IO_TIMEOUT: a
 *         command is at work on it; NT_STATUS_INVALID_DEVICE_STATE: it is
 *         quiescent by now, or has been given more time.
 */
NTSTATUS end_at_deadline(struct tool *tool, const struct drain_record *record);

/**
 * Resume all drains whose deadline says so, and on which nobody works. Whoever
 * looks does that.
 */
void end_all_due(struct tool *tool);

#endif /* _DRAIN_TOOL_PROTOCOL_END_H_ */
