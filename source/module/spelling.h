// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Other spellings of drained directories.
 */

#ifndef _DRAIN_SPELLING_H_
#define _DRAIN_SPELLING_H_

#include "drain/scope.h"

/**
 * Test whether @path, directly in @dir, is on disk one of the directories of
 * @below. Only device and inode are compared.
 *
 * @return The spelling of the record, owned by @below; NULL: it is none.
 */
const char *drain_spelling_find(struct drain_below *below,
				const char *dir,
				const char *path);

#endif /* _DRAIN_SPELLING_H_ */
