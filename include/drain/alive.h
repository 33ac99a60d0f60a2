/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Whether a process on Samba's message bus lives.
 *
 * serverid_exists() asks the kernel for the process number. A process in
 * another PID namespace has another number here, or none: it looks dead. The
 * lock on its message file (msg.lock in the lock directory) shows that it
 * lives, because the kernel releases that lock when the process ends.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_ALIVE_H_
#define _DRAIN_ALIVE_H_

#include <stdbool.h>
#include <sys/types.h>

struct server_id;

/**
 * Does the process live, in whichever PID namespace? Everything that takes a
 * process for dead asks this, never serverid_exists(). As root; up to nine
 * system calls.
 */
bool drain_is_alive(const struct server_id *id);

/**
 * Does the process live, and look dead to serverid_exists()? Samba then removes
 * its locks.
 */
bool drain_looks_dead(const struct server_id *id);

/** A process that has another number here than in its own PID namespace */
struct drain_stranger {
	pid_t number; /* its own; 0: there is none */
	pid_t here; /* 0: it has none here */
};

/**
 * Look for a process on the bus that is in another PID namespace: that takes
 * three system calls for each process on the bus. As root.
 *
 * @param[in] path  A file that a process locks and has its number in, besides;
 *                  may be NULL.
 * @return 0, or errno if the message files cannot be read.
 */
int drain_find_stranger(const char *path, struct drain_stranger *stranger);

#endif /* _DRAIN_ALIVE_H_ */
