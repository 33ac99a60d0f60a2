// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Check of an open, before and after smbd does it.
 */

#ifndef _DRAIN_OPEN_H_
#define _DRAIN_OPEN_H_

#include "drain/policy.h"

/* What a client can keep an unused file open by */
#define DRAIN_OPLOCKS                                                         \
	(EXCLUSIVE_OPLOCK | BATCH_OPLOCK | LEVEL_II_OPLOCK | LEASE_OPLOCK)

/* Restrictions of an open that is granted; all false if no drain covers it */
struct drain_grant {
	bool no_caches; /* true: no lease, oplock or durable handle */
	bool count; /* true: note the handle in its drains */
	bool list_only; /* true: a directory, open for listing only */
};

/** Describe an open by the arguments of create_file_fn. */
struct drain_open drain_open_describe(const struct smb_filename *smb_fname,
				      uint32_t access_mask,
				      uint32_t create_disposition,
				      uint32_t create_options);

/**
 * Check an open of a client before smbd does it.
 *
 * @param[in]  open   From drain_open_describe().
 * @param[out] grant  Filled in if the result is NT_STATUS_OK.
 *
 * @return An error: return it to smbd. The open is refused, or deferred and
 *         then checked again.
 */
NTSTATUS drain_open_check(struct connection_struct *conn,
			  struct smb_request *req,
			  struct files_struct *dirfsp,
			  struct smb_filename *smb_fname,
			  const struct drain_open *open,
			  struct drain_grant *grant);

/**
 * Test whether drain_open_check() is needed while nothing drains. Only in the
 * module that tests use (tests/disturb/jitter.c).
 */
bool drain_open_checks_all(void);

/**
 * Check an open again after smbd has done it, and apply its restrictions.
 *
 * @param[inout] fsp  The handle. Closed, and NULL, after an error.
 *
 * @return An error: return it to smbd.
 */
NTSTATUS drain_open_recheck(struct connection_struct *conn,
			    struct smb_request *req,
			    const struct drain_open *open,
			    const struct drain_grant *grant,
			    struct files_struct **fsp);

#endif /* _DRAIN_OPEN_H_ */
