/*
 * drain: take users off a Samba share so that it can be updated
 *
 * Exit statuses.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

#include "tool.h"

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
