// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Test whether a process on Samba's message bus lives.
 *
 * serverid_exists() asks the kernel for the process number. A process in
 * another PID namespace has another number here, or none, and so
 * serverid_exists() says that it is dead. The lock on its message file
 * (msg.lock in the lock directory) shows that it lives, since the kernel
 * releases that lock when the process ends.
 */

#ifndef _DRAIN_ALIVE_H_
#define _DRAIN_ALIVE_H_

#include <stdbool.h>
#include <sys/types.h>

struct server_id;

/**
 * Test whether a process lives, in whichever PID namespace. Call this instead
 * of serverid_exists(), as root. It takes up to nine system calls.
 */
bool drain_is_alive(const struct server_id *id);

/**
 * Test whether a process lives but serverid_exists() says that it is dead.
 * Samba removes the locks of such a process.
 */
bool drain_looks_dead(const struct server_id *id);

/* A process that has another number here than in its own PID namespace */
struct drain_stranger {
	pid_t number; /* its own; 0: there is none */
	pid_t here; /* 0: it has none here */
};

/**
 * Find a process on the bus that is in another PID namespace. Call as root. It
 * takes three system calls for each process on the bus.
 *
 * @param[in] path  NULL, or one more file that a process has locked and that
 *                  contains its number.
 * @return 0, or errno if the message files cannot be read.
 */
int drain_find_stranger(const char *path, struct drain_stranger *stranger);

#endif /* _DRAIN_ALIVE_H_ */
