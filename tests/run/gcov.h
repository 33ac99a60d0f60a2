/*
 * drain: take users off a Samba share so that it can be updated
 *
 * In a build with gcov, before everything else: counts are written by exit(),
 * and by exec after a fork(); here also by _exit() and when a signal ends the
 * tool. See coverage.sh.
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by
 * the Free Software Foundation; either version 3 of the License, or
 * (at your option) any later version.
 */

/* After vfork counts would be written for the last time, the parent's too */
#define vfork fork

/* No header is included: what comes after this decides what they declare */
#define GCOV_SIGTERM 15

extern char *program_invocation_short_name;
extern void (*signal(int sig, void (*handler)(int)))(int);
extern void __gcov_dump(void);
extern void __real__exit(int status) __attribute__((noreturn));
extern int __real_raise(int sig);

extern void __wrap__exit(int status) __attribute__((weak, noreturn));
extern int __wrap_raise(int sig) __attribute__((weak));

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}

int __wrap_raise(int sig)
{
	__gcov_dump();
	return __real_raise(sig);
}

static void gcov_end(int sig)
{
	signal(sig, (void (*)(int))0);
	(void)__wrap_raise(sig);
}

__attribute__((constructor)) static void gcov_start(void)
{
	if (__builtin_strcmp(program_invocation_short_name, "smbdrain") == 0) {
		signal(GCOV_SIGTERM, gcov_end);
	}
}
