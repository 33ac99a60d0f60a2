/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Policy: which handles count, and what an open is told while its target
 * drains.
 *
 * The rule that everything rests on: whatever is granted without an exemption
 * does not count, and whatever counts is refused. Access bits, dispositions
 * and create options are those of MS-SMB2 2.2.13; the layer above asserts
 * that they are the same numbers as in Samba's headers.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#ifndef _DRAIN_POLICY_H_
#define _DRAIN_POLICY_H_

#include <stdbool.h>
#include <stdint.h>

/* MS-SMB2 2.2.13.1.1 and 2.2.13.1.2: access masks, after generic mapping */
enum drain_access {
	DRAIN_READ_DATA = 0x00000001, /* FILE_LIST_DIRECTORY */
	DRAIN_WRITE_DATA = 0x00000002, /* FILE_ADD_FILE */
	DRAIN_APPEND_DATA = 0x00000004, /* FILE_ADD_SUBDIRECTORY */
	DRAIN_READ_EA = 0x00000008,
	DRAIN_WRITE_EA = 0x00000010,
	DRAIN_EXECUTE = 0x00000020, /* FILE_TRAVERSE */
	DRAIN_DELETE_CHILD = 0x00000040,
	DRAIN_READ_ATTRIBUTES = 0x00000080,
	DRAIN_WRITE_ATTRIBUTES = 0x00000100,
	DRAIN_DELETE = 0x00010000,
	DRAIN_READ_CONTROL = 0x00020000,
	DRAIN_WRITE_DAC = 0x00040000,
	DRAIN_WRITE_OWNER = 0x00080000,
	DRAIN_SYNCHRONIZE = 0x00100000,
	DRAIN_SYSTEM_SECURITY = 0x01000000,
	DRAIN_MAXIMUM_ALLOWED = 0x02000000,
};

/* MS-SMB2 2.2.13, CreateDisposition */
enum drain_disposition {
	DRAIN_SUPERSEDE = 0,
	DRAIN_OPEN = 1,
	DRAIN_CREATE = 2,
	DRAIN_OPEN_IF = 3,
	DRAIN_OVERWRITE = 4,
	DRAIN_OVERWRITE_IF = 5,
};

/* MS-SMB2 2.2.13, CreateOptions */
#define DRAIN_OPTION_DELETE_ON_CLOSE 0x00001000

/* All that may be asked of a directory without changing anything */
#define DRAIN_LISTING                                                         \
	(DRAIN_READ_DATA | DRAIN_READ_EA | DRAIN_EXECUTE |                    \
	 DRAIN_READ_ATTRIBUTES | DRAIN_READ_CONTROL | DRAIN_SYNCHRONIZE)

/* What a drain has decided once for all smbds; kept in its record. */
struct drain_policy {
	bool count_directories;
	bool break_leases;
	bool let_holders_finish;
	bool hold_opens; /* make new ones wait until the end of the drain */
	uint64_t hold_timeout; /* ... at most so many milliseconds */
	uint32_t max_held_opens; /* of one client */
	uint32_t refuse_status; /* an NTSTATUS code */
	const char *exempt_users; /* as "valid users" in smb.conf(5); "" none */
	const char *exempt_hosts; /* as "hosts allow"; "" none */
};

/* An open as it asks, names resolved. */
struct drain_open {
	bool exists;
	bool directory; /* it is one, or asks to become one; never a stream */
	bool snapshot; /* a previous version, found elsewhere */
	uint32_t access; /* generic bits mapped; may be MAXIMUM_ALLOWED */
	enum drain_disposition disposition;
	uint32_t options;
};

/* Of several drains the strictest decides: the greatest of these */
enum drain_verdict {
	DRAIN_GRANT,
	DRAIN_HOLD,
	DRAIN_REFUSE,
};

/**
 * What is done with new opens, in words: "refuse" or "hold".
 *
 * @return false when @text is neither.
 */
bool drain_new_opens_parse(const char *text, bool *hold);

/**
 * Does a handle with this access count as a holder?
 *
 * Files count with any data or modifying access. Directories count only with
 * "drain:count directories = yes", and then by the same bits.
 */
bool drain_access_counts(const struct drain_policy *policy,
			 bool directory,
			 uint32_t access);

/** Does an open change something, or ask for access that does? */
bool drain_open_modifies(const struct drain_open *open);

/** What an open without exemption is told while its target drains. */
enum drain_verdict drain_open_verdict(const struct drain_policy *policy,
				      const struct drain_open *open);

/**
 * The access by which an open of a directory is judged.
 *
 * File managers ask for MAXIMUM_ALLOWED on directories just to list them.
 * That counts as DRAIN_LISTING, and no more than that is granted then.
 */
uint32_t drain_access_to_list(uint32_t access);

#endif /* _DRAIN_POLICY_H_ */
