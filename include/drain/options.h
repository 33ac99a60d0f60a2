/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The smb.conf options of a share, "drain:NAME = VALUE".
 *
 * Samba accepts any "word:word = anything" without a word, so names and values
 * are checked here: a misspelt option must not pass for a set one.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_OPTIONS_H_
#define _DRAIN_OPTIONS_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "drain/policy.h"

struct drain_options {
	struct drain_policy policy;
	bool durable_handles; /* may the share grant them at all? */
};

/** What holds for a share that sets nothing. */
extern const struct drain_options drain_options_default;

/**
 * Take one option over.
 *
 * @param[in]     mem_ctx  For the complaint, and for strings of the options.
 * @param[in,out] options  Changed only when the option is right.
 * @param[in]     name     What follows "drain:", case and blanks as one likes
 *                         (smb.conf(5)).
 * @param[in]     value    What follows "=".
 *
 * @return NULL, or a complaint that names the option and what it takes.
 */
char *drain_options_set(TALLOC_CTX *mem_ctx,
			struct drain_options *options,
			const char *name,
			const char *value);

/** The name of the n-th option as documented, NULL after the last. */
const char *drain_options_name(size_t n);

/**
 * The word for an NTSTATUS that "drain:refuse status" takes,
 * or NULL when it takes no such.
 */
const char *drain_refuse_status_name(uint32_t status);

#endif /* _DRAIN_OPTIONS_H_ */
