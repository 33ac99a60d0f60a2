// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Included first by each file of the module: the headers of Samba that all
 * of them need, and the debug class of the module.
 *
 * smbd runs one process for one client. The client may have several
 * connections with the same client GUID. The process has one thread, so no
 * message is handled while a hook runs.
 *
 * Each file calls only files above it in this list:
 *
 * locate        paths on disk of names and of open files
 * in_use        handles that requests in progress use
 * spelling      other spellings of drained directories
 * process       state of the process: databases, tree connects, drains
 * client        addresses of the client
 * log           what a log line is about
 * error         internal errors: counted, logged once
 * defer         deferred opens
 * exempt        exempt users and hosts
 * breaks        lease breaks
 * place         the drains that a name or an open file is in
 * watchers      processes that wait for closed handles
 * close         forced close of handles
 * counted       counted handles and the hold lock of a drain
 * drains        drains as the database has them
 * durable       reconnects to durable handles
 * rejoin        recoveries of the cluster
 * deadline      deadlines of drains
 * open          check and recheck of an open
 * entry         renames, links and other changes of directory entries
 * own           changes that smbd makes by itself
 * share_options drain: options of smb.conf
 * answer        requests from smbdrain
 * smbcontrol    smbcontrol close-share
 * connect       tree connect and disconnect
 * selfcheck     check that smbd is the release the module was built for
 * vfs_drain     the hooks
 */

#ifndef _DRAIN_MODULE_H_
#define _DRAIN_MODULE_H_

#include "drain/samba_compat.h"
#include "smbd/smbd.h"
#include "smbd/globals.h"
#include "smbd/fd_handle.h"
#include "lib/util/dlinklist.h"

/* For "log level = drain:5" */
extern int drain_debug_class;
#undef DBGC_CLASS
#define DBGC_CLASS drain_debug_class

#endif /* _DRAIN_MODULE_H_ */
