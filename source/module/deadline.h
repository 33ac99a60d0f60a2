// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deadlines of drains: forced close and automatic resume.
 */

#ifndef _DRAIN_DEADLINE_H_
#define _DRAIN_DEADLINE_H_

/** Set the timers of all drains that have none and need one. */
void drain_deadlines_set(void);

#endif /* _DRAIN_DEADLINE_H_ */
