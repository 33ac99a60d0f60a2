/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The line that counts holders down, on a terminal.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"
#include <sys/ioctl.h>

#define PROGRESS_TICK_MSEC 1000

struct progress {
	struct tool *tool;
	struct holder_list *list; /* NULL: not there yet */
	struct gone_handle *gone; /* before the list was there */
	size_t num_gone;
	struct drain_id id;
};

struct gone_handle {
	struct server_id server_id;
	uint64_t key;
};

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
		return 80;
	}
	return size.ws_col;
}

/* A line that wraps can not be taken back */
static void show_line(const struct progress *p)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const struct holder *h = p->list->holders;
	char *line = NULL;

	if (p->list->num_holders == 1) {
		line = talloc_asprintf(frame, "waiting for %s@%s: %s",
				       show_text(h->user),
				       show_text(h->client),
				       show_text(h->path));
	} else if (p->list->num_holders > 1) {
		line = talloc_asprintf(
			frame, "waiting for %zu holders: %s@%s: %s, ...",
			p->list->num_holders, show_text(h->user),
			show_text(h->client), show_text(h->path));
	}
	fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1,
		line != NULL ? line : "");
	fflush(stderr);
	TALLOC_FREE(frame);
}

static void drop_holder(struct holder_list *list, size_t i)
{
	list->num_holders -= 1;
	list->holders[i] = list->holders[list->num_holders];
}

static void drop_gone(struct holder_list *list,
		      struct server_id server_id,
		      uint64_t key)
{
	size_t i;

	for (i = 0; i < list->num_holders; i++) {
		if (list->holders[i].key == key &&
		    server_id_equal(&list->holders[i].server_id,
				    &server_id)) {
			drop_holder(list, i);
			return;
		}
	}
}

static void remember_gone(struct progress *p,
			  struct server_id src,
			  uint64_t key)
{
	struct gone_handle *gone = NULL;

	gone = talloc_realloc(p, p->gone, struct gone_handle,
			      p->num_gone + 1);
	if (gone == NULL) {
		return; /* it stays on the line */
	}
	gone[p->num_gone] = (struct gone_handle) {
		.server_id = src,
		.key = key,
	};
	p->gone = gone;
	p->num_gone += 1;
}

static void gone(const struct drain_tell_gone *gone,
		 struct server_id src,
		 void *private_data)
{
	struct progress *p = private_data;
	struct drain_id id = drain_id_from_guid(&gone->id);

	if (!drain_id_equal(&id, &p->id)) {
		return;
	}
	if (p->list == NULL) {
		remember_gone(p, src, gone->holder.key);
		return;
	}
	drop_gone(p->list, src, gone->holder.key);
	show_line(p);
}

/* Those of an smbd that was killed: it did not say goodbye */
static void drop_dead(struct holder_list *list)
{
	size_t i = 0;

	while (i < list->num_holders) {
		const struct server_id *id = &list->holders[i].server_id;

		if (id->pid != 0 && !serverid_exists(id)) {
			drop_holder(list, i);
		} else {
			i += 1;
		}
	}
}

static void start_tick(struct progress *p);

static void tick_fn(struct tevent_context *ev _UNUSED_,
		    struct tevent_timer *te _UNUSED_,
		    struct timeval now _UNUSED_,
		    void *private_data)
{
	struct progress *p = private_data;

	drop_dead(p->list);
	show_line(p);
	start_tick(p);
}

static void start_tick(struct progress *p)
{
	/* Without it the line is just a little behind */
	(void)tevent_add_timer(p->tool->ev, p,
			       timeval_current_ofs_msec(PROGRESS_TICK_MSEC),
			       tick_fn, p);
}

struct progress *progress_start(TALLOC_CTX *mem_ctx,
				struct tool *tool,
				const struct drain_record *record)
{
	struct progress *p = NULL;
	struct survey *survey = NULL;
	struct holder_list *list = NULL;
	size_t i;

	if (!isatty(STDERR_FILENO)) {
		return NULL;
	}
	p = talloc_zero(mem_ctx, struct progress);
	if (p == NULL) {
		return NULL;
	}
	p->tool = tool;
	p->id = record->id;

	/* Be told of each from before the list is made */
	tool->on_gone = gone;
	tool->on_gone_data = p;
	survey = survey_take(p, tool, &record->id, true, tool_deadline(1000));
	if (survey != NULL) {
		list = holders_get(p, tool, record, false, 1000);
	}
	p->list = list;
	if (p->list == NULL) {
		tool->on_gone = NULL;
		TALLOC_FREE(p);
		return NULL;
	}
	(void)holders_drop_exempt(p->list);
	for (i = 0; i < p->num_gone; i++) {
		drop_gone(p->list, p->gone[i].server_id, p->gone[i].key);
	}
	show_line(p);
	start_tick(p);
	return p;
}

void progress_end(struct progress *p)
{
	if (p == NULL) {
		return;
	}
	p->tool->on_gone = NULL;
	fputs("\r\033[K", stderr);
	TALLOC_FREE(p);
}
