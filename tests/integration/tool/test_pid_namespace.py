"""smbd and smbdrain in different PID namespaces: each looks dead to the other.

Samba's locks are of no use then, and nothing may be drained that relies on
them. The processes of a container have numbers of their own; which ones, the
test chooses, so that a number is there on both sides or on one only.
"""

import json
import os
import signal
import subprocess
import sys

import pytest

from lib.drain import Drain, complaint, stopped
from lib.smb2 import NtStatus, SmbError, connect
from lib.smbd import PrivateSmbd

MODULE = {'vfs objects': 'drain'}
CONTAINER = ['/usr/bin/unshare', '--pid', '--fork', '--kill-child',
             '--mount-proc']
WORDS = {'begin': (), 'wait': (), 'close': (), 'run': ('--', 'true'),
         'publish': ('.', '--id=00000000-0000-0000-0000-000000000001')}
OPEN = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0,
                       reason='smbd and namespaces need root'),
    pytest.mark.no_memcheck('smbd is started by another program')]


class Contained(PrivateSmbd):
    """An smbd that is the first process of a PID namespace of its own"""

    def __init__(self, name, shares, global_options=None):
        super().__init__(name, shares, global_options, wrapper=CONTAINER)

    @property
    def pid(self):
        """The parent smbd, by its number out here"""
        started = self.process.pid
        try:
            with open(f'/proc/{started}/task/{started}/children',
                      encoding='ascii') as file:
                return int((file.read().split() or [started])[0])
        except FileNotFoundError:
            return started

    def _ask_to_end(self):
        """All others end with the first process of a namespace"""
        if self.process.poll() is None:
            self._kill(self.pid, signal.SIGKILL)
        return []

    def enter_command(self):
        """In front of what is to run where smbd is"""
        return ['nsenter', '-t', str(self.pid), '-p', '-m', '-r']

    def set_next_number(self, number):
        """Of the process that is started next in there"""
        subprocess.run(
            [*self.enter_command(), 'sh', '-c',
             'echo "$1" >/proc/sys/kernel/ns_last_pid', 'sh',
             str(number - 1)], timeout=60, check=True)


@pytest.fixture(name='contained')
def _contained():
    with Contained('contained', {'pkg': MODULE}) as server:
        server.put('pkg', 'app/tool.exe', b'MZ')
        server.put('pkg', 'app/other.exe', b'MZ')
        yield server


def _inside(server):
    """smbdrain where smbd is"""
    drain = Drain(server)
    drain.command = lambda *words: [*server.enter_command(),
                                    *Drain.command(drain, *words)]
    return drain


def _free_number():
    """One that no process out here has"""
    number = 31000
    while os.path.exists(f'/proc/{number}'):
        number += 7
    return number


def _is_told(text):
    return ('PID namespace' in text and 'nsenter' in text
            and 'cannot tell which smbds are alive' in text)


@pytest.mark.parametrize('is_free', [True, False])
def test_nothing_is_drained_from_outside(contained, is_free):
    """Each verb that relies on locks says so, whether or not a process out here
    has the number of the smbd"""
    contained.set_next_number(_free_number() if is_free else os.getpid())
    drain = Drain(contained)
    with connect(contained.port) as tree:
        tree.create('app/tool.exe')
        for verb, words in WORDS.items():
            done = drain.call(verb, 'pkg/app', *words,
                              expect=125 if verb == 'run' else 1)
            assert _is_told(complaint(done)) and done.stdout == ''
        assert tree.status_of_open('app/other.exe') == OPEN
        assert drain.status()['drains'] == []
        assert len(drain.holders('pkg/app')) == 1
    assert drain.status()['other_pid_namespace'] is True
    assert 'PID namespace' in drain.call('status').stdout
    assert 'PID namespace' in drain.call('check', expect=1).stdout


def test_smbd_that_does_not_answer(contained):
    """It is no dead one, that would have nothing open"""
    contained.set_next_number(_free_number())
    with connect(contained.port) as tree:
        tree.create('app/tool.exe')
        child = contained.child_of(tree.connection)
        with stopped(child):
            done = Drain(contained).call('holders', 'pkg/app', '--json',
                                         expect=1)
        assert json.loads(done.stdout)['silent_smbds'] == 1


def test_all_is_as_ever_inside(contained):
    """In the PID namespace of smbd"""
    drain = _inside(contained)
    assert drain.status()['other_pid_namespace'] is False
    with connect(contained.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        assert tree.status_of_open('app/other.exe') == REFUSED
        drain.wait('pkg/app', '--timeout=0.5', expect=124)
        handle.close()
        drain.wait('pkg/app', '--timeout=30s')
        drain.resume('pkg/app')
        assert tree.status_of_open('app/other.exe') == OPEN


def test_tool_in_a_container(drained):
    """And smbd out here"""
    server, _ = drained()
    drain = Drain(server)
    drain.command = lambda *words: [*CONTAINER, *Drain.command(drain, *words)]
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        assert _is_told(complaint(drain.begin('pkg/app', expect=1)))
        assert tree.status_of_open('app/tool.exe') == OPEN
    assert drain.status()['other_pid_namespace'] is True


def test_outside_ends_what_is_drained_inside(contained):
    """resume needs no locks of smbds: it is a way out"""
    _inside(contained).begin('pkg/app')
    with connect(contained.port) as tree:
        assert tree.status_of_open('app/tool.exe') == REFUSED
        Drain(contained).resume('pkg/app')
        assert tree.status_of_open('app/tool.exe') == OPEN


def test_outside_does_not_end_a_run_inside(contained):
    """The run has owner(id), and lives, although it looks dead from here"""
    inside = _inside(contained)
    flag = contained.base / 'flag'
    contained.set_next_number(_free_number())
    process = inside.start('run', 'pkg/app', '--', 'sh', '-c',
                           'until [ -e "$1" ]; do sleep 0.1; done', 'sh',
                           str(flag))
    inside.wait_for_state('pkg/app', 'quiescent', 30)
    try:
        assert 'run' in complaint(Drain(contained).resume('pkg/app', expect=1))
        assert inside.state('pkg/app') == 'quiescent'
    finally:
        flag.touch()
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_two_smbds_of_two_namespaces(drained):
    """Which share the directories: a drain in force is obeyed by both, or the
    one that comes does not serve the share"""
    server, drain = drained()
    same = {f'{name} {kind}': server.base / name
            for name, kind in (('lock', 'directory'), ('state', 'directory'),
                               ('cache', 'directory'), ('private', 'dir'))}
    share = {**MODULE, 'path': server.share_path('pkg')}
    with Contained('second', {'pkg': share}, same) as second:
        with connect(second.port) as tree:
            assert tree.status_of_open('app/tool.exe') == OPEN
            assert _is_told(complaint(drain.begin('pkg/app', expect=1)))
    drain.begin('pkg/app')
    with Contained('second', {'pkg': share}, same) as second:
        with pytest.raises(SmbError):
            connect(second.port)
        assert 'another PID namespace' in second.logs()


# As messaging_dgm_cleanup(): what a process of Samba does for a dead one
CLEANS_UP = r'''
import fcntl, os, sys
directory, dead = sys.argv[1:]
kept = []
for number in os.getpid(), dead:
    kept.append(open(f'{directory}/{number}', 'w'))
    fcntl.lockf(kept[-1], fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
'''


def test_message_file_of_a_dead_process_is_removed(drained):
    """Whoever does it is no stranger: clients are served, drains begin"""
    server, drain = drained()
    with subprocess.Popen(['true']) as dead:
        pass
    files = server.base / 'lock/msg.lock'
    with subprocess.Popen(
            [sys.executable, '-c', CLEANS_UP, files, str(dead.pid)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cleaner:
        assert cleaner.stdout.readline() == 'locked\n'
        drain.begin('pkg/app', '--wait')
        with connect(server.port) as tree:
            assert tree.status_of_open('app/tool.exe') == REFUSED
        cleaner.stdin.close()
    for number in cleaner.pid, dead.pid:
        (files / str(number)).unlink()
