// SPDX-License-Identifier: GPL-3.0-or-later
/* Print "smbdrain status" in the text format of Prometheus. */

#ifndef _DRAIN_TOOL_VERB_STATUS_METRICS_H_
#define _DRAIN_TOOL_VERB_STATUS_METRICS_H_

#include "drain/samba_compat.h"

struct lost_node_list;
struct relations;
struct survey;
struct view;

/* All that "status" tells */
struct overview {
	struct view *views;
	size_t num_views;
	struct survey *survey; /* of all smbds, whatever drains */
	struct lost_node_list *lost; /* of a cluster */
	size_t num_unreadable; /* records */
	bool smbd_runs;
	const char *stranger; /* what namespace_problem() says */
	const char *target; /* NULL: all drains are looked at */
	const struct relations *relations; /* of the target */
};

/** In the text format that node_exporter collects. false: it failed. */
bool show_as_metrics(const struct overview *all);

#endif /* _DRAIN_TOOL_VERB_STATUS_METRICS_H_ */
