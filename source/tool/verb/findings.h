// SPDX-License-Identifier: GPL-3.0-or-later
/* Collect the findings of "smbdrain check". */

#ifndef _DRAIN_TOOL_VERB_FINDINGS_H_
#define _DRAIN_TOOL_VERB_FINDINGS_H_

#include "drain/samba_compat.h"
#include <jansson.h>

/* What is not as it should be, so far */
struct findings {
	json_t *problems;
	json_t *shares;
	json_t *target; /* NULL: all shares are looked at */
	json_t *share; /* of the target; null: smb.conf has no such share */
	const char *real_path; /* of the target; NULL: it can not be drained */
};

/** Note what is wrong, with a share (NULL: with all of them). */
void check_problem(struct findings *f, const char *share, const char *fmt, ...)
	PRINTF_ATTRIBUTE(3, 4);

#endif /* _DRAIN_TOOL_VERB_FINDINGS_H_ */
