/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Exemptions: an updater that works over SMB while all others are out.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "module.h"
#include "lib/substitute.h"
#include "lib/util/access.h"

/*
 * A request of the session may come by any of its connections: all have to be
 * of hosts that are exempt. smbd looked up the name of each when it came.
 */
static bool is_exempt_host(const struct connection_struct *conn,
			   uint64_t vuid,
			   const char *hosts)
{
	TALLOC_CTX *frame = NULL;
	struct drain_channels channels;
	const char **list = NULL;
	bool exempt;
	size_t i;

	if (hosts[0] == '\0') {
		return false;
	}
	frame = talloc_stackframe();
	channels = drain_client_channels(conn, vuid);
	list = str_list_make_v3_const(frame, hosts, NULL);
	exempt = list != NULL && channels.num > 0;

	/* Not allow_access(): that one lets loopback in whatever is listed */
	for (i = 0; exempt && i < channels.num; i++) {
		const char *client[] = {
			channels.list[i].remote_name,
			drain_address_of(
				frame, channels.list[i].remote_address),
		};

		exempt = client[1] != NULL &&
			 list_match(list, client, client_match);
	}
	TALLOC_FREE(frame);
	return exempt;
}

/* As user_ok_token() of smbd looks at "valid users" */
static bool is_exempt_user(const struct connection_struct *conn,
			   uint64_t vuid,
			   const char *users)
{
	const struct auth_session_info *info = drain_process_user(conn, vuid);
	const char *user = info->unix_info->unix_name;
	const char *domain = info->info->domain_name;
	const char *share = lp_const_servicename(SNUM(conn));
	TALLOC_CTX *frame = NULL;
	const char **list = NULL;
	char *names = NULL;
	bool match = false;
	bool told = false;

	if (users[0] == '\0') {
		return false;
	}
	frame = talloc_stackframe();
	names = talloc_sub_full(frame, share, user, conn->connectpath,
				info->unix_token->gid,
				info->unix_info->sanitized_username, domain,
				users);
	if (names != NULL) {
		list = str_list_make_v3_const(frame, names, NULL);
	}
	if (list != NULL) {
		told = drain_token_contains_name(user, domain, share,
						 info->security_token, list,
						 &match);
	}
	TALLOC_FREE(frame);
	return told && match;
}

bool drain_is_exempt(const struct connection_struct *conn,
		     uint64_t vuid,
		     const struct drain_policy *policy)
{
	return is_exempt_host(conn, vuid, policy->exempt_hosts) ||
	       is_exempt_user(conn, vuid, policy->exempt_users);
}

bool drain_exempts_handle(const struct files_struct *fsp)
{
	struct drain_place place;
	const struct drain *drain = NULL;

	if (drain_process_tree(fsp->conn) == NULL ||
	    !drain_place_of_handle(&place, fsp)) {
		return false;
	}
	while ((drain = drain_place_next(&place)) != NULL) {
		const struct drain_policy *policy = &drain->record->policy;

		if (drains_handle_counts(fsp, policy) &&
		    drain_is_exempt(fsp->conn, fsp->vuid, policy)) {
			return true;
		}
	}
	return false;
}
