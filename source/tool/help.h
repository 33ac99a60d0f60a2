/*
 * drain: take users off a Samba share so that it can be updated
 *
 * How the tool is used, and of which version it is: for main.c.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_HELP_H_
#define _DRAIN_HELP_H_

#include <popt.h>

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

#endif /* _DRAIN_HELP_H_ */
