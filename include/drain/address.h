// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Addresses of a client. A client with several connections (SMB 3 multichannel)
 * may have several addresses.
 */

#ifndef _DRAIN_ADDRESS_H_
#define _DRAIN_ADDRESS_H_

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

/* The number of connections that Samba allows for a session */
#define DRAIN_ADDRESSES_MAX 32

/* Without duplicates; the address of the oldest connection is the first */
struct drain_addresses {
	const char *list[DRAIN_ADDRESSES_MAX];
	size_t num; /* 0: not known */
};

/**
 * Extract the address from what Samba writes for a connection, for instance
 * "ipv4:10.0.0.17:49152". ::ffff:10.0.0.17 becomes an IPv4 address. Other text
 * is copied unchanged.
 *
 * @return NULL: out of memory.
 */
char *drain_address_of(TALLOC_CTX *mem_ctx, const char *connection);

/**
 * Add the address of a connection, unless the list has it or is full.
 *
 * @return false: out of memory.
 */
bool drain_addresses_add(TALLOC_CTX *mem_ctx,
			 struct drain_addresses *addresses,
			 const char *connection);

/**
 * Return the addresses as one word: the first one, and the number of the
 * others, as in "10.0.0.17+1". An empty list gives "?".
 *
 * @return NULL: out of memory.
 */
char *drain_addresses_text(TALLOC_CTX *mem_ctx,
			   const struct drain_addresses *addresses);

#endif /* _DRAIN_ADDRESS_H_ */
