// SPDX-License-Identifier: GPL-3.0-or-later
/* Report the state to the service manager; see sd_notify(3). */

#include "output/notify.h"
#include <systemd/sd-daemon.h>
#include "drain/record.h"
#include "base/text.h"

bool notify_is_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

void notify_status(const char *line)
{
	(void)sd_notifyf(0, "STATUS=%s", line);
}

void notify_quiescent(const struct drain_record *record)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s is quiescent",
			 show_target(record));
}
