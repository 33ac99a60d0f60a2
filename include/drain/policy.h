// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Policy: which handles count, and how an open is answered while its target
 * drains.
 *
 * The basic rule: an open that is granted without an exemption does not count,
 * and an open that would count is refused. Access bits, dispositions and create
 * options are those of MS-SMB2 2.2.13. source/module/open.c asserts that they
 * are the same numbers as in Samba's headers.
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

/* Access to a directory that changes nothing */
#define DRAIN_LISTING                                                         \
	(DRAIN_READ_DATA | DRAIN_READ_EA | DRAIN_EXECUTE |                    \
	 DRAIN_READ_ATTRIBUTES | DRAIN_READ_CONTROL | DRAIN_SYNCHRONIZE)

/* The policy of a drain, the same for all smbds: part of its record */
struct drain_policy {
	bool count_directories; /* true: handles of directories count */
	bool break_leases; /* true: leases of counted handles are broken */
	bool let_holders_finish; /* true: their clients may open more files */
	bool hold_opens; /* true: defer opens; false: refuse them */
	uint64_t hold_timeout; /* ... for at most so many milliseconds */
	uint32_t max_held_opens; /* number of deferred opens of a client */
	uint32_t refuse_status; /* an NTSTATUS code */
	const char *exempt_users; /* like "valid users"; "": none */
	const char *exempt_hosts; /* like "hosts allow"; "": none */
};

/* An open, after smbd has resolved its name */
struct drain_open {
	bool exists; /* true: the file exists */
	bool directory; /* true: a directory, or to be created as one */
	bool snapshot; /* true: a previous version outside the target */
	uint32_t access; /* generic bits mapped; may be MAXIMUM_ALLOWED */
	enum drain_disposition disposition;
	uint32_t options;
};

/* If several drains cover a file, the greatest of these decides */
enum drain_verdict {
	DRAIN_GRANT,
	DRAIN_HOLD, /* defer it */
	DRAIN_REFUSE,
};

/**
 * Parse what is done with new opens: "refuse" or "hold".
 *
 * @return false: @text is neither.
 */
bool drain_new_opens_parse(const char *text, bool *hold);

/**
 * Test whether a handle with this access counts.
 *
 * A file counts if the access includes reading, executing or changing it. A
 * directory counts by the same rule, but only with "drain:count directories =
 * yes".
 */
bool drain_access_counts(const struct drain_policy *policy,
			 bool directory,
			 uint32_t access);

/** Test whether an open changes something or requests such access. */
bool drain_open_modifies(const struct drain_open *open);

/** Judge an open that is not exempt while its target drains. */
enum drain_verdict drain_open_verdict(const struct drain_policy *policy,
				      const struct drain_open *open);

/**
 * Return the access by which an open of a directory is judged.
 *
 * File managers request MAXIMUM_ALLOWED to list a directory. That is judged as
 * DRAIN_LISTING, and the open is granted no other access.
 */
uint32_t drain_access_to_list(uint32_t access);

#endif /* _DRAIN_POLICY_H_ */
