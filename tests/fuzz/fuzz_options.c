/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Options: each line is "NAME=VALUE".
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "fuzz.h"
#include "drain/options.h"

static void check_options(const struct drain_options *o)
{
	CHECK(drain_refuse_status_name(o->policy.refuse_status) != NULL);
	CHECK(o->policy.exempt_users != NULL && o->policy.exempt_hosts != NULL);
	CHECK(o->policy.hold_timeout <= UINT64_C(366) * 24 * 3600 * 1000);
}

/* Field by field: strings are copied each time */
static bool same_options(const struct drain_options *a,
			 const struct drain_options *b)
{
	const struct drain_policy *p = &a->policy;
	const struct drain_policy *q = &b->policy;

	return p->count_directories == q->count_directories &&
	       p->break_leases == q->break_leases &&
	       p->let_holders_finish == q->let_holders_finish &&
	       p->hold_opens == q->hold_opens &&
	       p->hold_timeout == q->hold_timeout &&
	       p->max_held_opens == q->max_held_opens &&
	       p->refuse_status == q->refuse_status &&
	       strcmp(p->exempt_users, q->exempt_users) == 0 &&
	       strcmp(p->exempt_hosts, q->exempt_hosts) == 0 &&
	       a->durable_handles == b->durable_handles;
}

static void set_one(TALLOC_CTX *mem_ctx,
		    struct drain_options *options,
		    const char *name,
		    const char *value)
{
	const struct drain_options before = *options;
	struct drain_options again;
	char *complaint = drain_options_set(mem_ctx, options, name, value);

	check_options(options);
	if (complaint != NULL) {
		CHECK(strncmp(complaint, "drain:", 6) == 0);
		CHECK(same_options(options, &before));
		return;
	}
	again = *options;
	CHECK(drain_options_set(mem_ctx, &again, name, value) == NULL);
	CHECK(same_options(options, &again));
}

void fuzz_one(struct fuzz_input *input)
{
	struct drain_options options = drain_options_default;

	while (input->size > 0) {
		char *name = fuzz_line(input);
		char *value = name + strcspn(name, "=");

		if (*value != '\0') {
			*value = '\0';
			value += 1;
		}
		set_one(input->mem_ctx, &options, name, value);
	}
}
