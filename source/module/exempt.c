// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Users and hosts that a drain exempts, such as an updater that works over SMB.
 */

#include "module.h"
#include "lib/substitute.h"
#include "lib/util/access.h"
#include "client.h"
#include "exempt.h"
#include "process.h"

/*
 * A request can arrive on any connection of the session, so all connections
 * must be from exempt hosts. smbd has looked up the name of each host.
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

	/* allow_access() would allow loopback whatever the list says */
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

/* The same way as user_ok_token() of smbd does it for "valid users" */
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
	bool known = false;

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
		known = drain_token_contains_name(user, domain, share,
						  info->security_token, list,
						  &match);
	}
	TALLOC_FREE(frame);
	return known && match;
}

bool drain_is_exempt(const struct connection_struct *conn,
		     uint64_t vuid,
		     const struct drain_policy *policy)
{
	return is_exempt_host(conn, vuid, policy->exempt_hosts) ||
	       is_exempt_user(conn, vuid, policy->exempt_users);
}
