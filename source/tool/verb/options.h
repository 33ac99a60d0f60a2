// SPDX-License-Identifier: GPL-3.0-or-later
/* The command line, for main and the verbs. */

#ifndef _DRAIN_TOOL_VERB_OPTIONS_H_
#define _DRAIN_TOOL_VERB_OPTIONS_H_

#include "drain/samba_compat.h"
#include "protocol/terms.h"

/* The command line */
struct options {
	const char *verb;
	const char *target; /* NULL: not given */
	const char *new_directory; /* the directory to publish; NULL: none */
	const char *extra; /* the first surplus argument */
	int about; /* --help, --usage or --version; 0: none of them */
	struct drain_terms terms; /* begin, run, wait */
	char **command; /* after "--", NULL-terminated */
	const char *client; /* close: only this client; NULL: all clients */
	const char *user;
	const char *path;
	int all;
	int adopt; /* --continue */
	int force;
	int if_needed; /* succeed if nothing needs to be done */
	int json;
	int prometheus;
	int wait;
	bool has_on_failure;
	bool resume_on_failure;
	/* run: the directory to publish; NULL: a command */
	const char *publish;
	const char *id; /* publish, resume: the drain to use */
	int dry_run;
	int undo;
};

#endif /* _DRAIN_TOOL_VERB_OPTIONS_H_ */
