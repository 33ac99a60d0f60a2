// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deal with what the caller passes in (descriptors, signals, limits) and with
 * what it gets back: a complete output, or an error if some of it is lost.
 */

#ifndef _DRAIN_TOOL_BASE_CALLER_H_
#define _DRAIN_TOOL_BASE_CALLER_H_

#include "drain/samba_compat.h"

/**
 * Prepare the process, before any library opens a file: open descriptors 0 to
 * 2, ignore the signals of failed writes, and report lost output by the exit
 * status.
 *
 * @param failed  The exit status of a failure.
 */
void caller_start(int failed);

/** Make a panic of Samba's libraries exit with a message and an exit status. */
void caller_catch_panics(void);

/**
 * Raise the limit of open files: for each smbd that gets a message, a socket
 * stays open for a while.
 */
void caller_allow_many_files(void);

/**
 * Prepare a child for an exec: restore descriptors 0 to 2, signals and limits
 * as the caller passed them, and close all other descriptors.
 *
 * @param[in] keep  A descriptor that stays open until the exec, or -1.
 * @return The new number of @keep.
 */
int caller_leave(int keep);

/** Note that standard output could not be written. */
void output_failed(int error);

/** Flush standard output. Return false if output was lost. */
bool output_flush(void);

/**
 * Close standard output at the end.
 *
 * @param[in] done  What has succeeded even if the output is lost, or NULL.
 * @return false if output was lost, after an error message unless it was a pipe
 * whose reader has closed it.
 */
bool caller_finish(const char *done);

#endif /* _DRAIN_TOOL_BASE_CALLER_H_ */
