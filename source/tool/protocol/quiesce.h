// SPDX-License-Identifier: GPL-3.0-or-later
/* Wait until an armed drain is quiescent. */

#ifndef _DRAIN_TOOL_PROTOCOL_QUIESCE_H_
#define _DRAIN_TOOL_PROTOCOL_QUIESCE_H_

#include "drain/samba_compat.h"

struct drain_record;
struct share_list;
struct tool;

enum quiesce_result {
	QUIESCE_DONE, /* by us or by another waiter */
	QUIESCE_RESUMED, /* somebody has ended the drain */
	QUIESCE_TIMED_OUT,
	QUIESCE_GAVE_UP, /* and opened it again, as its deadline says */
	QUIESCE_UNGUARDED, /* smb.conf has a way past the module now */
	QUIESCE_STOPPED, /* tool->stop_signal */
	QUIESCE_FAILED, /* after a complaint */
};

/**
 * Wait until nothing counted is open, and record it. It must be armed.
 *
 * @param[in] deadline  Of this wait; the drain's own, in its record, is
 *                      minded too.
 */
enum quiesce_result quiesce(struct tool *tool,
			    const struct share_list *shares,
			    const struct drain_record *record,
			    uint64_t deadline);

#endif /* _DRAIN_TOOL_PROTOCOL_QUIESCE_H_ */
