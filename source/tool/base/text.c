// SPDX-License-Identifier: GPL-3.0-or-later
/* Turn values into text that is safe to print. */

#include "base/text.h"
#include "drain/address.h"
#include "drain/policy.h"
#include "drain/record.h"
#include "drain/target.h"
#include "drain/text.h"

const char *show_text(const char *untrusted)
{
	const char *text = drain_text_printable(talloc_tos(), untrusted);

	return (text != NULL) ? text : "?";
}

const char *show_target(const struct drain_record *record)
{
	const char *name = drain_target_name(talloc_tos(), &record->target);

	return (name != NULL) ? show_text(name) : "?";
}

const char *show_access(uint32_t access)
{
	static const struct {
		uint32_t bits;
		char letter;
	} letters[] = {
		{DRAIN_READ_DATA, 'r'},
		{DRAIN_WRITE_DATA | DRAIN_APPEND_DATA, 'w'},
		{DRAIN_EXECUTE, 'x'},
		{DRAIN_DELETE | DRAIN_DELETE_CHILD, 'd'},
		{DRAIN_WRITE_ATTRIBUTES | DRAIN_WRITE_EA, 'a'},
		{DRAIN_WRITE_DAC | DRAIN_WRITE_OWNER | DRAIN_SYSTEM_SECURITY,
		 'p'},
	};
	char text[ARRAY_SIZE(letters) + 1];
	size_t num = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(letters); i++) {
		if (access & letters[i].bits) {
			text[num] = letters[i].letter;
			num += 1;
		}
	}
	text[num] = '\0';
	return (num > 0) ? talloc_strdup(talloc_tos(), text) : "-";
}

const char *show_time(uint64_t usec)
{
	time_t t = usec / 1000000;
	struct tm tm;
	char buf[32];

	if (usec == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		return "-";
	}
	return talloc_strdup(talloc_tos(), buf);
}

const char *show_server(struct server_id id)
{
	struct server_id_buf buf;

	return talloc_strdup(talloc_tos(), server_id_str_buf(id, &buf));
}

const char *show_client(const struct drain_addresses *client)
{
	const char *text = drain_addresses_text(talloc_tos(), client);

	return (text != NULL) ? show_text(text) : "?";
}
