// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lease breaks.
 */

#ifndef _DRAIN_BREAKS_H_
#define _DRAIN_BREAKS_H_

/**
 * Break the lease or oplock of a handle: of a file down to read caching, of a
 * directory down to none. Returns before the client has acknowledged it.
 */
void drain_break_cache(struct files_struct *fsp);

#endif /* _DRAIN_BREAKS_H_ */
