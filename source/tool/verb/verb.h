// SPDX-License-Identifier: GPL-3.0-or-later
/* What a verb is, and all verbs. */

#ifndef _DRAIN_TOOL_VERB_VERB_H_
#define _DRAIN_TOOL_VERB_VERB_H_

#include "drain/samba_compat.h"

struct options;
struct tool;

struct verb {
	const char *name;
	const char *purpose; /* one sentence for its help */
	const char *usage;
	bool takes_target; /* a target must be given; otherwise it can be */
	/* What has succeeded even if the output is lost, or NULL */
	const char *succeeded;
	bool relies_on_locks; /* smbds must be in our PID namespace */
	bool minds_deadline; /* acts on the deadline of its target itself */
	int (*run)(struct tool *tool, const struct options *options);
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
