"""System calls of a program that come late, or are its last."""

import contextlib
import signal
from pathlib import Path

from lib import memcheck
from lib.smbd import is_stopped, wait_until


def injected(fault, *command, path=None):
    """The words of a command line with a fault, as strace --inject has them

    e.g. renameat2:signal=KILL:when=3; only in calls on that path, if any
    """
    call = fault.partition(':')[0]
    paths = ['-P', str(path)] if path else []
    return ['strace', '-qq', '-f', '-o', '/dev/null', *paths,
            '-e', f'trace={call}', '-e', f'inject={fault}',
            *memcheck.traceable(command)]


def is_in_call(strace, number):
    """Whether a child of strace is in, or delayed before, that system call"""
    children = Path(f'/proc/{strace}/task/{strace}/children').read_text()
    return any(Path(f'/proc/{child}/syscall').read_text().split()[0]
               == str(number) for child in children.split())


def stops_at(call, number=1, after=False):
    """Source for the fixture `preloaded`: a program stops itself before, or
    after, it makes that system call for the time `number`"""
    return r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>

int stops(long a, long b, long c, long d, long e) __asm__("CALL");

int stops(long a, long b, long c, long d, long e)
{
	int (*next)(long, long, long, long, long) = dlsym(RTLD_NEXT, "CALL");
	static int calls;
	int ret;

	calls += 1;
	if (calls == NUMBER && !AFTER) {
		raise(SIGSTOP);
	}
	ret = next(a, b, c, d, e);
	if (calls == NUMBER && AFTER) {
		raise(SIGSTOP);
	}
	return ret;
}
'''.replace('CALL', call).replace('NUMBER', str(number)).replace(
        'AFTER', str(int(after)))


def owned_at_first(times):
    """Source for the fixture `preloaded`: the end of a drain is owned by somebody
    else, who cannot be seen, the first `times` that a program asks for it"""
    return r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

struct data { char *ptr; size_t size; };

unsigned g_lock_lock(void *ctx, struct data key, int type, long sec, long usec,
		     void *fn, void *private_data)
{
	unsigned (*next)(void *, struct data, int, long, long, void *,
			 void *) = dlsym(RTLD_NEXT, "g_lock_lock");
	static int calls;

	if (strncmp(key.ptr, "drain/owner/", 12) == 0 && calls++ < TIMES) {
		return 0xC00000B5; /* IO_TIMEOUT */
	}
	return next(ctx, key, type, sec, usec, fn, private_data);
}
'''.replace('TIMES', str(times))


@contextlib.contextmanager
def at_stop(process):
    """While a program stands still that stops itself"""
    wait_until(lambda: is_stopped(process.pid), 10, 'a stop')
    yield
    process.send_signal(signal.SIGCONT)
