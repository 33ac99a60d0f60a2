/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Options in a smb.conf: each line is what follows "drain:"; those up to an
 * empty one are in [global], the others in the share.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "drain/samba_compat.h"
#include <sys/mman.h>
#include "drain/smbconf.h"
#include "fuzz.h"

#define SHARE "pkg"
/* What is before it may end with a backslash */
#define SECTION "\n[" SHARE "]\npath = /\n"

static char *smb_conf(struct fuzz_input *input, size_t *num_lines)
{
	char *text = talloc_strdup(input->mem_ctx, "[global]\n");
	bool in_share = false;

	*num_lines = 0;
	while (input->size > 0) {
		char *line = fuzz_line(input);

		if (line[0] == '\0' && !in_share) {
			text = talloc_strdup_append(text, SECTION);
			in_share = true;
		}
		text = talloc_asprintf_append(text, "drain:%s\n", line);
		*num_lines += 1;
	}
	if (!in_share) {
		text = talloc_strdup_append(text, SECTION);
	}
	return text;
}

/* It has to be a file. false: Samba takes no part of it */
static bool load(const char *text)
{
	bool ok;
	int fd = memfd_create("smb.conf", MFD_CLOEXEC);
	size_t len = strlen(text);
	char *name = talloc_asprintf(talloc_tos(), "/proc/self/fd/%d", fd);

	CHECK(fd != -1 && write(fd, text, len) == (ssize_t)len);
	ok = lp_load_with_shares(name);
	close(fd);
	return ok;
}

/* Each by its name, as Samba's own functions find it */
static struct drain_options by_name(TALLOC_CTX *mem_ctx, int snum)
{
	struct drain_options options = drain_options_default;
	const char *name = NULL;
	size_t i;

	for (i = 0; (name = drain_options_name(i)) != NULL; i++) {
		const char *value = lp_parm_const_string(snum, "drain", name,
							 NULL);

		CHECK(value == NULL ||
		      drain_options_set(mem_ctx, &options, name, value) ==
			      NULL);
	}
	return options;
}

static void check_same(const struct drain_options *a,
		       const struct drain_options *b)
{
	CHECK(a->durable_handles == b->durable_handles);
	CHECK(a->policy.count_directories == b->policy.count_directories);
	CHECK(a->policy.break_leases == b->policy.break_leases);
	CHECK(a->policy.hold_opens == b->policy.hold_opens);
	CHECK(a->policy.hold_timeout == b->policy.hold_timeout);
	CHECK(a->policy.max_held_opens == b->policy.max_held_opens);
	CHECK(a->policy.refuse_status == b->policy.refuse_status);
	CHECK(strequal(a->policy.exempt_users, b->policy.exempt_users));
	CHECK(strequal(a->policy.exempt_hosts, b->policy.exempt_hosts));
}

static void check_share(TALLOC_CTX *mem_ctx, int snum, size_t num_lines)
{
	struct drain_share_config *config = drain_smbconf_read(mem_ctx, snum);
	struct drain_options named;

	CHECK(config != NULL);
	CHECK(config->num_complaints <= num_lines);
	if (config->num_complaints == 0) {
		named = by_name(mem_ctx, snum);
		check_same(&config->options, &named);
	}
}

void fuzz_one(struct fuzz_input *input)
{
	TALLOC_CTX *frame = talloc_stackframe();
	size_t num_lines;

	if (load(smb_conf(input, &num_lines))) {
		int snum = lp_servicenumber(SHARE);

		CHECK(snum >= 0);
		check_share(frame, snum, num_lines);
	}
	TALLOC_FREE(frame);
}
