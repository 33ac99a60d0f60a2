// SPDX-License-Identifier: GPL-3.0-or-later
/* Wait until an armed drain is quiescent. */

#ifndef _DRAIN_TOOL_PROTOCOL_QUIESCE_H_
#define _DRAIN_TOOL_PROTOCOL_QUIESCE_H_

#include "drain/samba_compat.h"

struct drain_record;
struct drain_terms;
struct share_list;
struct tool;

enum quiesce_result {
	QUIESCE_DONE, /* by us or by another waiter */
	QUIESCE_RESUMED, /* another process has ended the drain */
	QUIESCE_TIMED_OUT,
	QUIESCE_GAVE_UP, /* at the deadline, and resumed the drain */
	/* smb.conf now lets clients reach the target without the module */
	QUIESCE_UNGUARDED,
	QUIESCE_STOPPED, /* by tool->stop_signal */
	QUIESCE_FAILED, /* after an error message */
};

/**
 * Wait until no counted handle is left, and record that the drain is quiescent.
 * The drain must be armed.
 *
 * @param[in] deadline  The deadline of this wait. The deadline in the record
 * applies, too.
 */
enum quiesce_result quiesce(struct tool *tool,
			    const struct share_list *shares,
			    const struct drain_terms *terms,
			    const struct drain_record *record,
			    uint64_t deadline);

#endif /* _DRAIN_TOOL_PROTOCOL_QUIESCE_H_ */
