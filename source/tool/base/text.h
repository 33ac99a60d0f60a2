// SPDX-License-Identifier: GPL-3.0-or-later
/* Turn values into text that is safe to print. */

#ifndef _DRAIN_TOOL_BASE_TEXT_H_
#define _DRAIN_TOOL_BASE_TEXT_H_

#include "drain/samba_compat.h"

struct drain_addresses;
struct drain_record;

/**
 * Return "pkg/office", safe to print. All results in this file are on
 * talloc_tos().
 */
const char *show_target(const struct drain_record *record);
const char *show_text(const char *untrusted);

/** Return "rwxd" for read, write, execute, delete. */
/** Return the addresses of a client as one word. */
const char *show_client(const struct drain_addresses *client);
const char *show_access(uint32_t access);

/** Return a time as "2026-11-23T20:15:01Z". */
const char *show_time(uint64_t usec);
const char *show_server(struct server_id id);

#endif /* _DRAIN_TOOL_BASE_TEXT_H_ */
