/*
 * drain: take users off a Samba share so that it can be updated
 *
 * What each line of the log names: the client, and what it is about.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"
#include "drain/text.h"

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

struct drain_about drain_about_drain(const struct drain *drain)
{
	return (struct drain_about) {
		.client = drain_client_all(),
		.share = drain->record->target.share,
		.path = drain->record->real[0],
	};
}

struct drain_about drain_about_place(const struct connection_struct *conn,
				     const struct drain_place *place)
{
	struct drain_about about = drain_about_tree(conn);

	about.path = place->name.path;
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
