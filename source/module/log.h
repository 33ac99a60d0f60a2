// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The start of each log line: client, share and path.
 */

#ifndef _DRAIN_LOG_H_
#define _DRAIN_LOG_H_

struct drain_record;

/* What a log line is about. The text is on talloc_tos() or in its source. */
struct drain_about {
	const char *client;
	const char *share;
	const char *path;
};

/** Describe all tree connects of the client. */
struct drain_about drain_about_all(void);

/** Describe a tree connect. */
struct drain_about drain_about_tree(const struct connection_struct *conn);

/** Describe a drain by its record. */
struct drain_about drain_about_record(const struct drain_record *record);

/** Describe an absolute path that is reached through a tree connect. */
struct drain_about drain_about_path(const struct connection_struct *conn,
				    const char *path);

/** Describe an open handle. */
struct drain_about drain_about_handle(const struct files_struct *fsp);

/** Return "client C, share S, path P", with untrusted text on one line. */
const char *drain_about_text(struct drain_about about);

/** Return untrusted text on one line, without control characters. */
const char *drain_log_text(const char *untrusted);

/* Write a log line: DRAIN_LOG(DBG_NOTICE, about, "reason", ...) */
#define DRAIN_LOG(dbg, about, fmt, ...)                                       \
	dbg("drain: %s: " fmt "\n", drain_about_text(about), ##__VA_ARGS__)

#endif /* _DRAIN_LOG_H_ */
