// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The start of each log line: client, share and path.
 */

#include "module.h"
#include "drain/record.h"
#include "drain/text.h"
#include "client.h"
#include "log.h"

int drain_debug_class = DBGC_VFS; /* until the module is registered */

struct drain_about drain_about_all(void)
{
	return (struct drain_about) {
		.client = drain_client_all(),
		.share = "*",
		.path = "*",
	};
}

struct drain_about drain_about_tree(const struct connection_struct *conn)
{
	return (struct drain_about) {
		.client = drain_client_text(conn, conn->vuid),
		.share = lp_const_servicename(SNUM(conn)),
		.path = conn->connectpath,
	};
}

struct drain_about drain_about_record(const struct drain_record *record)
{
	return (struct drain_about) {
		.client = drain_client_all(),
		.share = record->target.share,
		.path = record->real[0],
	};
}

struct drain_about drain_about_path(const struct connection_struct *conn,
				    const char *path)
{
	struct drain_about about = drain_about_tree(conn);

	about.path = path;
	return about;
}

struct drain_about drain_about_handle(const struct files_struct *fsp)
{
	struct drain_about about = drain_about_tree(fsp->conn);
	const char *path = talloc_asprintf(talloc_tos(), "%s/%s", about.path,
					   fsp_str_dbg(fsp));

	about.client = drain_client_text(fsp->conn, fsp->vuid);
	if (path != NULL) {
		about.path = path;
	}
	return about;
}

const char *drain_log_text(const char *untrusted)
{
	const char *text = drain_text_printable(talloc_tos(), untrusted);

	return (text != NULL) ? text : "?";
}

const char *drain_about_text(struct drain_about about)
{
	const char *text = talloc_asprintf(talloc_tos(),
					   "client %s, share %s, path %s",
					   about.client,
					   drain_log_text(about.share),
					   drain_log_text(about.path));

	return (text != NULL) ? text : "?";
}
