/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The addresses of a client. One that has several connections (SMB 3
 * multi-channel) may come from several addresses.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_ADDRESS_H_
#define _DRAIN_ADDRESS_H_

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

/* As many connections as Samba allows a session */
#define DRAIN_ADDRESSES_MAX 32

/* Each address once, that of the oldest connection first */
struct drain_addresses {
	const char *list[DRAIN_ADDRESSES_MAX];
	size_t num; /* 0: not known */
};

/**
 * The address alone, of that of a connection as Samba writes it, for instance
 * "ipv4:10.0.0.17:49152". An IPv4 address that came as ::ffff:10.0.0.17 is
 * shown as IPv4. Anything else is left as it is. NULL: out of memory.
 */
char *drain_address_of(TALLOC_CTX *mem_ctx, const char *connection);

/**
 * Add the address of a connection, unless it is there or there is no room.
 *
 * @return false: out of memory.
 */
bool drain_addresses_add(TALLOC_CTX *mem_ctx,
			 struct drain_addresses *addresses,
			 const char *connection);

/**
 * In one word: the first, and how many there are besides, "10.0.0.17+1"; "?"
 * if there is none. NULL: out of memory.
 */
char *drain_addresses_text(TALLOC_CTX *mem_ctx,
			   const struct drain_addresses *addresses);

#endif /* _DRAIN_ADDRESS_H_ */
