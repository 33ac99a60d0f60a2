// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deal with what the caller passes in (descriptors, signals, limits) and with
 * what it gets back: a complete output, or an error if some of it is lost.
 */

#include "base/caller.h"
#include <sys/resource.h>
#include "lib/util/fault.h"
#include "base/error.h"

/* Signals that a failed write can send us */
static const int write_signals[] = {SIGPIPE, SIGXFSZ};

static struct {
	struct sigaction before[ARRAY_SIZE(write_signals)];
	struct rlimit files; /* rlim_max 0: not changed */
	int failed; /* the exit status of a failure */
	int lost; /* errno of the first failure of standard output, or 0 */
	bool finished;
} caller = {.failed = EXIT_FAILURE};

/*
 * Open /dev/null in place of a closed standard descriptor. Otherwise the next
 * file that is opened, such as a database of Samba's, would get that descriptor
 * and our output. The command of "run" gets the descriptor closed, as the
 * caller passed it.
 */
static bool fill_descriptor(int fd)
{
	const int flags = (fd == STDIN_FILENO) ? O_RDONLY : O_WRONLY;

	if (fcntl(fd, F_GETFD) != -1) {
		return true;
	}
	return open("/dev/null", flags | O_CLOEXEC) == fd;
}

static void fill_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (!fill_descriptor(fd)) {
			complain("cannot open /dev/null in place of the "
				 "closed descriptor %d: %s", fd,
				 strerror(errno));
			_exit(caller.failed);
		}
	}
}

/* Ignore these signals: failed writes are handled where they occur. */
static void ignore_write_signals(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(write_signals); i++) {
		(void)sigaction(write_signals[i], &ignore, &caller.before[i]);
	}
}

/*
 * Unblock SIGCHLD, which the caller may have blocked: we must see the end of a
 * child.
 */
static void unblock_child_signal(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_UNBLOCK, &child, NULL);
}

/* Handle exits by popt, and by Samba's libraries after an error message. */
static void finish_at_exit(int status, void *private_data _UNUSED_)
{
	if (!caller.finished && (!caller_finish(NULL) || status != 0)) {
		_exit(caller.failed);
	}
}

void caller_start(int failed)
{
	caller.failed = failed;
	fill_descriptors();
	ignore_write_signals();
	unblock_child_signal();
	(void)on_exit(finish_at_exit, NULL);
}

/*
 * Report a panic. Samba's own panic action depends on smb.conf and can be
 * silent.
 */
static void report_panic(const char *why)
{
	complain("internal error in Samba's libraries: %s; see \"smbdrain "
		 "status\" for what is drained", why);
	_exit(caller.failed);
}

void caller_catch_panics(void)
{
	fault_configure(report_panic);
}

void caller_allow_many_files(void)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, &caller.files) == 0) {
		most = caller.files;
		most.rlim_cur = most.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &most);
	}
}

int caller_leave(int keep)
{
	const int first = STDERR_FILENO + 1;
	size_t i;

	if (caller.files.rlim_max > 0) {
		(void)setrlimit(RLIMIT_NOFILE, &caller.files);
	}
	for (i = 0; i < ARRAY_SIZE(write_signals); i++) {
		(void)sigaction(write_signals[i], &caller.before[i], NULL);
	}
	if (keep == -1) {
		closefrom(first);
		return -1;
	}
	if (keep != first) {
		(void)dup3(keep, first, O_CLOEXEC);
	}
	closefrom(first + 1);
	return first;
}

void output_failed(int error)
{
	if (caller.lost == 0) {
		caller.lost = (error != 0) ? error : EIO;
	}
}

bool output_flush(void)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		output_failed(errno);
	}
	return caller.lost == 0;
}

/* Report lost output, unless the reader has closed the pipe. */
static void complain_of_output(const char *done)
{
	if (caller.lost != EPIPE) {
		complain("cannot write the output: %s%s%s",
			 strerror(caller.lost), done != NULL ? "; " : "",
			 done != NULL ? done : "");
	}
}

bool caller_finish(const char *done)
{
	caller.finished = true;
	(void)output_flush();
	errno = 0;
	if (fclose(stdout) != 0) {
		output_failed(errno);
	}
	if (caller.lost == 0) {
		return true;
	}
	complain_of_output(done);
	return false;
}
