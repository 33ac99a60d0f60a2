/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The gate: what an open or a rename is told while something drains.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"

bool drain_gate_in_force(const struct drain *drain)
{
	return !drain_store_is_over(drain_process.store, &drain->record->id);
}

NTSTATUS drain_gate_refuse(struct connection_struct *conn,
			   const struct drain_place *place,
			   const struct drain *drain)
{
	struct drain_id_buf buf;
	NTSTATUS status = NT_STATUS(drain->record->policy.refuse_status);

	DRAIN_LOG(DBG_NOTICE, drain_about_place(conn, place),
		  "refused with %s: %s is drained (%s)%s%s",
		  nt_errstr(status), drain_log_text(drain->record->real[0]),
		  drain_id_string(&drain->record->id, &buf),
		  drain->record->reason[0] != '\0' ? ": " : "",
		  drain_log_text(drain->record->reason));
	return status;
}

/* An open that is done, and may be marked by now, is @opened; else NULL */
static enum drain_verdict verdict(const struct connection_struct *conn,
				  const struct drain *drain,
				  const struct drain_open *open,
				  const struct files_struct *opened,
				  struct drain_answer *answer)
{
	const struct drain_policy *policy = &drain->record->policy;
	struct drain_open listing = *open;
	enum drain_verdict verdict;

	answer->no_caches = true;
	if (drain_is_exempt(conn, conn->vuid, policy)) {
		answer->mark = true;
		return DRAIN_GRANT;
	}

	if (drains_may_finish(drain, opened)) {
		answer->mark = true;
		return DRAIN_GRANT;
	}

	if (open->directory) {
		listing.access = drain_access_to_list(open->access);
		answer->list_only |= listing.access != open->access;
	}
	verdict = drain_open_verdict(policy, &listing);
	if (verdict == DRAIN_HOLD && drain->num_marks > 0) {
		/* It would wait for the end of its own handles */
		verdict = DRAIN_REFUSE;
	}
	return verdict;
}

/* The strictest of the drains decides */
static struct drain_answer ask_drains(struct connection_struct *conn,
				      struct drain_place *place,
				      const struct drain_open *open)
{
	struct drain_answer answer = {.verdict = DRAIN_GRANT};
	struct drain *drain = NULL;

	while (answer.verdict != DRAIN_REFUSE &&
	       (drain = drain_place_next(place)) != NULL) {
		enum drain_verdict v =
			verdict(conn, drain, open, NULL, &answer);

		if (v != DRAIN_GRANT && v >= answer.verdict) {
			answer.verdict = v;
			answer.drain = drain;
		}
	}
	if (open->directory && drain_place_above(place)) {
		answer.no_caches = true; /* what it lists is to change */
	}
	return answer;
}

struct drain_answer drain_gate_open(struct connection_struct *conn,
				    struct drain_place *place,
				    const struct drain_open *open)
{
	struct drain_answer answer = ask_drains(conn, place, open);

	answer.ended = answer.verdict != DRAIN_GRANT &&
		       !drain_gate_in_force(answer.drain);
	return answer;
}

struct drain_answer drain_gate_ask_again(struct connection_struct *conn,
					 struct drain_place *place,
					 const struct drain_open *open)
{
	for (;;) {
		struct drain_answer answer;
		bool caught_up = drains_catch_up();

		drain_place_rewind(place);
		answer = ask_drains(conn, place, open);
		/* What has ended is gone even if we could not catch up */
		if (!caught_up || answer.verdict == DRAIN_GRANT ||
		    drain_gate_in_force(answer.drain)) {
			return answer;
		}
	}
}

const struct drain *drain_gate_too_late(const struct files_struct *fsp,
					struct drain_place *place,
					const struct drain_open *open)
{
	struct drain_answer answer = {.verdict = DRAIN_GRANT};
	struct drain *drain = NULL;

	while ((drain = drain_place_next(place)) != NULL) {
		/* One that is not armed waits for us, and for the open */
		if (drain->record->state != DRAIN_ARMING &&
		    verdict(fsp->conn, drain, open, fsp, &answer) !=
			    DRAIN_GRANT) {
			break;
		}
	}
	return drain;
}

/* The next drain that concerns the client */
static struct drain *next_concern(const struct connection_struct *conn,
				  struct drain_place *place)
{
	struct drain *drain = NULL;

	do {
		drain = drain_place_next(place);
	} while (drain != NULL &&
		 drain_is_exempt(conn, conn->vuid, &drain->record->policy));
	return drain;
}

/*
 * Inside of a target only what the client holds, with a handle that counts,
 * may be moved. All drains of two places are the same, in the same order, if
 * they are in the same directory as far as drains are concerned.
 */
static bool move_allowed(const struct connection_struct *conn,
			 struct drain_place *src,
			 struct drain_place *dst)
{
	drain_place_rewind(src);
	drain_place_rewind(dst);
	if (drain_place_above(src) || drain_place_above(dst)) {
		return false;
	}
	for (;;) {
		struct drain *from = next_concern(conn, src);
		struct drain *to = next_concern(conn, dst);

		if (from != to) {
			return false;
		}
		if (from == NULL) {
			return true;
		}
		if (!drains_holds(from, src->name.path)) {
			return false;
		}
	}
}

static bool entry_allowed(const struct connection_struct *conn,
			  struct drain_place *place)
{
	struct drain *drain = NULL;

	drain_place_rewind(place);
	while ((drain = next_concern(conn, place)) != NULL) {
		if (!drains_holds(drain, place->name.path)) {
			return false;
		}
	}
	return !drain_place_above(place);
}

/* Has a drain ended without us hearing of it? */
static bool something_ended(void)
{
	const struct drain *drain = NULL;

	for (drain = drain_process.drains; drain != NULL;
	     drain = drain->next) {
		if (!drain_gate_in_force(drain)) {
			return true;
		}
	}
	return false;
}

bool drain_gate_move(struct connection_struct *conn,
		     struct drain_place *src,
		     struct drain_place *dst)
{
	if (move_allowed(conn, src, dst)) {
		return true;
	}
	if (something_ended() && drains_catch_up() &&
	    move_allowed(conn, src, dst)) {
		return true;
	}
	DRAIN_LOG(DBG_NOTICE, drain_about_place(conn, src),
		  "refused to move it to %s: one of them is drained, or above "
		  "what is", drain_log_text(dst->name.path));
	return false;
}

bool drain_gate_entry(struct connection_struct *conn,
		      struct drain_place *place)
{
	if (entry_allowed(conn, place)) {
		return true;
	}
	if (something_ended() && drains_catch_up() &&
	    entry_allowed(conn, place)) {
		return true;
	}
	DRAIN_LOG(DBG_NOTICE, drain_about_place(conn, place),
		  "refused to make or remove it: it is drained, or above what "
		  "is");
	return false;
}
