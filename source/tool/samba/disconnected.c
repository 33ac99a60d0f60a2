// SPDX-License-Identifier: GPL-3.0-or-later
/* Recognize disconnected durable handles in Samba's table of open files. */

#include "samba/disconnected.h"
#include "drain/alive.h"

bool entry_is_disconnected(const struct share_mode_entry *e)
{
	if (drain_entry_is_persistent(e) && !drain_is_alive(&e->pid)) {
		return true;
	}
	return server_id_is_disconnected(&e->pid);
}
