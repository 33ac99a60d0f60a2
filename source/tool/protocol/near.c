// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Check for work on drains around and inside a target.
 *
 * A publish of one exchanges the files that a command of the other works on.
 * Each tool takes the lock of its own drain first and then checks the locks of
 * the others, so that of two tools at least one sees the other. The waits are
 * short. The tool whose drain has the greater id gives up first, so that two
 * that wait for each other do not both fail.
 */

#include "protocol/near.h"
#include "drain/locks.h"
#include "drain/record.h"
#include "drain/store.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/text.h"
#include "base/tool.h"

#define NEAR_FIRST_MSEC 2000
#define NEAR_LAST_MSEC 5000
#define MOST_ANCESTORS 100

/* A process that works on an overlapping drain */
struct neighbour {
	const struct drain_record *record;
	struct server_id who; /* pid 0: none */
	enum drain_work_lock lock;
};

static pid_t parent_of(pid_t pid)
{
	char *path = talloc_asprintf(talloc_tos(), "/proc/%d/stat", (int)pid);
	FILE *f = (path != NULL) ? fopen(path, "re") : NULL;
	char line[512] = "";
	const char *end = NULL;
	int parent = 0;

	TALLOC_FREE(path);
	if (f == NULL) {
		return 0;
	}
	if (fgets(line, sizeof(line), f) != NULL) {
		/* the end of the name, which can contain parentheses */
		end = strrchr(line, ')');
	}
	fclose(f);
	if (end == NULL || sscanf(end, ") %*c %d", &parent) != 1) {
		return 0;
	}
	return parent;
}

/* Return true if @who is an ancestor of this process. */
static bool is_ancestor(const struct tool *tool, struct server_id who)
{
	const struct server_id own = messaging_server_id(tool->msg_ctx);
	pid_t pid = getppid();
	int i;

	if (who.vnn != own.vnn) {
		return false;
	}
	for (i = 0; i < MOST_ANCESTORS && pid > 1; i++) {
		if ((uint64_t)pid == who.pid) {
			return true;
		}
		pid = parent_of(pid);
	}
	return false;
}

static bool overlaps(const struct drain_record *other,
		     const struct drain_record *record,
		     const char *path)
{
	size_t i;

	if (drain_id_equal(&other->id, &record->id)) {
		return false;
	}
	for (i = 0; i < record->num_real; i++) {
		if (drain_record_overlaps(other, record->real[i])) {
			return true;
		}
	}
	return path != NULL && drain_record_overlaps(other, path);
}

static NTSTATUS look_at_lock(struct tool *tool,
			     const struct drain_record *other,
			     enum drain_work_lock lock,
			     struct neighbour *n)
{
	NTSTATUS status;

	n->record = other;
	n->lock = lock;
	status = drain_work_get(tool->locks, lock, &other->id, &n->who);
	if (n->who.pid != 0 && is_ancestor(tool, n->who)) {
		n->who.pid = 0;
	}
	return status;
}

static NTSTATUS find_neighbour(struct tool *tool,
			       const struct drain_record *record,
			       const char *path,
			       enum near_kind kind,
			       const struct drain_list *list,
			       struct neighbour *n)
{
	NTSTATUS status = NT_STATUS_OK;
	size_t i;

	n->who = (struct server_id) {0};
	for (i = 0; i < list->num_records; i++) {
		const struct drain_record *other = list->records[i];

		if (!overlaps(other, record, path)) {
			continue;
		}
		status = look_at_lock(tool, other, DRAIN_WORK_PUBLISH, n);
		if (NT_STATUS_IS_OK(status) && n->who.pid == 0 &&
		    kind == NEAR_WORKS) {
			status = look_at_lock(tool, other, DRAIN_WORK_OWNER,
					      n);
		}
		if (!NT_STATUS_IS_OK(status) || n->who.pid != 0) {
			break;
		}
	}
	return status;
}

static bool has_smaller_id(const struct drain_record *a,
			   const struct drain_record *b)
{
	return memcmp(a->id.bytes, b->id.bytes, sizeof(a->id.bytes)) < 0;
}

static void complain_of(const struct drain_record *record,
			const struct neighbour *n)
{
	const char *target = show_target(record);
	const char *other = show_target(n->record);

	complain("cannot work on %s: process %s %s %s, which overlaps it; try "
		 "again when it has finished",
		 target, show_server(n->who),
		 n->lock == DRAIN_WORK_PUBLISH ? "is publishing"
					       : "is working on",
		 other);
}

/*
 * Check once. Return true if no process is in the way; else set @n, or fail
 * with @status.
 */
static bool check_neighbours(struct tool *tool,
			     TALLOC_CTX *mem_ctx,
			     const struct drain_record *record,
			     const char *path,
			     enum near_kind kind,
			     struct neighbour *n,
			     NTSTATUS *status)
{
	struct drain_list *list = NULL;

	*status = drain_store_list(tool->store, mem_ctx, &list);
	if (NT_STATUS_IS_OK(*status)) {
		*status = find_neighbour(tool, record, path, kind, list, n);
	}
	if (!NT_STATUS_IS_OK(*status)) {
		complain("cannot list the processes that work on drains "
			 "overlapping %s: %s",
			 show_target(record), nt_errstr(*status));
		return false;
	}
	return n->who.pid == 0;
}

static bool wait_for(struct tool *tool,
		     TALLOC_CTX *mem_ctx,
		     const struct neighbour *n,
		     uint64_t deadline)
{
	struct tevent_req *req = NULL;

	req = drain_work_watch_send(mem_ctx, tool->ev, tool->locks, n->lock,
				    &n->record->id, n->who);
	if (req == NULL) {
		complain("out of memory");
		return false;
	}
	(void)tool_poll(tool, req, deadline);
	TALLOC_FREE(req);
	return tool->stop_signal == 0;
}

bool near_is_quiet(struct tool *tool,
		   const struct drain_record *record,
		   const char *path,
		   enum near_kind kind)
{
	TALLOC_CTX *frame = talloc_stackframe();
	const uint64_t first = tool_deadline(NEAR_FIRST_MSEC);
	const uint64_t last = tool_deadline(NEAR_LAST_MSEC);
	struct neighbour n;
	NTSTATUS status;
	bool quiet;

	while (!(quiet = check_neighbours(tool,
					  frame,
					  record,
					  path,
					  kind,
					  &n,
					  &status)) &&
	       NT_STATUS_IS_OK(status)) {
		const uint64_t deadline =
			has_smaller_id(record, n.record) ? last : first;

		if (tool_is_late(deadline)) {
			complain_of(record, &n);
			break;
		}
		if (!wait_for(tool, frame, &n, deadline)) {
			break;
		}
	}
	TALLOC_FREE(frame);
	return quiet;
}
