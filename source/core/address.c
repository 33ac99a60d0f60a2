// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Addresses of a client.
 */

#include "drain/address.h"
#include <string.h>

char *drain_address_of(TALLOC_CTX *mem_ctx, const char *connection)
{
	static const char mapped[] = "::ffff:";
	const char *start = strchr(connection, ':');
	const char *end = strrchr(connection, ':');

	if (strncmp(connection, "ipv", 3) != 0 || end <= start) {
		return talloc_strdup(mem_ctx, connection);
	}
	start += 1;
	if (strncmp(start, mapped, sizeof(mapped) - 1) == 0 &&
	    memchr(start, '.', end - start) != NULL) {
		start += sizeof(mapped) - 1;
	}
	return talloc_strndup(mem_ctx, start, end - start);
}

bool drain_addresses_add(TALLOC_CTX *mem_ctx,
			 struct drain_addresses *addresses,
			 const char *connection)
{
	char *address = drain_address_of(mem_ctx, connection);
	size_t i;

	if (address == NULL) {
		return false;
	}
	for (i = 0; i < addresses->num; i++) {
		if (strcmp(addresses->list[i], address) == 0) {
			break;
		}
	}
	if (i < addresses->num || i == DRAIN_ADDRESSES_MAX) {
		TALLOC_FREE(address);
		return true;
	}
	addresses->list[i] = address;
	addresses->num += 1;
	return true;
}

char *drain_addresses_text(TALLOC_CTX *mem_ctx,
			   const struct drain_addresses *addresses)
{
	if (addresses->num == 0) {
		return talloc_strdup(mem_ctx, "?");
	}
	if (addresses->num == 1) {
		return talloc_strdup(mem_ctx, addresses->list[0]);
	}
	return talloc_asprintf(mem_ctx, "%s+%zu", addresses->list[0],
			       addresses->num - 1);
}
