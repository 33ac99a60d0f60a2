// SPDX-License-Identifier: GPL-3.0-or-later
/* Ask every smbd on the roster for its state: does it apply the drain? */

#ifndef _DRAIN_TOOL_SMBD_SURVEY_H_
#define _DRAIN_TOOL_SMBD_SURVEY_H_

#include "drain/samba_compat.h"

struct drain_id;
struct tool;

struct survey_smbd {
	struct server_id id;
	bool answered;
	bool gone; /* no message could be sent to it */
	bool obeys; /* it has acknowledged the drain */
	uint32_t holders;
	uint32_t parked; /* deferred opens of the drain */
	/* when the first of them was deferred; 0: none */
	uint64_t parked_since;
	uint32_t *trees; /* global ids of the tree connects that it guards */
	uint32_t num_trees;
	uint32_t errors;
	const char *last_error;
};

struct survey {
	struct survey_smbd *smbds; /* on the roster when last read; sorted */
	size_t num_smbds;
	bool complete; /* true if all smbds of the roster have answered */
};

/**
 * Ask every smbd on the roster, including those that join in the meantime, to
 * apply the drain @id and report its state. With a null id they only report.
 * smbds that die or leave are removed.
 *
 * @return NULL after an error message.
 */
struct survey *survey_take(TALLOC_CTX *mem_ctx,
			   struct tool *tool,
			   const struct drain_id *id,
			   bool watch,
			   uint64_t deadline);

/**
 * Like survey_take(), but ask only smbds that had holders in the survey
 * @before.
 */
struct survey *survey_holders(const struct survey *before,
			      TALLOC_CTX *mem_ctx,
			      struct tool *tool,
			      const struct drain_id *id,
			      uint64_t deadline);

/** Return what to do about an smbd that has not answered. */
const char *survey_silence(const struct survey_smbd *smbd);

/** Return true if the smbd has reported that it guards this tree connect. */
bool survey_guards(const struct survey *survey,
		   const struct server_id *id,
		   uint32_t tree);

#endif /* _DRAIN_TOOL_SMBD_SURVEY_H_ */
