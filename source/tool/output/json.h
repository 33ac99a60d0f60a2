// SPDX-License-Identifier: GPL-3.0-or-later
/* Build and print JSON documents. */

#ifndef _DRAIN_TOOL_OUTPUT_JSON_H_
#define _DRAIN_TOOL_OUTPUT_JSON_H_

#include "drain/samba_compat.h"
#include <jansson.h>

struct drain_addresses;
struct drain_record;

#define SHOW_JSON_VERSION 1 /* of the documents */

/** JSON strings that are UTF-8 whatever came in. */
json_t *show_json_text(const char *untrusted);

/** A time, or null for one that has not come. */
json_t *show_json_time(uint64_t usec);

/** A new document with its version. */
json_t *show_json_new(void);

/** "pkg/office", to be typed: not as it is shown. */
json_t *show_json_target(const struct drain_record *record);

/** The part of a document that describes a record. */
json_t *show_json_record(const struct drain_record *record);

/** The first address, or all. */
json_t *show_json_client(const struct drain_addresses *client);
json_t *show_json_addresses(const struct drain_addresses *client);

/** Print @json on one line or many, and free it. false: it failed. */
bool show_json(json_t *json, bool one_line);

#endif /* _DRAIN_TOOL_OUTPUT_JSON_H_ */
