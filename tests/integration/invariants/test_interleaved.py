"""A durable handle, or another tool, that comes between two looks of a waiter.

What happens in a few microseconds is made to happen: the waiter stops itself
in between.
"""

import os
import re
import signal
import time

import pytest

from lib.caching import CACHING_SHARE
from lib.drain import Started, ended, stopped
from lib.faults import at_stop, injected
from lib.memcheck import SLOWNESS
from lib.smb2 import SMB_3_0, Durable, connect
from lib.smbd import is_stopped, wait_until

# The waiter has seen that no smbd holds anything; it looks at the table of
# open files (which needs the roster), then it claims the lock
STOPS = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

struct key {
	const char *text;
	size_t size;
};

unsigned g_lock_dump(void *ctx, struct key key, void *fn, void *private_data)
{
	static unsigned (*next)(void *, struct key, void *, void *);
	static int seen;

	if (next == NULL) {
		*(void **)&next = dlsym(RTLD_NEXT, "g_lock_dump");
	}
	if (seen % 2 == 0 ? strncmp(key.text, "drain/hold/", 11) == 0
			  : strcmp(key.text, "drain/roster") == 0) {
		seen += 1;
		if (seen == 2 || seen == 3) {
			raise(SIGSTOP);
		}
	}
	return next(ctx, key, fn, private_data);
}
'''


@pytest.fixture(name='lost')
def _lost(drained):
    """A drained share with a durable handle whose client is away: server,
    drain, handle, back()"""
    server, drain = drained({'pkg': CACHING_SHARE})
    server.put('pkg', 'app/tool.exe', b'MZ')
    first = connect(server.port, dialects=(SMB_3_0,))
    handle = first.create('app/tool.exe', lease='RWH', durable=Durable(2))
    drain.begin('pkg/app')
    _leave(server, first)

    def back():
        return connect(server.port, dialects=(SMB_3_0,),
                       client_guid=first.connection.client_guid)

    return server, drain, handle, back


def _leave(server, tree):
    child = server.child_of(tree.connection)
    tree.connection.drop(reset=True)
    server.wait_gone(child)


@pytest.fixture(name='waiter')
def _waiter(lost, preloaded):
    """One that stops twice"""
    process = lost[1].start('wait', 'pkg/app',
                            env={**os.environ, **preloaded(STOPS)})
    with ended(process):
        yield process


def test_it_comes_back(lost, waiter):
    """After the waiter has seen that no smbd has a handle"""
    _, drain, handle, back = lost
    with at_stop(waiter):
        tree = back()
        again = tree.reconnect(handle)
    with at_stop(waiter):
        pass
    time.sleep(0.5)
    assert waiter.poll() is None and drain.state('pkg/app') == 'armed'
    again.close()
    assert waiter.wait(10) == 0
    tree.connection.drop()


def test_it_comes_back_and_leaves_again(lost, waiter):
    """Before the waiter has the lock for itself: away again, as before"""
    server, drain, handle, back = lost
    with at_stop(waiter):
        tree = back()
        again = tree.reconnect(handle)
        assert again.read(length=2) == b'MZ'
    with at_stop(waiter):
        _leave(server, tree)
    time.sleep(0.5)
    assert waiter.poll() is None and drain.state('pkg/app') == 'armed'
    assert drain.holders('pkg/app')[0]['disconnected']
    drain.wait('pkg/app', '--purge-durables', '--timeout=10')
    assert waiter.wait(10) == 0


@pytest.fixture(name='late')
def _late(drained, preloaded):
    """A waiter that has found nobody, and now claims the lock: drain, waiter"""
    _, drain = drained()
    drain.begin('pkg/app')
    process = drain.start('wait', 'pkg/app',
                          env={**os.environ, **preloaded(STOPS)})
    with ended(process):
        with at_stop(process):
            pass
        wait_until(lambda: is_stopped(process.pid), 10, 'a stop')
        yield drain, process


def test_another_waiter_is_quicker(late):
    """What it has recorded is not recorded again"""
    drain, waiter = late
    drain.wait('pkg/app')
    before = drain.records()
    waiter.send_signal(signal.SIGCONT)
    assert waiter.wait(10) == 0
    assert drain.records() == before


def test_another_drain_is_there(late):
    """The one that it waited for has ended: it leaves the new one alone"""
    drain, waiter = late
    drain.resume('pkg/app')
    drain.begin('pkg/app')
    before = drain.records()
    waiter.send_signal(signal.SIGCONT)
    assert waiter.wait(10) == 1
    assert 'stopped waiting for pkg/app' in waiter.stderr.read()
    assert drain.records() == before


# The first time that the lock is looked at which whoever ends a drain takes:
# run for its command, or a waiter at the deadline
STOPS_RUN = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

struct key {
	const char *text;
	size_t size;
};

unsigned g_lock_dump(void *ctx, struct key key, void *fn, void *private_data)
{
	unsigned (*next)(void *, struct key, void *, void *) =
		dlsym(RTLD_NEXT, "g_lock_dump");

	static int seen;

	if (strncmp(key.text, "drain/owner/", 12) == 0 && seen++ == 0) {
		raise(SIGSTOP);
	}
	return next(ctx, key, fn, private_data);
}
'''


def test_resume_before_the_command_starts(drained, preloaded, tmp_path):
    """It does not start on an open share, and the next drain is let alone"""
    _, drain = drained()
    ran = tmp_path / 'ran'
    process = drain.start('run', 'pkg/app', '--', 'touch', str(ran),
                          env={**os.environ, **preloaded(STOPS_RUN)})
    with ended(process):
        wait_until(lambda: is_stopped(process.pid), 10, 'a stop')
        assert drain.state('pkg/app') == 'quiescent'
        drain.resume('pkg/app')
        drain.begin('pkg/app')
        before = drain.records()
        process.send_signal(signal.SIGCONT)
        assert process.wait(10) == 125
        assert 'cannot run the command for pkg/app' in process.stderr.read()
    assert not ran.exists()
    assert drain.records() == before


@pytest.fixture(name='stopping')
def _stopping(drained, preloaded):
    """server, drain, ``start(verb, ...)``: a smbdrain that stops there"""
    server, drain = drained()

    def start(*arguments):
        return drain.start(*arguments,
                           env={**os.environ, **preloaded(STOPS_RUN)})

    return server, drain, start


def test_quiescent_at_its_deadline(stopping):
    """Who waits is too late to resume what another one has seen quiescent"""
    server, drain, start = stopping
    tree = connect(server.port)
    pid = server.child_of(tree.connection)
    tree.create('app/tool.exe')
    drain.begin('pkg/app', '--timeout=2', '--on-timeout=resume')
    # Its smbd would resume it by itself
    with stopped(pid):
        process = start('wait', 'pkg/app')
        with ended(process):
            wait_until(lambda: is_stopped(process.pid), 10, 'a stop')
            os.kill(pid, signal.SIGKILL)
            drain.wait('pkg/app')
            process.send_signal(signal.SIGCONT)
            assert process.wait(10) == 0, process.stderr.read()
    tree.connection.drop()
    assert drain.state('pkg/app') == 'quiescent'


def test_run_that_finds_a_publish_at_work(stopping):
    """Its way out is not to open what others work on"""
    server, drain, start = stopping
    new = server.share_path('pkg').parent / 'new'
    new.mkdir()
    process = start('run', 'pkg/app', '--', 'true')
    with ended(process):
        wait_until(lambda: is_stopped(process.pid), 10, 'a stop')
        number = drain.status('pkg/app')['drains'][0]['id']
        publish = Started(injected(
            f'renameat2:delay_enter={2 * SLOWNESS}s', *drain.command(
                'publish', 'pkg/app', str(new), f'--id={number}')))
        with ended(publish):
            wait_until(lambda: any('owner' in lock for lock in drain.locks()),
                       10, 'the publish')
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)
            assert process.wait(10) == 125
            assert re.search(r'stays drained: process \d+ is working on it',
                             process.stderr.read())
            assert drain.state('pkg/app') == 'quiescent'
            assert publish.wait(10) == 0
    drain.resume('pkg/app')
