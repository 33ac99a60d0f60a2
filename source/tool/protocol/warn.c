// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Run the command of --warn-command, with the holders as JSON on its standard
 * input.
 */

#include "protocol/warn.h"
#include <sys/wait.h>
#include "drain/record.h"
#include "base/caller.h"
#include "base/error.h"
#include "base/text.h"
#include "base/tool.h"
#include "smbd/holders.h"
#include "smbd/holders_json.h"

#define WARN_HOLDERS_MSEC 2000

bool drain_set_environment(const struct drain_record *record)
{
	struct drain_id_buf buf;

	return setenv("DRAIN_ID", drain_id_string(&record->id, &buf), 1) == 0 &&
	       setenv("DRAIN_SHARE", record->target.share, 1) == 0 &&
	       setenv("DRAIN_PATH", record->target.path, 1) == 0 &&
	       setenv("DRAIN_REAL_PATH", record->real[0], 1) == 0;
}

/*
 * Write the holders to an unnamed file, which the command can read at any time.
 */
static FILE *write_holders(struct tool *tool,
			   const struct drain_record *record)
{
	TALLOC_CTX *frame = talloc_stackframe();
	struct holder_list *list = NULL;
	FILE *f = tmpfile();

	list = holders_get(frame, tool, record, false, WARN_HOLDERS_MSEC);
	if (list != NULL) {
		/* exempt clients are not asked to leave */
		holders_drop_exempt(list);
	}
	if (f != NULL && (list == NULL || !show_json_holders(f, list))) {
		fclose(f);
		f = NULL;
	}
	TALLOC_FREE(frame);
	return f;
}

static void become_command(const char *command, FILE *f)
{
	int fd = fileno(f);
	int null = open("/dev/null", O_WRONLY);

	/*
	 * Redirect output, so that a reader of ours need not wait for this
	 * command.
	 */
	if (null == -1 || dup2(null, STDOUT_FILENO) == -1 ||
	    lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, STDIN_FILENO) == -1) {
		_exit(EXIT_FAILURE);
	}
	(void)caller_leave(-1);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(EXIT_FAILURE);
}

void warn(struct tool *tool,
	  const char *command,
	  const struct drain_record *record)
{
	FILE *f = NULL;
	pid_t middle;

	(void)output_flush();
	f = write_holders(tool, record);
	if (f == NULL) {
		complain("cannot run the warn command for %s: cannot list the "
			 "holders",
			 show_target(record));
		return;
	}

	/*
	 * Start it from a child that exits at once, so that we need not wait
	 * for it.
	 */
	middle = fork();
	if (middle == 0) {
		if (drain_set_environment(record) && fork() == 0) {
			become_command(command, f);
		}
		_exit(0);
	}
	if (middle < 0) {
		complain("cannot run the warn command %s: %s", command,
			 strerror(errno));
	} else {
		(void)waitpid(middle, NULL, 0);
	}
	fclose(f);
}
