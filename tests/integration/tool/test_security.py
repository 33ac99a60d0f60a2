"""What docs/security.md says of people who mean no good.

What hostile names, messages, journals and links are met with is tested where
the rest of that is: the document says where.
"""

import os
import stat
import subprocess

import pytest

from lib.drain import Drain, as_nobody
from lib.smb2 import NtStatus, connect
from lib.smbd import PrivateSmbd, wait_until
from lib.waiting import HOLD, memory_of

REFUSED = NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
MOST = 20       # drain:max held opens

# A message to the process whose socket is named
SPEAK = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mine:
    mine.sendto(bytes(100), sys.argv[1])
"""


@pytest.fixture(name='shared', scope='module')
def _shared():
    """A server for all tests here, and its tool"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    shares = {'pkg': {'vfs objects': 'drain',
                      'drain:max held opens': str(MOST)}}
    with PrivateSmbd('security', shares) as server:
        server.put('pkg', TOOL, b'MZ')
        yield server, Drain(server)


@pytest.fixture(name='drained_pkg')
def _drained_pkg(shared):
    """The same, drained; resumed in the end"""
    server, drain = shared
    drain.begin('pkg/app')
    yield server, drain
    drain.resume('--all')


# -- local users

@pytest.mark.parametrize('name', ['state/smbdrain.tdb', 'lock/g_lock.tdb'])
def test_databases_are_for_root_only(drained_pkg, name):
    """Nobody else reads or writes the records, or has a hand in the locks"""
    server, _ = drained_pkg
    path = server.base / name
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == 0
    for direction in '<', '>>':
        done = as_nobody('sh', '-c', f': {direction} "$0"', path)
        assert 'Permission denied' in done.stderr


def test_only_root_speaks_to_smbd(drained_pkg):
    """The sockets of Samba's bus are behind a directory of root's; whoever
    got past the tool would not get past that"""
    server, drain = drained_pkg
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        path = server.base / 'lock' / 'msg.sock' / str(pid)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        speak = '/usr/bin/python3', '-c', SPEAK, path
        assert 'Permission denied' in as_nobody(*speak).stderr
        subprocess.run(speak, check=True, timeout=20)     # root may
        assert drain.state('pkg/app') == 'armed'
        assert tree.status_of_open(TOOL) == REFUSED


def test_only_root_ends_a_run(shared):
    """Nobody else kills it; nor does Samba's own tool help anybody"""
    server, drain = shared
    run = drain.start('run', 'pkg/app', '--', 'sleep', '50')
    try:
        drain.wait_for_state('pkg/app', 'quiescent')
        done = as_nobody('sh', '-c', 'kill -9 "$0"', run.pid)
        assert 'not permitted' in done.stderr
        for words in 'resume:pkg/app', 'drain:pkg/other':
            done = as_nobody('/usr/bin/smbcontrol', '-s', server.conf, 'smbd',
                             'close-share', words)
            assert done.returncode == 1 and 'not root' in done.stderr
        assert run.poll() is None
        assert [one['path'] for one in drain.status()['drains']] == ['app']
    finally:
        run.kill()
        run.communicate()
        drain.resume('--all')


# -- clients

def content(server):
    """Of the databases of records and of locks"""
    return [(server.base / name).read_bytes()
            for name in ('state/smbdrain.tdb', 'lock/g_lock.tdb')]


@pytest.mark.no_memcheck('measures memory')
def test_refused_opens_leave_nothing(drained_pkg):
    """However many: no line of the log each, no memory, nothing written"""
    server, _ = drained_pkg
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)

        def insist(times):
            for _ in range(times):
                assert tree.status_of_open(TOOL) == REFUSED

        insist(500)
        logged, before = len(server.logs()), memory_of(pid)
        written = content(server)
        insist(3000)
        assert content(server) == written
        assert len(server.logs()) - logged < 3000
        assert memory_of(pid) - before < 64


def test_opens_that_wait_are_few(shared):
    """Of a client that opens without end only so many wait; the others are
    refused at once, and it still is served"""
    server, drain = shared
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree:
        requests = [tree.create_nowait(TOOL) for _ in range(10 * MOST)]
        for request in requests[MOST:]:
            assert request.status() == REFUSED
        one, = drain.status()['drains']
        assert one['waiting_opens'] == MOST
        assert not any(request.done for request in requests[:MOST])
        tree.list_directory('')
        drain.resume('pkg/app')
        for request in requests[:MOST]:
            request.wait(10).close()


@pytest.mark.parametrize('name', ['pkg\u200b', '\u202epkg', 'p\u00adkg\u2066'])
def test_share_that_looks_like_another(smbd, name):
    """What makes a name read otherwise than it is is shown"""
    server = smbd({'pkg': {'vfs objects': 'drain'},
                   name: {'vfs objects': 'drain'}})
    drain = Drain(server)
    drain.begin(name)
    for line in drain.call('status').stdout.splitlines():
        assert name not in line
    with connect(server.port) as tree:
        assert tree.status_of_open('x') == NtStatus.OBJECT_NAME_NOT_FOUND


# -- commands

def test_warn_command_inherits_nothing(shared):
    """No lock, socket or database of Samba's, as for the command of run, and
    of the environment what the tool has, and which drain it is"""
    server, drain = shared
    output = server.base / 'inherited'
    command = (f'ls -x /proc/self/fd >{output}.new; env -0 >>{output}.new; '
               f'mv {output}.new {output}')
    # What libraries of ours have set by themselves is not in os.environ, and
    # valgrind sets something too
    plain = Drain(server)
    plain.wrapper = ()
    plain.call('begin', 'pkg/app', f'--warn-command={command}',
               env=dict(os.environ))
    wait_until(output.exists, 10, 'the command')
    one, = drain.status()['drains']
    drain.resume('pkg/app')
    descriptors, _, rest = output.read_text().partition('\n')
    # The last one is that of the directory which ls reads
    assert descriptors.split() == ['0', '1', '2', '3']
    environment = dict(line.split('=', 1) for line in rest.split('\0') if line)
    assert {**os.environ, **environment} == {
        **os.environ, **shells_own(environment),
        'DRAIN_ID': one['id'], 'DRAIN_SHARE': 'pkg', 'DRAIN_PATH': 'app',
        'DRAIN_REAL_PATH': os.path.realpath(server.share_path('pkg') / 'app')}


def shells_own(environment):
    """What a shell sets by itself"""
    return {name: environment[name] for name in ('PWD', 'OLDPWD', 'SHLVL', '_')
            if name in environment}
