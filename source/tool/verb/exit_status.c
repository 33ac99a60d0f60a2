// SPDX-License-Identifier: GPL-3.0-or-later
/* Exit statuses, and which one the end of a wait gets. */

#include "verb/exit_status.h"
#include "protocol/quiesce.h"

int exit_status_of_wait(enum quiesce_result result)
{
	switch (result) {
	case QUIESCE_DONE:
		return EXIT_DONE;
	case QUIESCE_TIMED_OUT:
	case QUIESCE_GAVE_UP:
		return EXIT_TIMED_OUT;
	case QUIESCE_RESUMED:
	case QUIESCE_UNGUARDED:
	case QUIESCE_STOPPED:
	case QUIESCE_FAILED:
		break;
	}
	return EXIT_FAILED;
}
