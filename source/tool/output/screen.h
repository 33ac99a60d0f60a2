// SPDX-License-Identifier: GPL-3.0-or-later
/* Draw full-screen pictures on a terminal. */

#ifndef _DRAIN_TOOL_OUTPUT_SCREEN_H_
#define _DRAIN_TOOL_OUTPUT_SCREEN_H_

#include "drain/samba_compat.h"

struct tool;

struct screen;

/**
 * Take the terminal over: an empty screen, keys without Return. When it is
 * freed, or the program stops for a while (Ctrl-Z), all is as it was.
 *
 * @param[in] redraw  Called when it has another size, or comes back.
 * @return NULL after a complaint: standard output is no such terminal.
 */
struct screen *screen_new(TALLOC_CTX *mem_ctx,
			  struct tool *tool,
			  void (*redraw)(void *private_data),
			  void *private_data);

/** How many lines it has. */
size_t screen_lines(void);

/** Write one line; what does not fit is cut off. */
void screen_line(struct screen *screen, const char *fmt, ...)
	PRINTF_ATTRIBUTE(2, 3);

/** The same, as the heading of a table. */
void screen_heading(struct screen *screen, const char *text);

/** Show the lines that were written since, and nothing else. */
void screen_show(struct screen *screen);

#endif /* _DRAIN_TOOL_OUTPUT_SCREEN_H_ */
