// SPDX-License-Identifier: GPL-3.0-or-later
/* Print a list of holders as JSON. */

#ifndef _DRAIN_TOOL_SMBD_HOLDERS_JSON_H_
#define _DRAIN_TOOL_SMBD_HOLDERS_JSON_H_

#include "drain/samba_compat.h"

struct holder_list;

/** Print the document of "holders --json". Return false on failure. */
bool show_json_holders(FILE *f, const struct holder_list *list);

#endif /* _DRAIN_TOOL_SMBD_HOLDERS_JSON_H_ */
