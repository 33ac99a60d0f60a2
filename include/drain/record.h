// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The record of a drain: its entry in the database while it is in force.
 *
 * States: arming -> armed -> quiescent. A drain in any state ends when its
 * record is removed (resume). There is no state "open": an open target has no
 * record.
 */

#ifndef _DRAIN_RECORD_H_
#define _DRAIN_RECORD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "drain/policy.h"
#include "drain/target.h"

/* Random, as a version 4 UUID (RFC 4122) */
struct drain_id {
	uint8_t bytes[16];
};

#define DRAIN_ID_STRING_SIZE 37

struct drain_id_buf {
	char buf[DRAIN_ID_STRING_SIZE];
};

enum drain_state {
	DRAIN_ARMING = 1, /* not every smbd has acknowledged yet */
	DRAIN_ARMED = 2, /* every smbd refuses or defers new opens */
	DRAIN_QUIESCENT = 3, /* and no client holds a file */
};

/* What happens if a drain is not quiescent by its deadline */
enum drain_on_timeout {
	DRAIN_TIMEOUT_FAIL = 0, /* the waiter fails, the drain stays */
	DRAIN_TIMEOUT_FORCE = 1, /* the counted handles are closed */
	DRAIN_TIMEOUT_RESUME = 2, /* the drain ends */
};

struct drain_record {
	struct drain_id id;
	enum drain_state state;
	struct drain_target target;
	const char **real; /* absolute real paths that it covers, at least 1 */
	size_t num_real;
	struct drain_policy policy;
	bool allow_unguarded; /* true: arm although clients can bypass it */
	bool purge_durables; /* true: end disconnected durable handles */
	uint64_t deadline; /* microseconds since 1970; 0: none */
	enum drain_on_timeout on_timeout;
	uint64_t begun; /* microseconds since 1970, like the two below */
	uint64_t armed; /* 0: not yet */
	uint64_t quiescent; /* 0: not yet */
	const char *by; /* the process that began it, "user@host (pid)" */
	const char *reason; /* may be "" */
	const char *publishing; /* the incomplete publish; "": none */
};

/** Format an id, "2f1c6f5e-...". The result is in @buf. */
const char *drain_id_string(const struct drain_id *id,
			    struct drain_id_buf *buf);

/** Parse an id. false: @text is none. */
bool drain_id_parse(const char *text, struct drain_id *id);

bool drain_id_equal(const struct drain_id *a, const struct drain_id *b);

/** Test for the id that is all zero, which no drain has. */
bool drain_id_is_null(const struct drain_id *id);

/** Return "arming", "armed" or "quiescent". */
const char *drain_state_string(enum drain_state state);

/** Return "fail", "force" or "resume". */
const char *drain_on_timeout_string(enum drain_on_timeout on_timeout);

/** Parse one of these words. false: @text is none of them. */
bool drain_on_timeout_parse(const char *text, enum drain_on_timeout *result);

/** Test whether a drain is past its deadline and not quiescent. */
bool drain_record_is_due(const struct drain_record *record, uint64_t now);

/**
 * Check that a record is valid, in case it was damaged or written by another
 * program.
 *
 * @return NULL, or the error as a clause.
 */
const char *drain_record_error(const struct drain_record *record);

/**
 * Change the state by compare-and-set, if the state machine has that step
 * (arming -> armed -> quiescent).
 *
 * @param[in] now  Microseconds since 1970, written to the record.
 * @return false: nothing was changed, since the state is not @from.
 */
bool drain_record_step(struct drain_record *record,
		       enum drain_state from,
		       enum drain_state to,
		       uint64_t now);

/** Test whether a record covers an absolute clean path. */
bool drain_record_covers(const struct drain_record *record, const char *path);

/** Test whether two records have the same directory as their target. */
bool drain_record_same_target(const struct drain_record *a,
			      const struct drain_record *b);

/** Test whether a record covers @path, a parent of it, or a path below it. */
bool drain_record_overlaps(const struct drain_record *record,
			   const char *path);

#endif /* _DRAIN_RECORD_H_ */
