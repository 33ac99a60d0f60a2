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

static bool is_exempt_host(const struct connection_struct *conn,
			   const char *hosts)
{
	const char *client[] = {"", drain_process_client()};
	const char **list = NULL;
	bool found;

	if (hosts[0] == '\0') {
		return false;
	}
	if (conn->sconn->remote_hostname != NULL) {
		client[0] = conn->sconn->remote_hostname;
	}
	list = str_list_make_v3_const(talloc_tos(), hosts, NULL);

	/* Not allow_access(): that one lets loopback in whatever is listed */
	found = list != NULL && list_match(list, client, client_match);
	TALLOC_FREE(list);
	return found;
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
	return is_exempt_host(conn, policy->exempt_hosts) ||
	       is_exempt_user(conn, vuid, policy->exempt_users);
}
