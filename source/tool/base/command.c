// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Look up and start the command of "smbdrain run".
 *
 * A failure to start it is distinguished from the exit status of the command.
 */

#include "base/command.h"
#include <sys/prctl.h>
#include <sys/wait.h>
#include "base/caller.h"
#include "base/tool.h"

#define MOST_INTERPRETERS 5 /* nested interpreters, as in the kernel */
#define FIRST_LINE_SIZE 256 /* as in the kernel (BINPRM_BUF_SIZE) */

static const int command_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/*
 * Predicting execvp(3)
 */

/* Read the interpreter of a script; "" if it is no script or cannot be read. */
static void read_interpreter(const char *path, char line[FIRST_LINE_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t got = -1;
	char *start = NULL;

	if (fd != -1) {
		got = read(fd, line, FIRST_LINE_SIZE - 1);
		close(fd);
	}
	line[MAX(got, 0)] = '\0';
	if (strncmp(line, "#!", 2) != 0) {
		line[0] = '\0';
		return;
	}
	start = line + 2 + strspn(line + 2, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	memmove(line, start, strlen(start) + 1);
}

/* Predict the result of execve(2) as far as possible: 0 or an errno. */
static int look_at_file(const char *path, int depth)
{
	char interpreter[FIRST_LINE_SIZE];
	struct stat st;

	if (stat(path, &st) != 0) {
		return errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return EACCES;
	}
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0) {
		return errno;
	}
	read_interpreter(path, interpreter);
	if (interpreter[0] == '\0') {
		return 0;
	}
	return (depth < MOST_INTERPRETERS)
		       ? look_at_file(interpreter, depth + 1)
		       : ELOOP;
}

static int look_in(const char *dir, size_t len, const char *name)
{
	char *path = talloc_asprintf(talloc_tos(), "%.*s%s%s", (int)len, dir,
				     len > 0 ? "/" : "", name);
	int error = (path != NULL) ? look_at_file(path, 0) : ENOMEM;

	TALLOC_FREE(path);
	return error;
}

/* Return true if execvp(3) tries the next directory after this error. */
static bool is_looked_on_after(int error)
{
	return error == EACCES || error == ENOENT || error == ENOTDIR ||
	       error == ESTALE || error == ENODEV || error == ETIMEDOUT;
}

int command_look_up(const char *name)
{
	const char *dir = getenv("PATH");
	bool found = false; /* a file that cannot be executed */
	int error = ENOENT;

	if (name[0] == '\0' || strchr(name, '/') != NULL) {
		return look_at_file(name, 0);
	}
	if (dir == NULL) {
		dir = "/bin:/usr/bin"; /* the default of execvp(3) */
	}
	for (;;) {
		const size_t len = strcspn(dir, ":");

		error = look_in(dir, len, name);
		if (!is_looked_on_after(error)) {
			return error; /* 0 in most cases */
		}
		found |= error == EACCES;
		if (dir[len] == '\0') {
			return found ? EACCES : error;
		}
		dir += len + 1;
	}
}

/*
 * Starting it
 */

/*
 * Return true if the signal is ignored, as under nohup(1); it then stays
 * ignored for us and for the command.
 */
static bool is_ignored(int signum)
{
	struct sigaction action;

	return sigaction(signum, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

bool command_catch_signals(struct tool *tool,
			   TALLOC_CTX *mem_ctx,
			   tevent_signal_handler_t handler,
			   void *private_data)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(command_signals); i++) {
		if (!is_ignored(command_signals[i]) &&
		    tevent_add_signal(tool->ev, mem_ctx, command_signals[i], 0,
				      handler, private_data) == NULL) {
			return false;
		}
	}
	return true;
}

/*
 * Execute the command in the child, which shares our memory. Never returns. A
 * failed exec writes its errno to @tell, which a successful one closes.
 */
static void become_command(char **command, pid_t parent, int tell)
{
	sigset_t none;
	int error;
	size_t i;

	/* Until the exec, a signal would run the handlers of the parent. */
	for (i = 0; i < ARRAY_SIZE(command_signals); i++) {
		if (!is_ignored(command_signals[i])) {
			(void)signal(command_signals[i], SIG_DFL);
		}
	}
	(void)signal(SIGCHLD, SIG_DFL);

	/*
	 * If we are killed, end the command: nothing would resume the target.
	 */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		_exit(EXIT_FAILURE);
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	tell = caller_leave(tell);

	execvp(command[0], command);
	error = errno;
	if (write(tell, &error, sizeof(error)) != sizeof(error)) {
		_exit(EXIT_FAILURE);
	}
	_exit(EXIT_FAILURE);
}

/* Read the result of the exec: 0 on success, else an errno. */
static int hear_exec(int told)
{
	int error = 0;
	ssize_t got;

	do {
		got = read(told, &error, sizeof(error));
	} while (got == -1 && errno == EINTR);
	return (got == sizeof(error)) ? error : 0;
}

/* Return the pid, or -1 with errno set. */
static pid_t fork_to(char **command, int tell)
{
	const pid_t self = getpid();
	/* fork() would copy page tables for a millisecond. */
	const pid_t child = vfork();

	if (child == 0) {
		become_command(command, self, tell);
	}
	return child;
}

/*
 * Start the command with all signals blocked, so that none arrives before
 * *child is set.
 */
static int start_blocked(char **command, const int ends[2], pid_t *child)
{
	pid_t pid = fork_to(command, ends[1]);
	int error = errno;

	close(ends[1]);
	if (pid == -1) {
		return error;
	}
	error = hear_exec(ends[0]);
	if (error != 0) {
		(void)waitpid(pid, NULL, 0);
		return error;
	}
	*child = pid;
	return 0;
}

static void child_fn(struct tevent_context *ev _UNUSED_,
		     struct tevent_signal *se _UNUSED_,
		     int signum _UNUSED_,
		     int count _UNUSED_,
		     void *siginfo _UNUSED_,
		     void *private_data)
{
	struct child *child = private_data;

	if (child->pid > 0 &&
	    waitpid(child->pid, &child->status, WNOHANG) == child->pid) {
		child->gone = true;
	}
}

bool command_await_end(struct tool *tool,
		       TALLOC_CTX *mem_ctx,
		       struct child *child)
{
	return tevent_add_signal(tool->ev, mem_ctx, SIGCHLD, 0, child_fn,
				 child) != NULL;
}

int command_start(char **command, pid_t *pid)
{
	sigset_t all;
	sigset_t old;
	int ends[2];
	int error;

	*pid = 0;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		return errno;
	}
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	error = start_blocked(command, ends, pid);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	close(ends[0]);
	return error;
}
