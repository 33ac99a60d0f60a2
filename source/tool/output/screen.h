// SPDX-License-Identifier: GPL-3.0-or-later
/* Draw full-screen pictures on a terminal. */

#ifndef _DRAIN_TOOL_OUTPUT_SCREEN_H_
#define _DRAIN_TOOL_OUTPUT_SCREEN_H_

#include "drain/samba_compat.h"

struct tool;

struct screen;

/**
 * Take over the terminal: clear it, and read keys without Return. The terminal
 * is restored when the screen is freed, and while the program is suspended
 * (Ctrl-Z).
 *
 * @param[in] redraw  Called when the size has changed or the program continues.
 * @return NULL after an error message if standard output cannot be drawn on.
 */
struct screen *screen_new(TALLOC_CTX *mem_ctx,
			  struct tool *tool,
			  void (*redraw)(void *private_data),
			  void *private_data);

/** Return the number of lines of the terminal. */
size_t screen_lines(void);

/** Add one line, cut off at the width of the terminal. */
void screen_line(struct screen *screen, const char *fmt, ...)
	PRINTF_ATTRIBUTE(2, 3);

/** Add one line as the heading of a table. */
void screen_heading(struct screen *screen, const char *text);

/** Show the lines that were added since the last call. */
void screen_show(struct screen *screen);

#endif /* _DRAIN_TOOL_OUTPUT_SCREEN_H_ */
