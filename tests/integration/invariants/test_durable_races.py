"""Durable handles that come and go in the very moment in which a waiter looks.

A preloaded library stops a process in such a moment.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from lib.caching import CACHING_SHARE
from lib.drain import Drain, ended
from lib.smb2 import Connection, connect
from lib.smbd import wait_until

# What a look at the holders has seen is old when it is used, and so is what
# the waiter knows when it takes the lock
STOPPING_TOOL = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <string.h>

struct data { char *ptr; size_t size; };

unsigned g_lock_dump(void *ctx, struct data key, void *fn, void *private_data)
{
	unsigned (*next)(void *, struct data, void *, void *) =
		dlsym(RTLD_NEXT, "g_lock_dump");
	static int calls;
	unsigned status;

	if (strncmp(key.ptr, "drain/hold/", 11) != 0) {
		return next(ctx, key, fn, private_data);
	}
	calls += 1;
	if (calls % 2 == 0) {
		raise(SIGSTOP);
	}
	status = next(ctx, key, fn, private_data);
	if (calls % 2 != 0) {
		raise(SIGSTOP);
	}
	return status;
}
'''

# Before an smbd becomes a holder. Up to Samba 4.17 the last two arguments are
# not there, and nobody looks at them.
STOPPING_SMBD = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <string.h>

struct data { char *ptr; size_t size; };

unsigned g_lock_lock(void *ctx, struct data key, int type, long sec, long usec,
		     void *fn, void *private_data)
{
	unsigned (*next)(void *, struct data, int, long, long, void *,
			 void *) = dlsym(RTLD_NEXT, "g_lock_lock");

	if (strncmp(key.ptr, "drain/hold/", 11) == 0) {
		raise(SIGSTOP);
	}
	return next(ctx, key, type, sec, usec, fn, private_data);
}
'''


def library(directory, source):
    """The environment with that source compiled and preloaded"""
    path = directory / 'stop.so'
    subprocess.run(['gcc', '-shared', '-fPIC', '-O1', '-x', 'c', '-',
                    '-o', path], input=source, text=True, check=True,
                   timeout=30)
    return {'LD_PRELOAD': str(path)}


def wait_stopped(pid):
    """Until it has come to its moment"""
    def state():
        text = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8')
        return text.rpartition(')')[2].split()[0]
    wait_until(lambda: state() in 'TZ', 10, 'stopped', 0.01)


def go_on(pid):
    """From there"""
    os.kill(pid, signal.SIGCONT)


def leave(server, tree):
    """The client loses its connection"""
    child = server.child_of(tree.connection)
    tree.connection.drop(reset=True)
    server.wait_gone(child)


def come_back(server, tree):
    """The same client on a new connection"""
    connection = Connection(server.port,
                            client_guid=tree.connection.client_guid)
    return connection.session().tree('pkg')


@pytest.fixture(name='away')
def _away(smbd):
    """A client with a durable handle, gone: ``server, drain, tree, handle``"""
    def start(**options):
        server = smbd({'pkg': CACHING_SHARE}, **options)
        server.put('pkg', 'app/tool.exe', b'MZ' * 100)
        tree = connect(server.port)
        handle = tree.create('app/tool.exe', lease='RH', durable=2)
        assert handle.durable
        leave(server, tree)
        return server, Drain(server), tree, handle

    return start


def test_back_and_gone_while_the_waiter_looks(away, tmp_path):
    """Away when it asks who holds, there when it looks at who is away, and
    away again: it looks once more when nobody can come back"""
    server, drain, tree, handle = away()
    drain.begin('pkg/app')
    waiter = drain.start('wait', 'pkg/app', env={
        **os.environ, **library(tmp_path, STOPPING_TOOL)})
    with ended(waiter):
        wait_stopped(waiter.pid)
        again = come_back(server, tree)
        again.reconnect(handle)
        go_on(waiter.pid)
        wait_stopped(waiter.pid)
        leave(server, again)
        go_on(waiter.pid)
        wait_stopped(waiter.pid)
        assert waiter.poll() is None
        assert drain.state('pkg/app') == 'armed'
        assert drain.holders('pkg/app')[0]['disconnected']


def test_waiter_looks_while_it_comes_back(away, tmp_path):
    """Neither here nor there: it is not taken for one that is overdue"""
    server, drain, tree, handle = away(
        environment=library(tmp_path, STOPPING_SMBD))
    drain.begin('pkg/app')
    again = come_back(server, tree)
    child = server.child_of(again.connection)
    request = again.reconnect_nowait(handle)
    wait_stopped(child)
    drain.wait('pkg/app', '--timeout=2', expect=124)
    go_on(child)
    assert request.wait().read(length=2) == b'MZ'
