// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The smb.conf options of a share, "drain:NAME = VALUE".
 *
 * Samba accepts any parametric option without a warning. So names and values
 * are checked here, and a misspelt option is reported.
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
	bool durable_handles; /* true: the share may grant them */
};

/** The options of a share that sets none. */
extern const struct drain_options drain_options_default;

/**
 * Set one option.
 *
 * @param[in]     mem_ctx  Owns the result, and the strings of the options.
 * @param[in,out] options  Changed only if the option is valid.
 * @param[in]     name     The text after "drain:". Case and blanks do not
 *                         matter (smb.conf(5)).
 * @param[in]     value    The text after "=".
 *
 * @return NULL, or a message that names the option and its valid values.
 */
char *drain_options_set(TALLOC_CTX *mem_ctx,
			struct drain_options *options,
			const char *name,
			const char *value);

/** Return the documented name of the n-th option, NULL after the last. */
const char *drain_options_name(size_t n);

/**
 * Return the word of "drain:refuse status" for an NTSTATUS, or NULL if that
 * option does not accept the status.
 */
const char *drain_refuse_status_name(uint32_t status);

#endif /* _DRAIN_OPTIONS_H_ */
