// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The drain: options of a share in smb.conf.
 */

#ifndef _DRAIN_SHARE_OPTIONS_H_
#define _DRAIN_SHARE_OPTIONS_H_

#include "drain/options.h"

/**
 * Read the drain: options of a share. Invalid ones are logged, once for each
 * share and process.
 *
 * @param[out] options  The strings are owned by @mem_ctx.
 */
void drain_config_read(TALLOC_CTX *mem_ctx,
		       const struct connection_struct *conn,
		       struct drain_options *options);

#endif /* _DRAIN_SHARE_OPTIONS_H_ */
