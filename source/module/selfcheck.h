// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Check that smbd is the release that the module was built for.
 */

#ifndef _DRAIN_SELFCHECK_H_
#define _DRAIN_SELFCHECK_H_

/**
 * Compare the release of smbd and the sizes of its structures with the
 * headers that the module was built with. The sizes come from talloc; no
 * structure is dereferenced before its size was compared.
 *
 * @return false: they differ, which was logged. Do not use the module.
 */
bool drain_selfcheck(struct vfs_handle_struct *handle, const char *share);

#endif /* _DRAIN_SELFCHECK_H_ */
