// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deal with what the caller passes in (descriptors, signals, limits) and with
 * what it gets back: a complete output, or an error if some of it is lost.
 */

#ifndef _DRAIN_TOOL_BASE_CALLER_H_
#define _DRAIN_TOOL_BASE_CALLER_H_

#include "drain/samba_compat.h"

/**
 * First of all, before a library opens anything: descriptors 0 to 2 are open,
 * no failed write ends us by a signal, output that is lost is an exit status.
 *
 * @param failed The exit status of a failure.
 */
void caller_start(int failed);

/** A panic of Samba's libraries ends us with a line and an exit status. */
void caller_catch_panics(void);

/** For each smbd that is written to a socket stays open for a while. */
void caller_allow_many_files(void);

/**
 * In a child, just before it becomes another program: it gets descriptors 0 to
 * 2, signals and limits as the caller has given them, and nothing of Samba's.
 *
 * @param[in] keep  A descriptor that stays open until the exec; -1: none.
 * @return Its number from now on.
 */
int caller_leave(int keep);

/** Standard output could not be written. */
void output_failed(int error);

/** What was printed has left us. false: some of it is lost. */
bool output_flush(void);

/**
 * At the end: close standard output.
 *
 * @param[in] done  What has happened even if the output is lost, or NULL.
 * @return false: output is lost, after a complaint unless it was a pipe whose
 *         reader has gone.
 */
bool caller_finish(const char *done);

#endif /* _DRAIN_TOOL_BASE_CALLER_H_ */
