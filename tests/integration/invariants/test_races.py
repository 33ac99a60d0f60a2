"""Races: many tools, clients and smbds at once, and each sees one truth."""

import random
import threading
import time

import pytest

from lib.drain import Monitor, ended, stopped
from lib.memcheck import SLOWNESS
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
ROUNDS = 50


@pytest.mark.time_limit(120)
def test_resume_races_the_last_close(drained):
    """The waiter says quiescent or resumed; the share is open in any case"""
    server, drain = drained()
    chance = random.Random(1)
    statuses = []
    with connect(server.port) as tree:
        for _ in range(ROUNDS):
            handle = tree.create(TOOL)
            drain.begin('pkg')
            waiter = drain.start('wait', 'pkg')
            with ended(waiter):
                time.sleep(0.1)
                resumer = drain.start('resume', 'pkg')
                with ended(resumer):
                    # About when it takes the record away
                    time.sleep(chance.uniform(0.01, 0.05))
                    handle.close()
                    assert resumer.wait(10) == 0
                assert waiter.wait(10) in (0, 1)
                statuses.append(waiter.returncode)
                said = waiter.communicate()
                if statuses[-1] == 0:
                    assert 'quiescent' in said[0]
                else:   # the latter if it was late itself
                    assert ('stopped waiting for pkg' in said[1]
                            or 'no drain is in force' in said[1])
            assert drain.records() == {}
            assert tree.status_of_open(TOOL) == OPEN
    print(f'{statuses.count(0)} quiescent, {statuses.count(1)} resumed')


def test_two_waiters_record_it_once(drained):
    """Both report it, the record keeps the first moment"""
    server, drain = drained()
    with connect(server.port) as tree, Monitor(drain, 'pkg') as monitor:
        for number in range(1, 11):
            handle = tree.create(TOOL)
            drain.begin('pkg')
            waiters = [drain.start('wait', 'pkg') for _ in range(3)]
            with ended(*waiters):
                time.sleep(0.1)
                handle.close()
                wait_until(lambda ws=waiters: None not in
                           [w.poll() for w in ws] or
                           0 in [w.poll() for w in ws], 10, 'the first')
                recorded = drain.records()
                for waiter in waiters:
                    assert waiter.wait(10) == 0
                assert drain.records() == recorded
            drain.wait('pkg')
            assert drain.records() == recorded
            drain.resume('pkg')
            wait_until(lambda n=number: monitor.names().count('resumed') == n,
                       5, 'monitor')
            assert monitor.names().count('quiescent') == number
            assert monitor.names().count('armed') == number


def test_many_waiters_find_it_empty_at_once(drained):
    """Nobody inside: they all come to the end, and one writes it down"""
    _, drain = drained()
    for _ in range(8):
        drain.begin('pkg')
        waiters = [drain.start('wait', 'pkg') for _ in range(8)]
        with ended(*waiters):
            wait_until(lambda ws=waiters: 0 in [w.poll() for w in ws], 10,
                       'the first')
            recorded = drain.records()
            for waiter in waiters:
                assert waiter.wait(10) == 0, waiter.communicate()
            assert drain.records() == recorded
        drain.resume('pkg')


def test_old_waiter_and_a_new_drain(drained):
    """It ends with its own drain, not with the next one"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        for _ in range(5):
            drain.begin('pkg')
            waiter = drain.start('wait', 'pkg')
            with ended(waiter):
                time.sleep(0.7)
                drain.resume('pkg')
                drain.begin('pkg')
                assert waiter.wait(10) == 1
                assert 'resumed' in waiter.communicate()[1]
            assert drain.state('pkg') == 'armed'
            drain.resume('pkg')
        handle.close()


def test_waiter_for_a_stuck_smbd(drained):
    """It is resume that wakes it, not the holder's smbd"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create(TOOL)
        drain.begin('pkg')
        waiter = drain.start('wait', 'pkg')
        with ended(waiter), stopped(server.child_of(tree.connection)):
            time.sleep(0.2)
            drain.resume('pkg')
            assert waiter.wait(2) == 1


def test_stopped_waiter_misses_a_whole_drain(drained):
    """It slept while its drain ended and the next one became quiescent"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        drain.begin('pkg')
        waiter = drain.start('wait', 'pkg')
        with ended(waiter):
            time.sleep(SLOWNESS)
            with stopped(waiter.pid):
                drain.resume('pkg')
                handle.close()
                drain.begin('pkg', '--wait')
            assert waiter.wait(7) == 1
            assert 'resumed' in waiter.communicate()[1]


def test_begins_at_once(drained):
    """One place has one drain, however many begin"""
    server, drain = drained()
    with connect(server.port) as tree:
        for _ in range(10):
            tools = [drain.start('begin', 'pkg') for _ in range(4)]
            with ended(*tools):
                assert 0 in [tool.wait(20) for tool in tools]
            assert len(drain.records()) == 1
            assert tree.status_of_open(TOOL) == REFUSED
            drain.resume('pkg')
            assert tree.status_of_open(TOOL) == OPEN


def _overlaps(log):
    """Whether two commands of '+' at the start and '-' at the end did"""
    text = log.read_text().replace('\n', '') if log.exists() else ''
    return '++' in text or '--' in text


@pytest.mark.parametrize('adopt', [False, True], ids=['', 'continue'])
def test_two_runs_at_once(drained, tmp_path, adopt):
    """Their commands never run together; who is too late says 125"""
    _, drain = drained()
    log = tmp_path / 'log'
    status = ' '.join(drain.command('status', 'pkg'))
    command = ['--', '/bin/sh', '-c',
               f'echo + >>{log}; {status} | grep -q quiescent || '
               f'echo open >>{log}; sleep 0.3; echo - >>{log}']
    options = ['--continue'] if adopt else []
    for _ in range(5):
        runs = [drain.start('run', 'pkg', *options, *command)
                for _ in range(3)]
        with ended(*runs):
            statuses = [run.wait(20) for run in runs]
        assert set(statuses) <= {0, 125} and 0 in statuses
        assert not _overlaps(log) and 'open' not in log.read_text()
        assert log.read_text().count('+') == statuses.count(0)
        assert drain.records() == {}
        log.unlink()


def test_two_runs_that_arm_together(drained, tmp_path):
    """A run that arms is not taken over without --continue

    Its command fails: the share must stay closed, and nobody else's command
    may run on what it left.
    """
    server, drain = drained()
    ran = tmp_path / 'ran'
    with connect(server.port) as tree:
        with stopped(server.child_of(tree.connection)):
            first = drain.start('run', 'pkg', '--', '/bin/sh', '-c',
                                'sleep 0.5; exit 3')
            wait_until(drain.records, 5, 'a record')
            time.sleep(0.2)
            second = drain.start('run', 'pkg', '--', 'touch', str(ran))
            time.sleep(0.3)
        with ended(first, second):
            assert sorted([first.wait(15), second.wait(15)]) == [3, 125]
        assert not ran.exists()
        assert drain.state('pkg') == 'quiescent'


def test_clients_race_resume(drained):
    """A refusal after resume is none: who asks then gets in"""
    server, drain = drained()
    stop, seen = threading.Event(), []

    def client():
        with connect(server.port) as tree:
            while not stop.is_set():
                request = tree.create_nowait(TOOL)
                if request.status() == OPEN:
                    request.wait().close()
                seen.append((request.sent_at, request.status()))

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    moments = []
    try:
        for _ in range(20):
            drain.begin('pkg', '--wait')
            closed = time.time()
            time.sleep(0.02)
            resuming = time.time()
            drain.resume('pkg')
            moments.append((closed, resuming, time.time()))
            time.sleep(0.02)
        end = time.time()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    begins = [closed for closed, _, _ in moments[1:]] + [end]
    for (closed, resuming, resumed), following in zip(moments, begins):
        assert {status for sent, status in seen
                if closed < sent < resuming - 0.01} <= {REFUSED}
        between = [status for sent, status in seen
                   if resumed < sent < min(resumed + 0.015, following)]
        assert set(between) <= {OPEN}
