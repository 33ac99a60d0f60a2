"""S4: resume means open. S5: no crash breaks S1, S2 or S4."""

import contextlib
import os
import re
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from lib.drain import ended, stopped
from lib.load import Load
from lib.smb2 import Access, NtStatus, SmbError, connect
from lib.smbd import is_alive, wait_until

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'

# The command of a run: it says that it is there, and stays
STAY = 'touch "$1"; exec sleep 30'


def _state(drain):
    """As it is stored: no smbd is asked"""
    states = ['open', 'arming', 'armed', 'quiescent']
    values = drain.records().values()
    return states[max([struct.unpack_from('<H', value, 6)[0]
                       for value in values], default=0)]


# -- S4

def test_all_clients_can_open_after_resume(drained):
    """200 clients, several times; refused before, granted afterwards"""
    server, drain = drained()
    with Load(server.port, conns=200, files=1) as load:
        for _ in range(3):
            load.close_all()
            drain.begin('pkg', '--wait')
            assert load.open().open == 0
            drain.resume('pkg')
            resumed = time.time()
            assert load.open().open == 200
            assert load.since(resumed).granted == 200


@pytest.mark.parametrize('state', ['arming', 'armed', 'quiescent'])
def test_resume_ends_it_from_any_state(drained, state):
    """Also when it never became armed"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port) as holder:
        handle = holder.create(TOOL)
        if state == 'arming':
            with stopped(server.child_of(holder.connection)):
                drain.begin('pkg', '--timeout=1', expect=1)
        else:
            drain.begin('pkg')
        if state == 'quiescent':
            handle.close()
            drain.wait('pkg')
        assert drain.state('pkg') == state
        assert tree.status_of_open(TOOL) == REFUSED
        drain.resume('pkg')
        assert drain.state('pkg') == 'open'
        assert tree.status_of_open(TOOL) == OPEN
        assert holder.status_of_open(TOOL) == OPEN


def test_smbd_that_sleeps_through_resume(drained):
    """It has not heard, and opens all the same"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg')
        with stopped(server.child_of(tree.connection)):
            request = tree.create_nowait(TOOL)
            drain.resume('pkg')
        assert request.status() == OPEN
        assert tree.status_of_open(TOOL) == OPEN


def test_smbd_that_is_never_told_of_the_end(drained):
    """It looks at the record before it refuses: no message is needed"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg')
        assert tree.status_of_open(TOOL) == REFUSED
        with stopped(server.child_of(tree.connection)):
            drain.records(forget=True)
        assert tree.status_of_open(TOOL) == OPEN


def test_smbd_is_told_of_the_end(drained):
    """It lets go although its client asks for nothing"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create(TOOL)
        drain.begin('pkg')
        assert {lock.split('/')[1] for lock in drain.locks()} == {'roster',
                                                                  'hold'}
        drain.resume('pkg')
        wait_until(lambda: drain.locks() == {'drain/roster'}, 5, 'the end')


def test_moves_when_nobody_is_told_of_the_end(drained):
    """What moves and deletes looks at the record, too"""
    server, drain = drained()
    empty = server.share_path('pkg') / 'app/empty'
    empty.mkdir()
    empty.chmod(0o777)
    access = Access.READ_WRITE | Access.DELETE
    with connect(server.port) as tree:
        handle = tree.create(TOOL, access)
        directory = tree.create('app/empty', access)
        drain.begin('pkg/app')
        with pytest.raises(SmbError):
            handle.rename('tool.exe')
        drain.records(forget=True)
        handle.rename('tool.exe')
        drain.begin('pkg/app')
        drain.records(forget=True)
        directory.set_delete()
        directory.close()
        assert not empty.exists()


def arms_then_ends(drain, process, tree, handle):
    """The process has the target closed, and ends when the handle is"""
    with ended(process):
        drain.wait_for_state('pkg', 'armed')
        assert tree.status_of_open(TOOL) == REFUSED
        handle.close()
        assert process.wait(10) == 0


def test_smbd_that_slept_obeys_the_next_drain(drained):
    """Of two drains it missed the end of one and the begin of the other"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port) as other:
        handle = tree.create(TOOL)
        drain.begin('pkg')
        with stopped(server.child_of(tree.connection)):
            drain.resume('pkg')
            assert other.status_of_open(TOOL) == OPEN
            drain.begin('pkg', '--timeout=1', expect=1)
        arms_then_ends(drain, drain.start('wait', 'pkg'), tree, handle)


# -- S5: the tool dies

def test_killed_waiter(drained):
    """The drain is as it was; the next waiter goes on"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        with ended(drain.start('begin', 'pkg', '--wait')):
            drain.wait_for_state('pkg', 'armed')
        assert drain.state('pkg') == 'armed'
        assert tree.status_of_open(TOOL) == REFUSED
        handle.close()
        assert drain.state('pkg') == 'armed'
        drain.wait('pkg')
        drain.resume('pkg')


@pytest.mark.parametrize('verb', ['wait', 'begin'])
def test_killed_while_it_arms(drained, verb):
    """Status says so; whoever comes next arms first"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        with stopped(server.child_of(tree.connection)):
            with ended(drain.start('begin', 'pkg')):
                wait_until(drain.records, 5, 'a record')
                time.sleep(0.2)
            status = drain.status('pkg')['drains'][0]
            assert status['state'] == 'arming' and not status['is_armed']
            assert len(status['unacknowledged']) == 1
        arms_then_ends(drain, drain.start(verb, 'pkg'), tree, handle)


def _unacknowledged(drain):
    drained, = drain.status('pkg')['drains']
    return drained['unacknowledged']


def test_nothing_is_quiescent_that_is_not_armed(drained):
    """Empty, but one smbd is silent: a waiter gets nowhere"""
    server, drain = drained()
    with connect(server.port) as tree:
        with stopped(server.child_of(tree.connection)):
            drain.begin('pkg', '--timeout=1', expect=1)
            before = drain.records()
            drain.wait('pkg', '--timeout=1', expect=1)
            assert drain.records() == before
        # It may take the client's request before the message about the drain
        wait_until(lambda: not _unacknowledged(drain), 5, 'acknowledgement')
        assert tree.status_of_open(TOOL) == REFUSED
        drain.wait('pkg')


@pytest.mark.parametrize('number', range(8))
def test_killed_at_any_moment(drained, number):
    """begin --wait is killed some milliseconds after its start"""
    server, drain = drained()
    with connect(server.port) as tree:
        with ended(drain.start('begin', 'pkg', '--wait')):
            time.sleep(0.015 + 0.004 * number)
        state = drain.state('pkg')
        if state == 'open':
            assert tree.status_of_open(TOOL) == OPEN
            drain.begin('pkg')
        drain.wait('pkg')
        assert tree.status_of_open(TOOL) == REFUSED
        drain.resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN


def test_killed_run_while_it_waits(drained):
    """It stays armed, no command runs; run --continue goes on"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        with ended(drain.start('run', 'pkg', '--', 'true')):
            drain.wait_for_state('pkg', 'armed')
        assert tree.status_of_open(TOOL) == REFUSED
        handle.close()
        drain.run('pkg', 'true', options=['--continue'])
        assert tree.status_of_open(TOOL) == OPEN


def test_killed_run_while_its_command_runs(drained, tmp_path):
    """The command is told to end; the share stays closed until resume"""
    server, drain = drained()
    flag = tmp_path / 'flag'
    with connect(server.port) as tree:
        process = drain.start('run', 'pkg', '--', '/bin/sh', '-c',
                              'trap "echo >$2; exit" TERM; touch "$1"; '
                              'while :; do sleep 0.05; done', 'command',
                              str(flag), str(tmp_path / 'told'))
        with ended(process):
            wait_until(flag.exists, 10, 'the command')
            assert drain.state('pkg') == 'quiescent'
            os.kill(process.pid, signal.SIGKILL)
            wait_until((tmp_path / 'told').exists, 5, 'SIGTERM')
        assert drain.state('pkg') == 'quiescent'
        assert tree.status_of_open(TOOL) == REFUSED
        drain.wait('pkg')
        drain.resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN


# -- S5: smbds die

@pytest.mark.parametrize('state', ['armed', 'quiescent'])
def test_all_smbds_are_killed(drained, state):
    """Parent and children; after the restart it is what it was"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        drain.begin('pkg', '--reason=crash')
        if state == 'quiescent':
            handle.close()
            drain.wait('pkg')
        before = drain.records()
        server.kill_all()
        server.restart()
        assert drain.records() == before
        assert drain.state('pkg') == state
    with connect(server.port) as tree:
        assert tree.status_of_open(TOOL) == REFUSED
        assert drain.status('pkg')['drains'][0]['holders'] == 0
        assert drain.holders('pkg') == []
        drain.wait('pkg', '--timeout=10')
        drain.resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN


def test_all_smbds_are_killed_under_a_waiter(drained):
    """It goes on; with nobody left inside it comes to its end"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create(TOOL)
        drain.begin('pkg')
        waiter = drain.start('wait', 'pkg')
        with ended(waiter):
            time.sleep(0.2)
            server.kill_all()
            assert waiter.wait(10) == 0, waiter.communicate()
        server.restart()
    with connect(server.port) as tree:
        assert drain.state('pkg') == 'quiescent'
        assert tree.status_of_open(TOOL) == REFUSED


@pytest.mark.parametrize('state', ['arming', 'armed', 'quiescent'])
def test_reboot(drained, state):
    """What is not on disk is gone; it comes up closed all the same"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        if state == 'arming':
            with stopped(server.child_of(tree.connection)):
                drain.begin('pkg', '--timeout=1', expect=1)
        else:
            drain.begin('pkg')
        if state == 'quiescent':
            handle.close()
            drain.wait('pkg')
        server.kill_all()
        server.stop()
    for name in ('lock', 'pid'):
        shutil.rmtree(server.base / name)
        (server.base / name).mkdir()
    server.start()
    with connect(server.port) as tree:
        assert drain.state('pkg') == state
        assert tree.status_of_open(TOOL) == REFUSED
        drain.wait('pkg', '--timeout=10')
        assert drain.state('pkg') == 'quiescent'
        drain.resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN


def test_begin_without_smbd(drained):
    """It says so; what was begun before can be ended"""
    server, drain = drained()
    drain.begin('pkg')
    server.stop()
    assert drain.state('pkg') == 'armed'
    assert drain.status()['smbd_running'] is False
    done = drain.begin('pkg/app', expect=1)
    assert 'smbd is not running' in done.stderr
    drain.resume('pkg')
    assert drain.records() == {}
    server.start()
    with connect(server.port) as tree:
        assert tree.status_of_open(TOOL) == OPEN


# -- signals to run

@pytest.mark.parametrize('signum', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('arming', [False, True], ids=['waiting', 'arming'])
def test_stopped_run_leaves_no_trace(drained, signum, arming):
    """It resumes what it began; the command has not run"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create(TOOL)
        child = server.child_of(tree.connection)
        with stopped(child) if arming else contextlib.nullcontext():
            process = drain.start('run', 'pkg', '--', 'touch',
                                  str(server.base / 'ran'))
            with ended(process):
                wait_until(lambda: _state(drain) == ('arming' if arming
                                                     else 'armed'), 5, 'run')
                time.sleep(0.2)
                process.send_signal(signum)
                _, text = process.communicate(timeout=5)
                assert process.returncode == 125
        assert text == 'smbdrain: interrupted; pkg is open again\n'
        assert drain.records() == {}
        assert not (server.base / 'ran').exists()
        assert tree.status_of_open(TOOL) == OPEN


@pytest.mark.parametrize('verb', ['wait', 'begin', 'run'])
def test_stopped_waiter_says_that_it_stays_drained(drained, verb):
    """wait and begin end by the signal, run with its own status"""
    server, drain = drained()
    words = {'wait': ['wait', 'pkg'], 'begin': ['begin', 'pkg', '--wait'],
             'run': ['run', 'pkg', '--continue', '--', 'true']}[verb]
    with connect(server.port) as tree:
        tree.create(TOOL)
        if verb != 'begin':
            drain.begin('pkg')
        process = drain.start(*words)
        with ended(process):
            drain.wait_for_state('pkg', 'armed')
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            _, text = process.communicate(timeout=10)
        assert process.returncode == (125 if verb == 'run' else
                                      -signal.SIGINT)
        assert len(text.splitlines()) == 1
        assert text.startswith('smbdrain: interrupted; pkg stays drained')
    assert drain.state('pkg') == 'armed'


@pytest.mark.parametrize('signum', [signal.SIGTERM, signal.SIGINT])
def test_signal_is_passed_on_to_the_command(drained, tmp_path, signum):
    """It stays drained, and its exit status is that of the command"""
    server, drain = drained()
    flag = tmp_path / 'flag'
    process = drain.start('run', 'pkg', '--', '/bin/sh', '-c', STAY,
                          'command', str(flag))
    with ended(process):
        wait_until(flag.exists, 10, 'the command')
        process.send_signal(signum)
        assert process.wait(5) == 128 + signum
    assert drain.state('pkg') == 'quiescent'
    drain.resume('pkg')


def test_command_may_finish_in_spite_of_a_signal(drained, tmp_path):
    """Its own exit status counts, yet the share is kept drained"""
    server, drain = drained()
    flag = tmp_path / 'flag'
    process = drain.start('run', 'pkg', '--', '/bin/sh', '-c',
                          'trap : TERM; touch "$1"; sleep 0.5 & wait; wait',
                          'command', str(flag))
    with ended(process):
        wait_until(flag.exists, 10, 'the command')
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert drain.state('pkg') == 'quiescent'
    drain.resume('pkg')
    assert server.children() == []


# A search path that takes a third of a second makes the moment between fork
# and exec long
LONG_PATH = {**os.environ, 'PATH': 'x:' * 60000 + '/bin'}


def _start_long_search(drain):
    """run and its child, which still looks for the command"""
    process = drain.start('run', 'pkg', '--', 'sleep', '6', env=LONG_PATH,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    child = wait_until(lambda: _child_of(process.pid), 5, 'the child')
    time.sleep(0.03)
    return process, child


@pytest.mark.no_memcheck('valgrind makes a fork(2) of a vfork(2)')
def test_signal_between_fork_and_exec(drained):
    """It reaches a command that is only just about to start"""
    _, drain = drained()
    process, _ = _start_long_search(drain)
    with ended(process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(3) == 128 + signal.SIGTERM


@pytest.mark.parametrize('number', range(3))
def test_killed_run_between_fork_and_exec(drained, number):
    """The command does not go on with nobody to resume"""
    _, drain = drained()
    process, child = _start_long_search(drain)
    with ended(process):
        time.sleep(0.03 * number)
    wait_until(lambda: not is_alive(child), 2, 'end of the command')


def _child_of(pid):
    """But for the one in which tdb tries locks, before anything else"""
    process = Path(f'/proc/{pid}')
    caught = re.search('^SigCgt:(.*)', (process / 'status').read_text(), re.M)
    if not int(caught[1], 16) & 1 << signal.SIGTERM - 1:
        return None
    children = (process / f'task/{pid}/children').read_text().split()
    return int(children[0]) if children else None
