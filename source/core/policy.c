// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Policy: which handles count, and how an open is answered.
 */

#include <strings.h>

#include "drain/policy.h"

#define DRAIN_MODIFYING                                                       \
	(DRAIN_WRITE_DATA | DRAIN_APPEND_DATA | DRAIN_WRITE_EA |              \
	 DRAIN_DELETE_CHILD | DRAIN_WRITE_ATTRIBUTES | DRAIN_DELETE |         \
	 DRAIN_WRITE_DAC | DRAIN_WRITE_OWNER | DRAIN_SYSTEM_SECURITY)

#define DRAIN_USING (DRAIN_READ_DATA | DRAIN_EXECUTE)

static bool access_matters(uint32_t access)
{
	return access &
	       (DRAIN_USING | DRAIN_MODIFYING | DRAIN_MAXIMUM_ALLOWED);
}

bool drain_access_counts(const struct drain_policy *policy,
			 bool directory,
			 uint32_t access)
{
	if (directory && !policy->count_directories) {
		return false;
	}
	return access_matters(access);
}

/* Test whether an open changes something, whatever access it requests */
static bool open_changes(const struct drain_open *open)
{
	if (open->options & DRAIN_OPTION_DELETE_ON_CLOSE) {
		return true;
	}

	switch (open->disposition) {
	case DRAIN_OPEN:
		return false;
	case DRAIN_OPEN_IF:
		return !open->exists;
	default:
		return true;
	}
}

bool drain_open_modifies(const struct drain_open *open)
{
	return open_changes(open) ||
	       (open->access & (DRAIN_MODIFYING | DRAIN_MAXIMUM_ALLOWED));
}

/* Test whether an open uses or changes the target */
static bool open_matters(const struct drain_policy *policy,
			 const struct drain_open *open)
{
	if (open->snapshot) {
		return false;
	}
	return open_changes(open) ||
	       drain_access_counts(policy, open->directory, open->access) ||
	       (open->directory && (open->access & DRAIN_MODIFYING));
}

enum drain_verdict drain_open_verdict(const struct drain_policy *policy,
				      const struct drain_open *open)
{
	if (!open_matters(policy, open)) {
		return DRAIN_GRANT;
	}
	return policy->hold_opens ? DRAIN_HOLD : DRAIN_REFUSE;
}

bool drain_new_opens_parse(const char *text, bool *hold)
{
	*hold = strcasecmp(text, "hold") == 0;
	return *hold || strcasecmp(text, "refuse") == 0;
}

uint32_t drain_access_to_list(uint32_t access)
{
	if (!(access & DRAIN_MAXIMUM_ALLOWED)) {
		return access;
	}
	return (access & ~DRAIN_MAXIMUM_ALLOWED) | DRAIN_LISTING;
}
