// SPDX-License-Identifier: GPL-3.0-or-later
/* Build and print JSON documents. */

#ifndef _DRAIN_TOOL_OUTPUT_JSON_H_
#define _DRAIN_TOOL_OUTPUT_JSON_H_

#include "drain/samba_compat.h"
#include <jansson.h>

struct drain_addresses;
struct drain_record;

#define SHOW_JSON_VERSION 1 /* version of the documents */

/** Return a JSON string that is valid UTF-8 for any input. */
json_t *show_json_text(const char *untrusted);

/** Return a time, or null for 0. */
json_t *show_json_time(uint64_t usec);

/** Return a new document with its version. */
json_t *show_json_new(void);

/**
 * Return "pkg/office" as typed on the command line, not escaped for display.
 */
json_t *show_json_target(const struct drain_record *record);

/** Return the part of a document that describes a record. */
json_t *show_json_record(const struct drain_record *record);

/** Return the first address of a client. */
json_t *show_json_client(const struct drain_addresses *client);
json_t *show_json_addresses(const struct drain_addresses *client);

/**
 * Print @json, on one line or several, and free it. Return false on failure.
 */
bool show_json(json_t *json, bool one_line);

#endif /* _DRAIN_TOOL_OUTPUT_JSON_H_ */
