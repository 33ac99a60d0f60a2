// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Times that the module waits, in the unit that each name ends with.
 *
 * smbd gives a client 35 s for a lease break. The times of a forced close
 * depend on that: a client that flushes its cache gets less, and a request that
 * waits for a break gets more before it is reported.
 */

#ifndef _DRAIN_TIMEOUTS_H_
#define _DRAIN_TIMEOUTS_H_

/* Forced close: a client with a write cache that sends no data */
#define DRAIN_FLUSH_SECONDS 1

/* Forced close: a client with a write cache that keeps sending data */
#define DRAIN_FLUSH_MAX_SECONDS 30

/* Forced close: a request that uses the handle, until an error is logged */
#define DRAIN_IN_USE_SECONDS 45

/* Forced close: a client that reads no data, until it is disconnected */
#define DRAIN_STUCK_SECONDS 45

/* Forced close: the pause between two checks grows from MIN to MAX */
#define DRAIN_CLOSE_PAUSE_MIN_USEC 1000
#define DRAIN_CLOSE_PAUSE_MAX_USEC 20000

/* After a deadline, until the handles are checked again */
#define DRAIN_DEADLINE_AGAIN_SECONDS 5

/* ... until an smbd resumes the drain; a waiting tool does it first */
#define DRAIN_DEADLINE_RESUME_USEC 500000

/* After a recovery of the cluster, until a lock is tried again */
#define DRAIN_REJOIN_AGAIN_MSEC 100

/* Two changes of a directory within this time may have the same ctime */
#define DRAIN_CTIME_SECONDS 2

#endif /* _DRAIN_TIMEOUTS_H_ */
