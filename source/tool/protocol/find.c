// SPDX-License-Identifier: GPL-3.0-or-later
/* Find the drains in force: all, or the one that a person names. */

#include "protocol/find.h"
#include "drain/record.h"
#include "drain/shares.h"
#include "drain/store.h"
#include "drain/target.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "samba/conf.h"
#include "samba/shares.h"

struct drain_list *find_all(TALLOC_CTX *mem_ctx, struct tool *tool)
{
	struct drain_list *list = NULL;
	NTSTATUS status = drain_store_list(tool->store, mem_ctx, &list);

	if (!NT_STATUS_IS_OK(status)) {
		complain("cannot read %s: %s", drain_store_name(tool->store),
			 nt_errstr(status));
		return NULL;
	}
	return list;
}

struct drain_record *find_drain(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const char *name,
				struct drain_record **place)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct drain_record *record = NULL;
	struct drain_list *list = NULL;
	struct share_list *shares = NULL;
	struct drain_target target;
	const char *why = NULL;

	*place = NULL;
	why = drain_target_parse(frame, name, &target);
	if (why != NULL) {
		complain("cannot use %s as a target: %s", show_text(name), why);
		goto done;
	}
	list = find_all(frame, tool);
	if (list == NULL) {
		goto done;
	}

	/* Search by name first: the share may no longer be in smb.conf. */
	record = drain_list_find(mem_ctx, list, &target, NULL);
	if (record != NULL) {
		goto done;
	}
	/* the place refers to the strings of the shares */
	shares = conf_shares(mem_ctx, tool);
	if (shares == NULL) {
		complain("out of memory");
		goto done;
	}
	*place = shares_resolve(mem_ctx, shares, name);
	if (*place == NULL) {
		goto done;
	}
	record = drain_list_find(mem_ctx, list, &target, *place);
	if (record != NULL) {
		TALLOC_FREE(*place);
	}
done:
	TALLOC_FREE(frame);
	return record;
}

struct drain_record *find_place(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const char *target)
{
	struct drain_record *record = NULL;
	struct drain_record *place = NULL;

	record = find_drain(mem_ctx, tool, target, &place);
	return (record != NULL) ? record : place;
}
