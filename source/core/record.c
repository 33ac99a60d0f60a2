// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The record of a drain, and its states.
 */

#include <stdio.h>
#include <string.h>

#include "drain/options.h"
#include "drain/record.h"

const char *drain_id_string(const struct drain_id *id,
			    struct drain_id_buf *buf)
{
	const uint8_t *b = id->bytes;

	snprintf(buf->buf, sizeof(buf->buf),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
		 b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	return buf->buf;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = (c != '\0') ? strchr(digits, c) : NULL;

	return (p != NULL) ? (int)(p - digits) : -1;
}

bool drain_id_parse(const char *text, struct drain_id *id)
{
	struct drain_id result;
	struct drain_id_buf buf;
	const char *p = text;
	size_t i;

	for (i = 0; i < sizeof(result.bytes); i++) {
		int high;
		int low;

		if (*p == '-') {
			p += 1;
		}
		high = hex_digit(p[0]);
		low = (high >= 0) ? hex_digit(p[1]) : -1;
		if (low < 0) {
			return false;
		}
		result.bytes[i] = high << 4 | low;
		p += 2;
	}

	/* The loop accepts dashes in other places */
	if (strcmp(drain_id_string(&result, &buf), text) != 0) {
		return false;
	}
	*id = result;
	return true;
}

bool drain_id_equal(const struct drain_id *a, const struct drain_id *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool drain_id_is_null(const struct drain_id *id)
{
	static const struct drain_id null;

	return drain_id_equal(id, &null);
}

const char *drain_state_string(enum drain_state state)
{
	switch (state) {
	case DRAIN_ARMING:
		return "arming";
	case DRAIN_ARMED:
		return "armed";
	case DRAIN_QUIESCENT:
		return "quiescent";
	}
	return "unknown";
}

static const char *const on_timeout_names[] = {
	[DRAIN_TIMEOUT_FAIL] = "fail",
	[DRAIN_TIMEOUT_FORCE] = "force",
	[DRAIN_TIMEOUT_RESUME] = "resume",
};

#define NUM_ON_TIMEOUT (sizeof(on_timeout_names) / sizeof(on_timeout_names[0]))

const char *drain_on_timeout_string(enum drain_on_timeout on_timeout)
{
	return ((size_t)on_timeout < NUM_ON_TIMEOUT)
		       ? on_timeout_names[on_timeout]
		       : "unknown";
}

bool drain_on_timeout_parse(const char *text, enum drain_on_timeout *result)
{
	size_t i;

	for (i = 0; i < NUM_ON_TIMEOUT; i++) {
		if (strcmp(on_timeout_names[i], text) == 0) {
			*result = i;
			return true;
		}
	}
	return false;
}

bool drain_record_is_due(const struct drain_record *record, uint64_t now)
{
	return record->deadline != 0 && record->state != DRAIN_QUIESCENT &&
	       now >= record->deadline;
}

/* Test for a path without "//", "." and ".." */
static bool clean_relative(const char *path)
{
	for (;;) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && strncmp(path, "..", 2) == 0)) {
			return false;
		}
		if (path[len] == '\0') {
			return true;
		}
		path += len + 1;
	}
}

static bool clean_absolute(const char *path)
{
	if (path[0] != '/') {
		return false;
	}
	return path[1] == '\0' || clean_relative(path + 1);
}

/* Test for a target that drain_target_parse() can return */
static bool clean_target(const struct drain_target *target)
{
	return clean_relative(target->share) &&
	       strpbrk(target->share, "/\\") == NULL &&
	       (target->path[0] == '\0' || clean_relative(target->path)) &&
	       strchr(target->path, '\\') == NULL;
}

const char *drain_record_error(const struct drain_record *record)
{
	size_t i;

	if (drain_id_is_null(&record->id)) {
		return "it has no id";
	}
	if (record->state < DRAIN_ARMING || record->state > DRAIN_QUIESCENT) {
		return "its state is invalid";
	}
	if ((size_t)record->on_timeout >= NUM_ON_TIMEOUT) {
		return "its action at the deadline is invalid";
	}
	if (drain_refuse_status_name(record->policy.refuse_status) == NULL) {
		return "its refuse status is invalid";
	}
	if (!clean_target(&record->target)) {
		return "its target is invalid";
	}
	if (record->num_real == 0) {
		return "it covers no path";
	}
	if (record->publishing[0] != '\0' &&
	    !(clean_absolute(record->publishing) &&
	      record->state == DRAIN_QUIESCENT)) {
		return "the directory that is being published is invalid";
	}
	for (i = 0; i < record->num_real; i++) {
		if (!clean_absolute(record->real[i])) {
			return "a path that it covers is not absolute";
		}
	}
	return NULL;
}

bool drain_record_step(struct drain_record *record,
		       enum drain_state from,
		       enum drain_state to,
		       uint64_t now)
{
	if (record->state != from) {
		return false;
	}
	if (from == DRAIN_ARMING && to == DRAIN_ARMED) {
		record->armed = now;
	} else if (from == DRAIN_ARMED && to == DRAIN_QUIESCENT) {
		record->quiescent = now;
	} else {
		return false;
	}
	record->state = to;
	return true;
}

bool drain_record_covers(const struct drain_record *record, const char *path)
{
	size_t i;

	for (i = 0; i < record->num_real; i++) {
		if (drain_path_within(path, record->real[i])) {
			return true;
		}
	}
	return false;
}

bool drain_record_same_target(const struct drain_record *a,
			      const struct drain_record *b)
{
	return strcmp(a->real[0], b->real[0]) == 0;
}

bool drain_record_overlaps(const struct drain_record *record,
			   const char *path)
{
	size_t i;

	for (i = 0; i < record->num_real; i++) {
		if (drain_path_overlap(path, record->real[i])) {
			return true;
		}
	}
	return false;
}
