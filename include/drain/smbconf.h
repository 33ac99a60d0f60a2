/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What smb.conf says about the module, share by share.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_SMBCONF_H_
#define _DRAIN_SMBCONF_H_

#include "drain/options.h"

/* In drain.so, for whoever wants to know what it was built for */
#define DRAIN_MODULE_MARK "drain module for Samba "

struct drain_share_config {
	struct drain_options options;
	char **complaints; /* one for each option that is not right */
	size_t num_complaints;
};

/**
 * Read the drain: options of a loaded service, [global] first, then its own.
 * What is not right is complained of and has no effect.
 *
 * @param[in] snum  A service number, see lp_servicenumber().
 * @return NULL: out of memory.
 */
struct drain_share_config *drain_smbconf_read(TALLOC_CTX *mem_ctx, int snum);

/**
 * The place of the module in "vfs objects" of a service; 0 is the first.
 *
 * @return -1: the service does not use it.
 */
int drain_smbconf_module_index(int snum);

#endif /* _DRAIN_SMBCONF_H_ */
