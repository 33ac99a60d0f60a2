// SPDX-License-Identifier: GPL-3.0-or-later
/* Report the state to the service manager; see sd_notify(3). */

#ifndef _DRAIN_TOOL_OUTPUT_NOTIFY_H_
#define _DRAIN_TOOL_OUTPUT_NOTIFY_H_

#include "drain/samba_compat.h"

struct drain_record;

/** Return true if a service manager started us and accepts messages. */
bool notify_is_wanted(void);

/** Report the state in one line. */
void notify_status(const char *line);

/** Report that the units ordered after ours can be started. */
void notify_quiescent(const struct drain_record *record);

#endif /* _DRAIN_TOOL_OUTPUT_NOTIFY_H_ */
