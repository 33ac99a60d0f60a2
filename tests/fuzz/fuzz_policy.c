/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Opens: whatever is granted does not count, and whatever counts is refused.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/policy.h"

static struct drain_policy read_policy(struct fuzz_input *input)
{
	uint64_t bits = fuzz_number(input, 1);

	return (struct drain_policy) {
		.count_directories = bits & 1,
		.hold_opens = bits & 2,
	};
}

static struct drain_open read_open(struct fuzz_input *input)
{
	uint64_t bits = fuzz_number(input, 1);

	return (struct drain_open) {
		.exists = bits & 1,
		.directory = bits & 2,
		.snapshot = bits & 4,
		.disposition = fuzz_number(input, 4),
		.access = fuzz_number(input, 4),
		.options = fuzz_number(input, 4),
	};
}

/* To ask for more is never granted where less is not */
static void check_more(const struct drain_policy *policy,
		       const struct drain_open *open,
		       uint32_t more)
{
	struct drain_open wide = *open;

	wide.access |= more;
	CHECK(drain_open_verdict(policy, &wide) >=
	      drain_open_verdict(policy, open));
}

void fuzz_one(struct fuzz_input *input)
{
	const struct drain_policy policy = read_policy(input);
	const struct drain_open open = read_open(input);
	const enum drain_verdict verdict = drain_open_verdict(&policy, &open);
	const bool counts = drain_access_counts(&policy, open.directory,
						open.access);
	const uint32_t listed = drain_access_to_list(open.access);

	CHECK(verdict == DRAIN_GRANT ||
	      verdict == (policy.hold_opens ? DRAIN_HOLD : DRAIN_REFUSE));
	if (!open.snapshot) {
		CHECK(!(verdict == DRAIN_GRANT && counts));
		CHECK(!(verdict == DRAIN_GRANT &&
			(open.options & DRAIN_OPTION_DELETE_ON_CLOSE)));
	}
	check_more(&policy, &open, fuzz_number(input, 4));

	CHECK(!(listed & DRAIN_MAXIMUM_ALLOWED));
	CHECK(drain_access_to_list(listed) == listed);
}
