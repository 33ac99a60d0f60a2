// SPDX-License-Identifier: GPL-3.0-or-later
/* Turn values into text that is safe to print. */

#ifndef _DRAIN_TOOL_BASE_TEXT_H_
#define _DRAIN_TOOL_BASE_TEXT_H_

#include "drain/samba_compat.h"

struct drain_addresses;
struct drain_record;

/** "pkg/office", safe to print. On talloc_tos(), as all below. */
const char *show_target(const struct drain_record *record);
const char *show_text(const char *untrusted);

/** "rwxd": read, write, execute, delete, ... */
/** The addresses of a client in one word. */
const char *show_client(const struct drain_addresses *client);
const char *show_access(uint32_t access);

/** "2026-11-23T20:15:01Z" */
const char *show_time(uint64_t usec);
const char *show_server(struct server_id id);

#endif /* _DRAIN_TOOL_BASE_TEXT_H_ */
