// SPDX-License-Identifier: GPL-3.0-or-later
/* Report the state to the service manager; see sd_notify(3). */

#ifndef _DRAIN_TOOL_OUTPUT_NOTIFY_H_
#define _DRAIN_TOOL_OUTPUT_NOTIFY_H_

#include "drain/samba_compat.h"

struct drain_record;

/** Whether a service manager has started us, and listens. */
bool notify_is_wanted(void);

/** Tell it how it goes, in one line. */
void notify_status(const char *line);

/** Tell it that units that come after ours can be started now. */
void notify_quiescent(const struct drain_record *record);

#endif /* _DRAIN_TOOL_OUTPUT_NOTIFY_H_ */
