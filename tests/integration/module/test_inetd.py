"""smbd without a parent: inetd, or systemd with Accept=yes, starts one for each
connection. There is no pid file, and nobody who passes messages on."""

import contextlib
import socket
import subprocess
import sys

import pytest

from lib.drain import complaint
from lib.smb2 import Connection, NtStatus, connect
from lib.smbd import SMBD

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION

# It ends, and what it has started, when its standard input closes
INETD = '''
import os, select, signal, socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
children = []
while True:
    ready, _, _ = select.select([listener, 0], [], [])
    if 0 in ready:
        break
    connection, _ = listener.accept()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.dup2(connection.fileno(), 0)
        os.dup2(connection.fileno(), 1)
        os.closerange(3, 64)
        os.execv(sys.argv[2], sys.argv[2:])
    children.append(child)
    connection.close()
for child in children:
    try:
        os.kill(child, signal.SIGTERM)
    except ProcessLookupError:
        pass
'''


@pytest.fixture(name='start')
def _start(drained):
    """Start a server whose smbds another program starts: start(shares)"""
    with contextlib.ExitStack() as stack:
        def start(shares=None):
            server, drain = drained(shares)
            server.stop()
            stack.enter_context(_inetd(server))
            return server, drain

        yield start


@contextlib.contextmanager
def _inetd(server):
    with socket.create_server(('127.0.0.1', server.port)) as listener, \
            open(server.log_dir / 'inetd.out', 'ab') as out:
        process = subprocess.Popen(
            [sys.executable, '-c', INETD, str(listener.fileno()), SMBD,
             '-s', server.conf], stdin=subprocess.PIPE, stdout=out,
            stderr=out, cwd=server.base, pass_fds=[listener.fileno()])
    try:
        yield
    finally:
        process.stdin.close()
        process.wait(30)


def test_drain(start):
    """From begin to resume"""
    server, drain = start()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        assert drain.status()['smbd_running'] is True
        drain.begin('pkg/app')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        with connect(server.port) as later:
            assert later.status_of_open('app/tool.exe') == REFUSED
        drain.wait('pkg/app', '--timeout=0.5', expect=124)
        handle.close()
        drain.wait('pkg/app', '--timeout=30s')
        drain.resume('pkg/app')
        assert tree.status_of_open('app/tool.exe') == OPEN


def test_nobody_is_connected(start):
    """Then there is no smbd, and none that could be of another smb.conf"""
    _, drain = start()
    text = complaint(drain.begin('pkg/app', expect=1))
    assert 'smbd is not running' in text and 'inetd' in text
    assert drain.status()['smbd_running'] is False


def test_module_is_added(start):
    """Each smbd reads smb.conf, although no parent tells it to"""
    server, drain = start({'pkg': {}, 'other': {'vfs objects': 'drain'}})
    server.put('pkg', 'app/tool.exe', b'MZ')
    with connect(server.port, 'other'):
        session = Connection(server.port).session()
        server.set_share('pkg', {'vfs objects': 'drain'})
        drain.begin('pkg/app')
        tree = session.tree('pkg')
        assert tree.status_of_open('app/tool.exe') == REFUSED
