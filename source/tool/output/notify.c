/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The service manager, if one has started us and wants to know, is told how it
 * goes; see sd_notify(3).
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include <systemd/sd-daemon.h>

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
