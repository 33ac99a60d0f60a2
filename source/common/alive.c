// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Find out whether a process on Samba's message bus is alive.
 *
 * Each process on the bus has a message file: its name is the process number,
 * its content the unique id, and the process locks it as long as it lives
 * (lib/messaging/messages_dgm.c). A second process with that number, in another
 * PID namespace, does not get the lock and so does not come on the bus.
 */

#include "drain/samba_compat.h"
#include "drain/alive.h"
#include "system/dir.h"
#include "lib/messaging/messages_dgm.h"

#define MESSAGE_FILES "msg.lock"

/* The process that locks a message file */
enum locker {
	LOCKER_NONE,
	LOCKER_HERE, /* the process with the number of the file */
	LOCKER_STRANGER, /* a process with another number here */
	LOCKER_UNKNOWN, /* unknown: it cannot be read */
};

static enum locker probe_lock(int fd, pid_t number, pid_t *here)
{
	struct flock lck = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(fd, F_GETLK, &lck) != 0) {
		return LOCKER_UNKNOWN;
	}
	*here = lck.l_pid;
	if (lck.l_type == F_UNLCK) {
		return LOCKER_NONE;
	}
	return (lck.l_pid == number) ? LOCKER_HERE : LOCKER_STRANGER;
}

/* Must not be called for our own file: closing it would release our lock. */
static enum locker probe_message_file(int dir, pid_t number, pid_t *here)
{
	char name[16];
	enum locker locker;
	int fd;

	snprintf(name, sizeof(name), "%u", (unsigned)number);
	fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		return (errno == ENOENT) ? LOCKER_NONE : LOCKER_UNKNOWN;
	}
	locker = probe_lock(fd, number, here);
	close(fd);
	return locker;
}

static int open_message_files(void)
{
	char *path = lock_path(talloc_tos(), MESSAGE_FILES);
	int dir;

	if (path == NULL) {
		errno = ENOMEM;
		return -1;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TALLOC_FREE(path);
	return dir;
}

static bool has_locked_its_file(pid_t number)
{
	enum locker locker = LOCKER_UNKNOWN;
	int dir = open_message_files();
	pid_t here;

	if (dir >= 0) {
		locker = probe_message_file(dir, number, &here);
		close(dir);
	}
	return locker != LOCKER_NONE;
}

bool drain_looks_dead(const struct server_id *id)
{
	const pid_t number = id->pid;
	uint64_t unique = 0;

	if (number == 0 || number == getpid() || !procid_is_local(id) ||
	    server_id_is_disconnected(id) || serverid_exists(id)) {
		return false;
	}
	if (id->unique_id != SERVERID_UNIQUE_ID_NOT_TO_VERIFY &&
	    messaging_dgm_get_unique(number, &unique) == 0 &&
	    unique != id->unique_id) {
		return false; /* the file belongs to a later process */
	}
	return has_locked_its_file(number);
}

bool drain_is_alive(const struct server_id *id)
{
	return serverid_exists(id) || drain_looks_dead(id);
}

/* Return false for a name that is not a number, and thus no message file. */
static bool is_number(const char *name, pid_t *number)
{
	char *end = NULL;
	unsigned long value = strtoul(name, &end, 10);

	*number = value;
	return isdigit((unsigned char)name[0]) && *end == '\0' && value > 0 &&
	       value <= INT_MAX;
}

/*
 * Return true if @locker only removes the file of a dead process
 * (messaging_dgm_cleanup()), for which it locks the file briefly. Such a
 * process has locked a file with its own number here.
 */
static bool cleans_up(int dir, pid_t locker)
{
	pid_t here;

	return locker == getpid() ||
	       (locker > 0 &&
		probe_message_file(dir, locker, &here) == LOCKER_HERE);
}

static int find_in_message_files(DIR *dir, struct drain_stranger *stranger)
{
	const struct dirent *entry = NULL;
	const pid_t own = getpid();

	while ((errno = 0, entry = readdir(dir)) != NULL) {
		pid_t number;
		pid_t here = 0;

		if (is_number(entry->d_name, &number) && number != own &&
		    probe_message_file(dirfd(dir), number, &here) ==
			    LOCKER_STRANGER &&
		    !cleans_up(dirfd(dir), here)) {
			*stranger = (struct drain_stranger) {number, here};
			return 0;
		}
	}
	return errno;
}

/* Check a file that contains a pid. */
static void look_at_file(const char *path, struct drain_stranger *stranger)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char text[16] = "";
	pid_t number = 0;
	pid_t here = 0;

	if (fd < 0) {
		return;
	}
	if (read(fd, text, sizeof(text) - 1) > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (is_number(text, &number) &&
		    probe_lock(fd, number, &here) == LOCKER_STRANGER) {
			*stranger = (struct drain_stranger) {number, here};
		}
	}
	close(fd);
}

int drain_find_stranger(const char *path, struct drain_stranger *stranger)
{
	DIR *dir = NULL;
	int ret;
	int fd;

	*stranger = (struct drain_stranger) {0};
	if (path != NULL) {
		look_at_file(path, stranger);
	}
	if (stranger->number != 0) {
		return 0;
	}
	fd = open_message_files();
	if (fd < 0) {
		return errno;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		ret = errno;
		close(fd);
		return ret;
	}
	ret = find_in_message_files(dir, stranger);
	closedir(dir);
	return ret;
}
