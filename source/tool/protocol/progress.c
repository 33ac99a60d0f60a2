// SPDX-License-Identifier: GPL-3.0-or-later
/* Show on one line how many holders are left. */

#include "protocol/progress.h"
#include <sys/ioctl.h>
#include "drain/record.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/tool.h"
#include "output/notify.h"
#include "smbd/holders.h"
#include "smbd/survey.h"
#include "protocol/countdown.h"

#define PROGRESS_TICK_MSEC 1000

struct progress {
	struct tool *tool;
	struct countdown *countdown;
	bool on_terminal;
};

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
		return 80;
	}
	return size.ws_col;
}

static const char *who_is_left(TALLOC_CTX *mem_ctx,
			       const struct holder_list *list)
{
	const struct holder *h = list->holders;
	const char *line = "";

	if (list->num_holders == 1) {
		line = talloc_asprintf(mem_ctx, "waiting for %s@%s: %s",
				       show_text(h->user),
				       show_client(h->client),
				       show_text(h->path));
	} else if (list->num_holders > 1) {
		line = talloc_asprintf(
			mem_ctx, "waiting for %zu holders: %s@%s: %s, ...",
			list->num_holders, show_text(h->user),
			show_client(h->client), show_text(h->path));
	}
	return line != NULL ? line : "";
}

/*
 * Show one line, cut off at the terminal width, because a wrapped line cannot
 * be erased.
 */
static void show_line(const struct progress *p)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const char *line = who_is_left(frame, p->countdown->list);

	if (p->on_terminal) {
		fprintf(stderr,
			"\r\033[K%.*s",
			(int)terminal_columns() - 1,
			line);
		fflush(stderr);
	}
	notify_status(line);
	TALLOC_FREE(frame);
}

static void holder_gone(const struct drain_tell_gone *gone,
			struct server_id src,
			void *private_data)
{
	struct progress *p = private_data;

	if (countdown_gone(p->countdown, gone, src) &&
	    p->countdown->list != NULL) {
		show_line(p);
	}
}

static void start_tick(struct progress *p);

static void tick_fn(struct tevent_context *ev _UNUSED_,
		    struct tevent_timer *te _UNUSED_,
		    struct timeval now _UNUSED_,
		    void *private_data)
{
	struct progress *p = private_data;

	countdown_drop_dead(p->countdown);
	show_line(p);
	start_tick(p);
}

static void start_tick(struct progress *p)
{
	/* Without the timer the line is only updated later. */
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
	const bool on_terminal = isatty(STDERR_FILENO);

	if (!on_terminal && !notify_is_wanted()) {
		return NULL;
	}
	p = talloc_zero(mem_ctx, struct progress);
	if (p == NULL) {
		return NULL;
	}
	p->tool = tool;
	p->on_terminal = on_terminal;
	p->countdown = countdown_new(p, record);
	if (p->countdown == NULL) {
		TALLOC_FREE(p);
		return NULL;
	}

	/* Subscribe before making the list, so that no close is missed. */
	tool->on_gone = holder_gone;
	tool->on_gone_data = p;
	survey = survey_take(p, tool, &record->id, true, tool_deadline(1000));
	if (survey == NULL || !countdown_fill(p->countdown, tool, record)) {
		tool->on_gone = NULL;
		TALLOC_FREE(p);
		return NULL;
	}
	TALLOC_FREE(survey);
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
	if (p->on_terminal) {
		fputs("\r\033[K", stderr);
	}
	notify_status("");
	TALLOC_FREE(p);
}
