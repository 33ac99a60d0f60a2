// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Draw full-screen pictures on a terminal.
 *
 * Only plain ANSI sequences (ECMA-48) are used, and the alternate screen of
 * xterm. Each picture is written at once.
 */

#include "output/screen.h"
#include <sys/ioctl.h>
#include <termios.h>
#include "base/caller.h"
#include "base/error.h"
#include "base/tool.h"

/* Enter and leave the alternate screen, without cursor and line wrap */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"

struct screen {
	struct tool *tool;
	void (*redraw)(void *private_data);
	void *private_data;
	struct termios before;
	/* collects standard error while drawing, if that is a terminal */
	FILE *said;
	int standard_error;
	bool has_keys; /* standard input is a terminal */
	bool entered;
	char *picture;
	size_t num_lines; /* in it */
};

static bool write_all(const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR) {
			return false;
		}
		text += MAX(n, 0);
		len -= MAX(n, 0);
	}
	return true;
}

/*
 * Redirect standard error: messages would spoil the picture and be lost with
 * it.
 */
static void redirect_stderr(struct screen *screen)
{
	screen->said = isatty(STDERR_FILENO) ? tmpfile() : NULL;
	if (screen->said != NULL) {
		screen->standard_error = dup(STDERR_FILENO);
		(void)dup2(fileno(screen->said), STDERR_FILENO);
	}
}

static void restore_stderr(struct screen *screen)
{
	int c;

	if (screen->said == NULL) {
		return;
	}
	(void)dup2(screen->standard_error, STDERR_FILENO);
	(void)close(screen->standard_error);
	rewind(screen->said);
	while ((c = getc(screen->said)) != EOF) {
		putc(c, stderr);
	}
	(void)fclose(screen->said);
	screen->said = NULL;
}

static void enter_screen(struct screen *screen)
{
	if (screen->entered) {
		return;
	}
	screen->entered = true;
	redirect_stderr(screen);
	if (screen->has_keys) {
		struct termios raw = screen->before;

		raw.c_lflag &= ~(ICANON | ECHO);
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	(void)write_all(SCREEN_ENTER);
}

static void leave_screen(struct screen *screen)
{
	if (!screen->entered) {
		return;
	}
	screen->entered = false;
	(void)write_all(SCREEN_LEAVE);
	if (screen->has_keys) {
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
	}
	restore_stderr(screen);
}

static int screen_destructor(struct screen *screen)
{
	leave_screen(screen);
	return 0;
}

static void end_fn(struct tevent_context *ev _UNUSED_,
		   struct tevent_signal *se _UNUSED_,
		   int signum,
		   int count _UNUSED_,
		   void *siginfo _UNUSED_,
		   void *private_data)
{
	struct screen *screen = private_data;

	screen->tool->stop_signal = signum;
}

static void pause_fn(struct tevent_context *ev _UNUSED_,
		     struct tevent_signal *se _UNUSED_,
		     int signum _UNUSED_,
		     int count _UNUSED_,
		     void *siginfo _UNUSED_,
		     void *private_data)
{
	leave_screen(private_data);
	(void)raise(SIGSTOP);
}

static void redraw_fn(struct tevent_context *ev _UNUSED_,
		      struct tevent_signal *se _UNUSED_,
		      int signum _UNUSED_,
		      int count _UNUSED_,
		      void *siginfo _UNUSED_,
		      void *private_data)
{
	struct screen *screen = private_data;

	enter_screen(screen);
	screen->redraw(screen->private_data);
}

static bool catch_signals(struct screen *screen)
{
	static const struct {
		int signum;
		tevent_signal_handler_t fn;
	} signals[] = {
		{SIGINT, end_fn},      {SIGTERM, end_fn},
		{SIGHUP, end_fn},      {SIGQUIT, end_fn},
		{SIGTSTP, pause_fn},   {SIGCONT, redraw_fn},
		{SIGWINCH, redraw_fn},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		if (tevent_add_signal(screen->tool->ev, screen,
				      signals[i].signum, 0, signals[i].fn,
				      screen) == NULL) {
			return false;
		}
	}
	return true;
}

static void key_fn(struct tevent_context *ev _UNUSED_,
		   struct tevent_fd *fde,
		   uint16_t flags _UNUSED_,
		   void *private_data)
{
	struct screen *screen = private_data;
	char keys[64];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0) {
		tevent_fd_set_flags(fde, 0); /* standard input has ended */
	} else if (memchr(keys, 'q', n) != NULL) {
		screen->tool->stop_signal = SIGINT;
	}
}

static bool is_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

struct screen *screen_new(TALLOC_CTX *mem_ctx,
			  struct tool *tool,
			  void (*redraw)(void *private_data),
			  void *private_data)
{
	struct screen *screen = NULL;

	if (!is_screen()) {
		complain("cannot draw on standard output: it is not a "
			 "terminal, or a dumb one; use \"smbdrain monitor\", "
			 "which writes lines");
		return NULL;
	}
	screen = talloc_zero(mem_ctx, struct screen);
	if (screen == NULL) {
		complain("out of memory");
		return NULL;
	}
	screen->tool = tool;
	screen->redraw = redraw;
	screen->private_data = private_data;
	screen->has_keys = tcgetattr(STDIN_FILENO, &screen->before) == 0;
	if (!catch_signals(screen) ||
	    (screen->has_keys &&
	     tevent_add_fd(tool->ev, screen, STDIN_FILENO, TEVENT_FD_READ,
			   key_fn, screen) == NULL)) {
		complain("out of memory");
		TALLOC_FREE(screen);
		return NULL;
	}
	talloc_set_destructor(screen, screen_destructor);
	enter_screen(screen);
	return screen;
}

size_t screen_lines(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) {
		return 24;
	}
	return size.ws_row;
}

static void add_text(struct screen *screen,
		     const char *before,
		     const char *text)
{
	if (screen->picture == NULL) {
		screen->picture = talloc_strdup(screen, "\033[H");
	}
	if (screen->num_lines == screen_lines()) {
		return;
	}
	screen->picture = talloc_asprintf_append_buffer(
		screen->picture, "%s%s%s\033[m\033[K",
		screen->num_lines > 0 ? "\r\n" : "", before, text);
	screen->num_lines += 1;
}

void screen_line(struct screen *screen, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = talloc_vasprintf(screen, fmt, ap);
	va_end(ap);
	add_text(screen, "", text != NULL ? text : "");
	TALLOC_FREE(text);
}

void screen_heading(struct screen *screen, const char *text)
{
	add_text(screen, "\033[7m", text);
}

void screen_show(struct screen *screen)
{
	if (screen->entered && screen->picture != NULL) {
		char *picture = talloc_asprintf_append_buffer(
			screen->picture, "\033[J");

		screen->picture = picture;
		if (picture != NULL && !write_all(picture)) {
			output_failed(errno);
			/* the terminal is gone */
			screen->tool->stop_signal = SIGHUP;
		}
	}
	TALLOC_FREE(screen->picture);
	screen->num_lines = 0;
}
