// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tree connect and disconnect of a share with the module.
 */

#ifndef _DRAIN_CONNECT_H_
#define _DRAIN_CONNECT_H_

struct drain_tree;

/**
 * Guard a tree connect: open the databases, join the roster and read the
 * drains in force. Call as root.
 *
 * @return NULL: that failed, which was logged. The tree connect must fail,
 *         since an smbd without the drains in force must not serve the share.
 */
struct drain_tree *drain_connect(struct vfs_handle_struct *handle);

/** End that. The last tree connect of the process leaves the roster. */
void drain_disconnect(struct drain_tree *tree);

#endif /* _DRAIN_CONNECT_H_ */
