// SPDX-License-Identifier: GPL-3.0-or-later
/* What a verb is, and all verbs. */

#ifndef _DRAIN_TOOL_VERB_VERB_H_
#define _DRAIN_TOOL_VERB_VERB_H_

#include "drain/samba_compat.h"

struct tool;

struct verb {
	const char *name;
	const char *usage;
	bool takes_target; /* must be named; else it may be */
	/* What has happened even if the output is lost; NULL: it is all */
	const char *succeeded;
	bool relies_on_locks; /* smbds have to be in our PID namespace */
	bool minds_deadline; /* of its target, by itself */
	int (*run)(struct tool *tool);
};

extern const struct verb verb_begin;
extern const struct verb verb_check;
extern const struct verb verb_close;
extern const struct verb verb_holders;
extern const struct verb verb_monitor;
extern const struct verb verb_publish;
extern const struct verb verb_resume;
extern const struct verb verb_run;
extern const struct verb verb_status;
extern const struct verb verb_top;
extern const struct verb verb_wait;

#endif /* _DRAIN_TOOL_VERB_VERB_H_ */
