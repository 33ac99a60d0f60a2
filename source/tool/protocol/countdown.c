// SPDX-License-Identifier: GPL-3.0-or-later
/* Keep the list of holders of a drain while they close their files. */

#include "protocol/countdown.h"
#include "drain/alive.h"
#include "drain/codec.h"
#include "drain/record.h"
#include "base/tool.h"
#include "smbd/holders.h"

#define COUNTDOWN_MSEC 1000 /* how long smbds may take to answer */

struct gone_handle {
	struct server_id server_id;
	uint64_t key;
};

static void drop_holder(struct holder_list *list, size_t i)
{
	list->num_holders -= 1;
	list->holders[i] = list->holders[list->num_holders];
}

static void drop_gone(struct holder_list *list, const struct gone_handle *gone)
{
	size_t i;

	for (i = 0; i < list->num_holders; i++) {
		if (list->holders[i].key == gone->key &&
		    server_id_equal(&list->holders[i].server_id,
				    &gone->server_id)) {
			drop_holder(list, i);
			return;
		}
	}
}

static void note_closed(struct countdown *c, const struct gone_handle *gone)
{
	struct gone_handle *list = NULL;

	list = talloc_realloc(c, c->gone, struct gone_handle,
			      c->num_gone + 1);
	if (list == NULL) {
		return; /* shown until the next list is made */
	}
	list[c->num_gone] = *gone;
	c->gone = list;
	c->num_gone += 1;
}

struct countdown *countdown_new(TALLOC_CTX *mem_ctx,
				const struct drain_record *record)
{
	struct countdown *c = talloc_zero(mem_ctx, struct countdown);

	if (c != NULL) {
		c->id = record->id;
		c->filling = true;
	}
	return c;
}

bool countdown_gone(struct countdown *c,
		    const struct drain_tell_gone *tell,
		    struct server_id src)
{
	const struct drain_id id = drain_id_from_guid(&tell->id);
	const struct gone_handle gone = {
		.server_id = src,
		.key = tell->holder.key,
	};

	if (!drain_id_equal(&id, &c->id)) {
		return false;
	}
	if (c->filling) {
		note_closed(c, &gone);
	}
	if (c->list != NULL) {
		drop_gone(c->list, &gone);
	}
	return true;
}

bool countdown_fill(struct countdown *c,
		    struct tool *tool,
		    const struct drain_record *record)
{
	struct holder_list *list = NULL;
	size_t i;

	c->filling = true;
	list = holders_get(c, tool, record, false, COUNTDOWN_MSEC);
	c->filling = false;
	if (list != NULL) {
		(void)holders_drop_exempt(list);
		for (i = 0; i < c->num_gone; i++) {
			drop_gone(list, &c->gone[i]);
		}
		TALLOC_FREE(c->list);
		c->list = list;
	}
	TALLOC_FREE(c->gone);
	c->num_gone = 0;
	return list != NULL;
}

void countdown_drop_dead(struct countdown *c)
{
	size_t i = 0;

	while (c->list != NULL && i < c->list->num_holders) {
		const struct server_id *id = &c->list->holders[i].server_id;

		if (id->pid != 0 && !drain_is_alive(id)) {
			drop_holder(c->list, i);
		} else {
			i += 1;
		}
	}
}
