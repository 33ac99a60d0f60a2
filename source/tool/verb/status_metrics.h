// SPDX-License-Identifier: GPL-3.0-or-later
/* Print "smbdrain status" in the text format of Prometheus. */

#ifndef _DRAIN_TOOL_VERB_STATUS_METRICS_H_
#define _DRAIN_TOOL_VERB_STATUS_METRICS_H_

#include "drain/samba_compat.h"

struct lost_node_list;
struct relations;
struct survey;
struct view;

/* Everything that "status" shows */
struct overview {
	struct view *views;
	size_t num_views;
	struct survey *survey; /* of all smbds, for no drain in particular */
	struct lost_node_list *lost; /* the lost nodes of a cluster */
	size_t num_unreadable; /* records that cannot be read */
	bool smbd_runs;
	const char *stranger; /* from namespace_problem() */
	const char *target; /* NULL: all drains */
	const struct relations *relations; /* of the target */
};

/**
 * Print the metrics in the text format that node_exporter collects. Return
 * false on failure.
 */
bool show_as_metrics(const struct overview *all);

#endif /* _DRAIN_TOOL_VERB_STATUS_METRICS_H_ */
