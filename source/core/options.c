// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The smb.conf options of a share.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "drain/duration.h"
#include "drain/options.h"

/* MS-ERREF 2.3.1 */
#define STATUS_SHARING_VIOLATION 0xC0000043
#define STATUS_ACCESS_DENIED 0xC0000022
#define STATUS_FILE_LOCK_CONFLICT 0xC0000054
#define STATUS_NETWORK_BUSY 0xC00000BF
#define STATUS_FILE_NOT_AVAILABLE 0xC0000467

#define HOLD_TIMEOUT_MSEC 30000 /* few programs wait longer */
#define MAX_HELD_OPENS 2048 /* some 40 MiB in an smbd */

const struct drain_options drain_options_default = {
	.policy = {
		.count_directories = false,
		.break_leases = true,
		.let_holders_finish = false,
		.hold_opens = false,
		.hold_timeout = HOLD_TIMEOUT_MSEC,
		.max_held_opens = MAX_HELD_OPENS,
		.refuse_status = STATUS_SHARING_VIOLATION,
		.exempt_users = "",
		.exempt_hosts = "",
	},
	.durable_handles = true,
};

struct word {
	const char *name;
	uint32_t value;
};

/* The words of lp_bool() (lib/param of Samba) */
static const struct word boolean_words[] = {
	{"yes", true}, {"true", true},	 {"on", true},	 {"1", true},
	{"no", false}, {"false", false}, {"off", false}, {"0", false},
	{NULL, 0},
};

/*
 * Statuses that every client reports as a plain error. Other statuses make a
 * client or smbd retry for ever (RETRY, SERVER_UNAVAILABLE), and programs
 * report DELETE_PENDING as "access denied".
 */
static const struct word status_words[] = {
	{"sharing_violation", STATUS_SHARING_VIOLATION},
	{"file_not_available", STATUS_FILE_NOT_AVAILABLE},
	{"file_lock_conflict", STATUS_FILE_LOCK_CONFLICT},
	{"network_busy", STATUS_NETWORK_BUSY},
	{"access_denied", STATUS_ACCESS_DENIED},
	{NULL, 0},
};

static bool find_word(const struct word *words,
		      const char *text,
		      uint32_t *value)
{
	for (; words->name != NULL; words++) {
		if (strcasecmp(words->name, text) == 0) {
			*value = words->value;
			return true;
		}
	}
	return false;
}

static bool set_boolean(bool *option, const char *value)
{
	uint32_t v;

	if (!find_word(boolean_words, value, &v)) {
		return false;
	}
	*option = v;
	return true;
}

static bool set_string(TALLOC_CTX *mem_ctx, const char **option,
		       const char *value)
{
	char *copy = talloc_strdup(mem_ctx, value);

	if (copy == NULL) {
		return false;
	}
	*option = copy;
	return true;
}

static bool set_break_leases(TALLOC_CTX *mem_ctx __attribute__((unused)),
			     struct drain_options *options,
			     const char *value)
{
	return set_boolean(&options->policy.break_leases, value);
}

static bool set_count_directories(TALLOC_CTX *mem_ctx __attribute__((unused)),
				  struct drain_options *options,
				  const char *value)
{
	return set_boolean(&options->policy.count_directories, value);
}

static bool set_durable_handles(TALLOC_CTX *mem_ctx __attribute__((unused)),
				struct drain_options *options,
				const char *value)
{
	return set_boolean(&options->durable_handles, value);
}

static bool set_exempt_hosts(TALLOC_CTX *mem_ctx,
			     struct drain_options *options,
			     const char *value)
{
	return set_string(mem_ctx, &options->policy.exempt_hosts, value);
}

static bool set_exempt_users(TALLOC_CTX *mem_ctx,
			     struct drain_options *options,
			     const char *value)
{
	return set_string(mem_ctx, &options->policy.exempt_users, value);
}

static bool set_hold_timeout(TALLOC_CTX *mem_ctx __attribute__((unused)),
			     struct drain_options *options,
			     const char *value)
{
	return drain_duration_parse(value, &options->policy.hold_timeout);
}

static bool set_max_held_opens(TALLOC_CTX *mem_ctx __attribute__((unused)),
			       struct drain_options *options,
			       const char *value)
{
	unsigned long number;
	char *end = NULL;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (value[strspn(value, "0123456789")] != '\0' || end == value ||
	    errno != 0 || number > UINT32_MAX) {
		return false;
	}
	options->policy.max_held_opens = number;
	return true;
}

static bool set_new_opens(TALLOC_CTX *mem_ctx __attribute__((unused)),
			  struct drain_options *options,
			  const char *value)
{
	bool hold;

	if (!drain_new_opens_parse(value, &hold)) {
		return false;
	}
	options->policy.hold_opens = hold;
	return true;
}

static bool set_refuse_status(TALLOC_CTX *mem_ctx __attribute__((unused)),
			      struct drain_options *options,
			      const char *value)
{
	return find_word(status_words, value,
			 &options->policy.refuse_status);
}

static const struct option {
	const char *name;
	const char *takes;
	bool (*set)(TALLOC_CTX *mem_ctx,
		    struct drain_options *options,
		    const char *value);
} option_table[] = {
	{
		.name = "break leases",
		.takes = "yes or no",
		.set = set_break_leases,
	},
	{
		.name = "count directories",
		.takes = "yes or no",
		.set = set_count_directories,
	},
	{
		.name = "durable handles",
		.takes = "yes or no",
		.set = set_durable_handles,
	},
	{
		.name = "exempt hosts",
		.takes = "a list like that of \"hosts allow\"",
		.set = set_exempt_hosts,
	},
	{
		.name = "exempt users",
		.takes = "a list like that of \"valid users\"",
		.set = set_exempt_users,
	},
	{
		.name = "hold timeout",
		.takes = "a duration as for sleep(1), such as 30 or 2m",
		.set = set_hold_timeout,
	},
	{
		.name = "max held opens",
		.takes = "a number",
		.set = set_max_held_opens,
	},
	{
		.name = "new opens",
		.takes = "refuse or hold",
		.set = set_new_opens,
	},
	{
		.name = "refuse status",
		.takes = "sharing_violation, file_not_available, "
			 "file_lock_conflict, network_busy or access_denied",
		.set = set_refuse_status,
	},
	{.name = NULL},
};

/* smb.conf(5): case and blanks in the name of a parameter do not matter */
static bool same_name(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, " \t");
		b += strspn(b, " \t");
		if (*a == '\0' || *b == '\0') {
			return *a == *b;
		}
		if (strncasecmp(a, b, 1) != 0) {
			return false;
		}
		a += 1;
		b += 1;
	}
}

static const struct option *find_option(const char *name)
{
	const struct option *o = NULL;

	for (o = option_table; o->name != NULL; o++) {
		if (same_name(o->name, name)) {
			return o;
		}
	}
	return NULL;
}

char *drain_options_set(TALLOC_CTX *mem_ctx,
			struct drain_options *options,
			const char *name,
			const char *value)
{
	const struct option *o = find_option(name);

	if (o == NULL) {
		return talloc_asprintf(mem_ctx,
				       "drain:%s: there is no such option",
				       name);
	}
	if (!o->set(mem_ctx, options, value)) {
		return talloc_asprintf(mem_ctx,
				       "drain:%s = %s: the value must be %s",
				       o->name, value, o->takes);
	}
	return NULL;
}

const char *drain_options_name(size_t n)
{
	const size_t last = sizeof(option_table) / sizeof(option_table[0]) - 1;

	return (n < last) ? option_table[n].name : NULL;
}

const char *drain_refuse_status_name(uint32_t status)
{
	const struct word *w = NULL;

	for (w = status_words; w->name != NULL; w++) {
		if (w->value == status) {
			return w->name;
		}
	}
	return NULL;
}
