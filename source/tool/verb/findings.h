// SPDX-License-Identifier: GPL-3.0-or-later
/* Collect the findings of "smbdrain check". */

#ifndef _DRAIN_TOOL_VERB_FINDINGS_H_
#define _DRAIN_TOOL_VERB_FINDINGS_H_

#include "drain/samba_compat.h"
#include <jansson.h>

/* The problems found so far */
struct findings {
	json_t *problems;
	json_t *shares;
	json_t *target; /* NULL: check all shares */
	json_t *share; /* of the target; null: smb.conf has no such share */
	const char *real_path; /* of the target; NULL: it cannot be drained */
};

/** Note a problem of a share, or of all if @share is NULL. */
void check_problem(struct findings *f, const char *share, const char *fmt, ...)
	PRINTF_ATTRIBUTE(3, 4);

#endif /* _DRAIN_TOOL_VERB_FINDINGS_H_ */
