// SPDX-License-Identifier: GPL-3.0-or-later
/* The terms of a drain, as begin, run and wait ask for them. */

#ifndef _DRAIN_TOOL_PROTOCOL_TERMS_H_
#define _DRAIN_TOOL_PROTOCOL_TERMS_H_

#include "drain/samba_compat.h"
#include "drain/record.h"

struct drain_terms {
	const char *reason; /* NULL: none */
	const char *warn_command; /* NULL: none */
	bool has_timeout;
	uint64_t timeout; /* milliseconds */
	bool has_on_timeout;
	enum drain_on_timeout on_timeout;
	bool has_new_opens;
	bool hold_opens;
	bool has_hold_timeout;
	uint64_t hold_timeout; /* milliseconds */
	int let_holders_finish;
	int purge_durables;
	int allow_unguarded;
};

#endif /* _DRAIN_TOOL_PROTOCOL_TERMS_H_ */
