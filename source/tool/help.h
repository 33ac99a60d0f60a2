// SPDX-License-Identifier: GPL-3.0-or-later
/* Print how the program and its verbs are used, and the version. */

#ifndef _DRAIN_TOOL_HELP_H_
#define _DRAIN_TOOL_HELP_H_

#include "drain/samba_compat.h"
#include <popt.h>

struct verb;

extern const struct verb verb_help;

/** Does a verb take it? Verbs say so in their usage; that is the one place. */
bool verb_takes(const struct verb *verb, const char *option);

/** What follows "Usage: smbdrain ". */
char *help_on_verbs(TALLOC_CTX *mem_ctx,
		    const struct verb *const *verbs,
		    size_t num_verbs);

/** Print the usage of one, and those of the options that it takes. */
bool help_on_verb(TALLOC_CTX *mem_ctx,
		  const struct verb *verb,
		  const struct poptOption *options);

/** Ours, and Samba's when we were built and now. */
void help_print_version(void);

#endif /* _DRAIN_TOOL_HELP_H_ */
