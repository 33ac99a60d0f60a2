// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Recoveries of a cluster.
 */

#ifndef _DRAIN_REJOIN_H_
#define _DRAIN_REJOIN_H_

/**
 * Register for recoveries of the cluster, if there is one. Call as root.
 *
 * @return false: that failed.
 */
bool drain_rejoin_register(void);

/**
 * Read the database if it has changed since the drains were read. That can
 * be so in a cluster only; elsewhere each smbd acknowledges a change.
 *
 * @return true: the drains may have changed.
 */
bool drain_rejoin_if_behind(void);

#endif /* _DRAIN_REJOIN_H_ */
