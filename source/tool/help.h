// SPDX-License-Identifier: GPL-3.0-or-later
/* Print how the program and its verbs are used, and the version. */

#ifndef _DRAIN_TOOL_HELP_H_
#define _DRAIN_TOOL_HELP_H_

#include "drain/samba_compat.h"
#include <popt.h>

struct verb;

extern const struct verb verb_help;

/** Return true if the usage of the verb contains the option. */
bool verb_takes(const struct verb *verb, const char *option);

/** Return the usage that follows "Usage: smbdrain ". */
char *help_on_verbs(TALLOC_CTX *mem_ctx,
		    const struct verb *const *verbs,
		    size_t num_verbs);

/** Print the usage of a verb and its options. */
bool help_on_verb(TALLOC_CTX *mem_ctx,
		  const struct verb *verb,
		  const struct poptOption *options);

/** Print our version, and Samba's at build time and now. */
void help_print_version(void);

#endif /* _DRAIN_TOOL_HELP_H_ */
