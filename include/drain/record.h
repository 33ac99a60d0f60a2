/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The record of a drain: what is kept in the database while one is in force.
 *
 * States: arming -> armed -> quiescent. Any of them ends by taking the record
 * away (resume). There is no state "open": an open target has no record.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_RECORD_H_
#define _DRAIN_RECORD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "drain/policy.h"
#include "drain/target.h"

/* Unique for ever: random, as a version 4 UUID (RFC 4122) */
struct drain_id {
	uint8_t bytes[16];
};

#define DRAIN_ID_STRING_SIZE 37

struct drain_id_buf {
	char buf[DRAIN_ID_STRING_SIZE];
};

enum drain_state {
	DRAIN_ARMING = 1, /* not every smbd has acknowledged yet */
	DRAIN_ARMED = 2, /* closed: no smbd grants an open that counts */
	DRAIN_QUIESCENT = 3, /* and nothing that counts is open */
};

/* What happens when a drain has not become quiescent by its deadline */
enum drain_on_timeout {
	DRAIN_TIMEOUT_FAIL = 0, /* the waiter gives up, it stays closed */
	DRAIN_TIMEOUT_FORCE = 1, /* the handles that are left are closed */
	DRAIN_TIMEOUT_RESUME = 2, /* the target is opened again */
};

struct drain_record {
	struct drain_id id;
	enum drain_state state;
	struct drain_target target;
	const char **real; /* absolute real paths that it covers, at least 1 */
	size_t num_real;
	struct drain_policy policy;
	bool allow_unguarded;
	bool purge_durables; /* whose client is away */
	uint64_t deadline; /* microseconds since 1970; 0: none */
	enum drain_on_timeout on_timeout;
	uint64_t begun; /* microseconds since 1970, as the two below */
	uint64_t armed; /* 0: not yet */
	uint64_t quiescent; /* 0: not yet */
	const char *by; /* who began it, "user@host (pid)" */
	const char *reason; /* may be "" */
	const char *publishing; /* what the share is half of; "": nothing */
};

/** "2f1c6f5e-...": @buf must live as long as the result is used. */
const char *drain_id_string(const struct drain_id *id,
			    struct drain_id_buf *buf);

/** The reverse; false when @text is no such thing. */
bool drain_id_parse(const char *text, struct drain_id *id);

bool drain_id_equal(const struct drain_id *a, const struct drain_id *b);

/** All zero: no drain. */
bool drain_id_is_null(const struct drain_id *id);

/** "arming", "armed", "quiescent". */
const char *drain_state_string(enum drain_state state);

/** "fail", "force", "resume". */
const char *drain_on_timeout_string(enum drain_on_timeout on_timeout);

/** The reverse; false when @text is none of them. */
bool drain_on_timeout_parse(const char *text, enum drain_on_timeout *result);

/** Has its deadline come without it being quiescent? */
bool drain_record_is_due(const struct drain_record *record, uint64_t now);

/**
 * Is this what a record may say? Guards against records that were damaged or
 * written by somebody else.
 *
 * @return NULL, or what is wrong with it.
 */
const char *drain_record_error(const struct drain_record *record);

/**
 * Take a step, as a compare-and-set: only from @from, and only one that the
 * state machine has (arming -> armed -> quiescent).
 *
 * @param[in] now  Microseconds since 1970, noted in the record.
 * @return false and nothing changed when the record is not in state @from.
 */
bool drain_record_step(struct drain_record *record,
		       enum drain_state from,
		       enum drain_state to,
		       uint64_t now);

/** Is an absolute clean path one of the covered ones, or below one? */
bool drain_record_covers(const struct drain_record *record, const char *path);

/** Are both about the same directory, whatever share it was named through? */
bool drain_record_same_place(const struct drain_record *a,
			     const struct drain_record *b);

/** Does it cover a path that is @path, below it or above it? */
bool drain_record_overlaps(const struct drain_record *record,
			   const char *path);

#endif /* _DRAIN_RECORD_H_ */
