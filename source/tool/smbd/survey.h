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
	bool gone; /* it could not even be asked */
	bool obeys; /* it has acknowledged the drain */
	uint32_t holders;
	uint32_t parked; /* opens that wait for the end of the drain */
	uint64_t parked_since; /* the first of them; 0: none */
	uint32_t *trees; /* guarded, global ids */
	uint32_t num_trees;
	uint32_t errors;
	const char *last_error;
};

struct survey {
	struct survey_smbd *smbds; /* on the roster when last read; sorted */
	size_t num_smbds;
	bool complete; /* all that are on the roster have answered */
};

/**
 * Ask every smbd on the roster, and those that join meanwhile, to apply the
 * drain @id (null: just to say how it is). The dead and those that leave fall
 * out.
 *
 * @return NULL after a complaint.
 */
struct survey *survey_take(TALLOC_CTX *mem_ctx,
			   struct tool *tool,
			   const struct drain_id *id,
			   bool watch,
			   uint64_t deadline);

/** The same, of those that had holders in the survey @before. */
struct survey *survey_holders(const struct survey *before,
			      TALLOC_CTX *mem_ctx,
			      struct tool *tool,
			      const struct drain_id *id,
			      uint64_t deadline);

/** What to do about one that has not answered. */
const char *survey_silence(const struct survey_smbd *smbd);

/** Has the smbd said that it guards this tree connection in the drain? */
bool survey_guards(const struct survey *survey,
		   const struct server_id *id,
		   uint32_t tree);

#endif /* _DRAIN_TOOL_SMBD_SURVEY_H_ */
