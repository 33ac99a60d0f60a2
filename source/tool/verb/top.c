// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The verb "smbdrain top".
 *
 * Drains that begin, change and end, and holders that close their files, are
 * events. There is none for deferred opens, new holders and unresponsive smbds:
 * they are polled.
 */

#include "verb/verb.h"
#include "lib/util/dlinklist.h"
#include "drain/duration.h"
#include "drain/record.h"
#include "drain/store.h"
#include "drain/text.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/screen.h"
#include "samba/parents.h"
#include "smbd/holders.h"
#include "protocol/countdown.h"
#include "protocol/find.h"
#include "protocol/view.h"
#include "protocol/watch.h"
#include "verb/exit_status.h"
#include "verb/options.h"

#define TOP_ASK_MSEC 2000 /* after which all smbds are asked again */
#define TOP_PATIENCE_MSEC 1000 /* how long they may take to answer */
#define TOP_LIST_MSEC 10000 /* after which holders are listed again */
#define TOP_DRAW_MSEC 50 /* delay that combines events into one picture */

/* A drain on the screen */
struct row {
	struct row *prev, *next;
	struct drain_record *record;
	struct view view; /* without its survey */
	struct countdown *countdown;
	uint64_t list_again; /* a moment */
	bool seen;
};

struct top {
	struct tool *tool;
	const struct options *options;
	const struct drain_record *place; /* NULL: all drains */
	struct screen *screen;
	struct row *rows;
	struct tevent_timer *draw_soon;
	size_t num_unreadable;
	bool smbd_runs;
};

/*
 * The picture
 */

/* Pad or cut off the text to @width characters. */
static const char *padded(const char *text, size_t width)
{
	const char *p = text;
	size_t left = strlen(text);
	uint32_t c;

	while (width > 0 && left > 0) {
		size_t len = MAX(drain_utf8_next(p, left, &c), 1);

		p += len;
		left -= len;
		width -= 1;
	}
	return talloc_asprintf(talloc_tos(), "%.*s%*s", (int)(p - text), text,
			       (int)width, "");
}

static const char *format_duration(uint64_t usec)
{
	/* Whole seconds, since it is not drawn more often. */
	return drain_duration_string(talloc_tos(),
				     usec / 1000000 * 1000);
}

static const char *time_since(uint64_t when)
{
	uint64_t now = drain_now();

	return (when != 0 && when < now) ? format_duration(now - when) : "-";
}

static const char *time_left(const struct drain_record *r)
{
	uint64_t now = drain_now();

	if (r->deadline == 0) {
		return "-";
	}
	return talloc_asprintf(
		talloc_tos(),
		"%s %s",
		r->deadline > now ? format_duration(r->deadline - now) : "due",
		drain_on_timeout_string(r->on_timeout));
}

static const char *format_waiting(const struct view *view)
{
	if (view->waiting == 0) {
		return "-";
	}
	return talloc_asprintf(talloc_tos(),
			       "%zu, %s",
			       view->waiting,
			       format_duration(view->longest_wait * 1000));
}

static size_t num_holders(const struct row *row)
{
	const struct holder_list *list = row->countdown->list;

	return (list != NULL) ? list->num_holders : 0;
}

static void draw_drain(const struct top *top, const struct row *row)
{
	const struct drain_record *r = row->record;
	const char *holders = talloc_asprintf(talloc_tos(), "%zu",
					      num_holders(row));

	screen_line(top->screen,
		    "%s %s %s %s %s %s %s%s%s",
		    padded(show_target(r), 24),
		    padded(r->publishing[0] != '\0'
				   ? "half done"
				   : drain_state_string(r->state),
			   9),
		    padded(time_since(r->begun), 7),
		    padded(holders, 7),
		    padded(format_waiting(&row->view), 12),
		    padded(time_left(r), 14),
		    show_text(r->reason),
		    r->reason[0] != '\0' ? ", " : "",
		    show_text(r->by));
}

static void draw_holder(const struct top *top, const struct holder *h)
{
	screen_line(top->screen,
		    "  %s %s %s %s %s %s%s",
		    padded(show_client(h->client), 22),
		    padded(show_text(h->user), 9),
		    padded(time_since(h->opened), 7),
		    padded(show_access(h->access), 7),
		    padded(h->lease, 12),
		    show_text(h->path),
		    h->disconnected ? " (disconnected)" : "");
}

static void draw_silent(const struct top *top, const struct row *row)
{
	if (row->view.num_silent > 0) {
		screen_line(top->screen,
			    "  %zu smbds have not acknowledged the drain",
			    row->view.num_silent);
	}
}

/* Draw at most @most lines; the last one gives the number of those left out. */
static size_t draw_holders(const struct top *top,
			   const struct row *row,
			   size_t most)
{
	size_t num = num_holders(row);
	size_t shown = (num > most) ? MAX(most, 1) - 1 : num;
	size_t i;

	if (most == 0) {
		return 0;
	}
	for (i = 0; i < shown; i++) {
		draw_holder(top, &row->countdown->list->holders[i]);
	}
	if (shown < num) {
		screen_line(top->screen, "  and %zu more", num - shown);
		return shown + 1;
	}
	return shown;
}

static void draw_rows(const struct top *top, size_t num_rows, size_t lines)
{
	const struct row *row = NULL;

	/* Lines that a drain does not need go to the next ones. */
	for (row = top->rows; row != NULL; row = row->next) {
		draw_drain(top, row);
		draw_silent(top, row);
		lines -= draw_holders(top, row, lines / num_rows);
		num_rows -= 1;
	}
}

static void draw_screen(struct top *top)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const struct row *row = NULL;
	size_t holders = 0;
	size_t rows = 0;
	size_t used = 4; /* lines that are not a holder's */

	for (row = top->rows; row != NULL; row = row->next) {
		rows += 1;
		used += 1 + (row->view.num_silent > 0);
		holders += num_holders(row);
	}
	screen_line(top->screen, "smbdrain top, %s: %zu drains, %zu holders%s",
		    show_time(drain_now()), rows, holders,
		    top->smbd_runs ? "" : ", smbd is not running");
	if (top->num_unreadable > 0) {
		screen_line(top->screen, "%zu records cannot be read; see "
			    "\"smbdrain status\"", top->num_unreadable);
	} else {
		screen_line(top->screen, "%s", "");
	}
	screen_heading(top->screen,
		       "TARGET                   STATE     SINCE   HOLDERS "
		       "WAITING      TIME LEFT      REASON, BY");
	screen_heading(top->screen,
		       "  CLIENT                 USER      OPEN    ACCESS  "
		       "CACHED       PATH");
	draw_rows(top, rows,
		  screen_lines() > used ? screen_lines() - used : 0);
	screen_show(top->screen);
	TALLOC_FREE(frame);
}

static void draw_soon_fn(struct tevent_context *ev _UNUSED_,
			 struct tevent_timer *te _UNUSED_,
			 struct timeval now _UNUSED_,
			 void *private_data)
{
	struct top *top = private_data;

	top->draw_soon = NULL;
	draw_screen(top);
}

static void draw_soon(void *private_data)
{
	struct top *top = private_data;

	if (top->draw_soon == NULL) {
		top->draw_soon = tevent_add_timer(
			top->tool->ev, top,
			timeval_current_ofs_msec(TOP_DRAW_MSEC), draw_soon_fn,
			top);
	}
}

/*
 * Collecting what is shown
 */

static void gone_fn(const struct drain_tell_gone *gone,
		    struct server_id src,
		    void *private_data)
{
	struct top *top = private_data;
	struct row *row = NULL;

	for (row = top->rows; row != NULL; row = row->next) {
		if (countdown_gone(row->countdown, gone, src)) {
			draw_soon(top);
			return;
		}
	}
}

static struct row *find_row(const struct top *top,
			    const struct drain_record *record)
{
	struct row *row = NULL;

	for (row = top->rows; row != NULL; row = row->next) {
		if (drain_id_equal(&row->record->id, &record->id)) {
			break;
		}
	}
	return row;
}

static bool update_row(struct top *top, struct drain_record **record)
{
	struct row *row = find_row(top, *record);

	if (row == NULL) {
		row = talloc_zero(top, struct row);
		if (row == NULL) {
			return false;
		}
		row->countdown = countdown_new(row, *record);
		if (row->countdown == NULL) {
			TALLOC_FREE(row);
			return false;
		}
		DLIST_ADD_END(top->rows, row);
	}
	TALLOC_FREE(row->record);
	row->record = talloc_move(row, record);
	row->view.record = row->record;
	row->seen = true;
	return true;
}

static void drop_rows(struct top *top)
{
	struct row *row = NULL;
	struct row *next = NULL;

	for (row = top->rows; row != NULL; row = next) {
		next = row->next;
		if (!row->seen) {
			DLIST_REMOVE(top->rows, row);
			TALLOC_FREE(row);
		} else {
			row->seen = false;
		}
	}
}

static bool ask_smbds(struct top *top, struct row *row)
{
	struct tool *tool = top->tool;
	size_t before = row->view.holders;

	if (!view_ask(row, tool, row->record, TOP_PATIENCE_MSEC,
		      &row->view)) {
		return false;
	}
	TALLOC_FREE(row->view.survey);

	/* A close causes an event, an open does not. */
	if (row->countdown->list == NULL || row->view.holders > before ||
	    tool_is_late(row->list_again)) {
		if (!countdown_fill(row->countdown, tool, row->record)) {
			return false;
		}
		row->list_again = tool_deadline(TOP_LIST_MSEC);
	}
	countdown_drop_dead(row->countdown);
	return true;
}

static bool read_records(struct top *top)
{
	struct drain_list *list = find_all(top, top->tool);
	bool ok = true;
	size_t i;

	if (list == NULL) {
		return false;
	}
	top->num_unreadable = list->num_unreadable;
	for (i = 0; ok && i < list->num_records; i++) {
		if (top->place == NULL ||
		    drain_record_same_target(top->place, list->records[i])) {
			ok = update_row(top, &list->records[i]);
		}
	}
	drop_rows(top);
	TALLOC_FREE(list);
	return ok;
}

static bool update_screen(void *private_data)
{
	struct top *top = private_data;
	struct row *row = NULL;

	top->smbd_runs = parents_any();
	if (!read_records(top)) {
		return false;
	}
	draw_screen(top); /* asking takes a while if an smbd is blocked */
	for (row = top->rows; row != NULL; row = row->next) {
		if (!ask_smbds(top, row)) {
			return top->tool->stop_signal != 0;
		}
	}
	draw_screen(top);
	return true;
}

static int show_top(struct top *top)
{
	struct tool *tool = top->tool;

	if (top->options->target != NULL) {
		top->place = find_place(top, tool, top->options->target);
		if (top->place == NULL) {
			return EXIT_FAILED;
		}
	}
	top->screen = screen_new(top, tool, draw_soon, top);
	if (top->screen == NULL) {
		return EXIT_FAILED;
	}
	tool->on_gone = gone_fn;
	tool->on_gone_data = top;
	watch_drains(tool, TOP_ASK_MSEC, update_screen, top);
	return (tool->stop_signal != 0) ? EXIT_DONE : EXIT_FAILED;
}

static int run_top(struct tool *tool, const struct options *options)
{
	struct top *t = talloc_zero(tool, struct top);
	int ret;

	if (t == NULL) {
		complain("out of memory");
		return EXIT_FAILED;
	}
	t->tool = tool;
	t->options = options;
	ret = show_top(t);
	tool->on_gone = NULL;
	TALLOC_FREE(t);
	return ret;
}

const struct verb verb_top = {
	.name = "top",
	.purpose = "Show a continuously updated full-screen view.",
	.usage = "top [TARGET]",
	.run = run_top,
};
