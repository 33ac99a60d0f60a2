"""An open whose name smbd has looked up before a new version is published, and
that comes to the module when the drain has ended: it must not get the old."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from lib.publish import Package
from lib.smb2 import connect
from lib.smbd import is_stopped, wait_until
from lib.waiting import HOLD

# The module asks where the descriptor of an open leads, after smbd has got it
STOPS = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t readlink(const char *path, char *buf, size_t size)
{
	ssize_t (*next)(const char *, char *, size_t) =
		dlsym(RTLD_NEXT, "readlink");
	Dl_info caller;

	if (dladdr(__builtin_return_address(0), &caller) != 0 &&
	    strstr(caller.dli_fname, "drain.so") != NULL &&
	    unlink(getenv("STOP_ONCE")) == 0) {
		raise(SIGSTOP);
	}
	return next(path, buf, size);
}
'''


@pytest.fixture(name='stop')
def _stop():
    """A file that the user whom smbd impersonates can remove"""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        yield Path(directory) / 'stop'


@pytest.mark.parametrize('options', [(), (HOLD,)], ids=['refuse', 'hold'])
def test_open_that_slept_through_the_exchange(drained, preloaded, stop,
                                              options):
    """It is looked up anew, and gets the new version"""
    server, drain = drained(
        {'pkg': {'vfs objects': 'drain'}},
        environment={**preloaded(STOPS), 'STOP_ONCE': str(stop)})
    package = Package(server, drain)
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        drain.begin(package.target, '--wait', *options)
        number = package.id()
        stop.touch()
        request = tree.create_nowait('app/tool.exe')
        wait_until(lambda: is_stopped(pid), 10, 'a stop')
        try:
            package.publish(f'--id={number}')
            drain.resume(package.target)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert request.wait(20).read() == b'new'
