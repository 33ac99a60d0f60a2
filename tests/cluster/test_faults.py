"""Nodes are lost, cut off and come back: S1 to S5 hold on what is left."""

import signal
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from lib.drain import complaint, ended
from lib.faults import injected
from lib.publish import Package
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until
from lib.waiting import HOLD

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
PAUSE = 0.5  # between two recoveries; one takes as long
LOST = 30   # until a node that stands still is out, and the others go on

pytestmark = pytest.mark.time_limit(120)


@contextmanager
def waiting(drain, target='pkg/app'):
    """A waiter that has begun to wait"""
    waiter = drain.start('wait', target)
    with ended(waiter):
        time.sleep(0.5)
        assert waiter.poll() is None, waiter.communicate()
        yield waiter


def _gets_out(site, node):
    """The others have found out that a node does not answer"""
    others = [other for other in site.nodes if other is not node]
    wait_until(lambda: all('DISCONNECTED' in other.ctdb(
        'nodestatus', node.number, check=False).stdout for other in others),
        LOST, f'node {node.number} to be out', 0.1)


# -- ctdbd or smbd is killed

def test_ctdbd_of_the_holder_is_killed(site, trees):
    """Its smbds end with it, and the waiter on another node wakes"""
    trees[1].create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[2]) as waiter:
        site.nodes[1].kill_ctdbd()
        assert waiter.wait(LOST) == 0
    assert site.nodes[1].children() == []
    for number in (0, 2):
        assert trees[number].status_of_open(TOOL) == REFUSED
    site.drains[2].resume('pkg/app')
    assert trees[0].status_of_open(TOOL) == OPEN


@pytest.mark.long
def test_begin_when_a_node_is_gone(site, trees):
    """It falls out, and the node learns of the drain when it is back"""
    site.nodes[2].crash()
    site.drains[0].begin('pkg/app')
    assert trees[0].status_of_open(TOOL) == REFUSED
    site.cluster.repair()
    with connect(site.nodes[2].port, host=site.nodes[2].host) as tree:
        assert tree.status_of_open(TOOL) == REFUSED
    site.drains[1].wait('pkg/app', '--timeout=10')


@pytest.mark.long
def test_all_smbds_of_a_node_are_killed(site, trees):
    """With ctdbd alive: they are dead holders"""
    trees[1].create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter:
        site.nodes[1].kill_all()
        assert waiter.wait(10) == 0


def test_node_of_the_tool_is_lost(site, trees):
    """What it was at work on stays closed, and can be ended elsewhere"""
    runner = site.drains[2].start('run', 'pkg/app', '--', 'sleep', '60')
    with ended(runner):
        site.drains[0].wait_for_state('pkg/app', 'quiescent')
        runner.kill()
        site.nodes[2].crash()
    assert trees[0].status_of_open(TOOL) == REFUSED
    assert site.drains[1].state('pkg/app') == 'quiescent'
    site.drains[1].resume('pkg/app')
    assert trees[0].status_of_open(TOOL) == OPEN


@pytest.mark.long
def test_ctdbd_under_a_waiter_is_killed(site, trees):
    """It fails, and another node goes on"""
    handle = trees[0].create(TOOL)
    site.drains[1].begin('pkg/app')
    with waiting(site.drains[1]) as waiter:
        site.nodes[1].kill_ctdbd()
        assert waiter.wait(LOST) != 0
    handle.close()
    site.drains[2].wait('pkg/app', '--timeout=20')


# -- a node stands still, and comes back

@pytest.fixture(name='follower')
def _follower(site):
    return site.cluster.follower()


def test_begin_while_a_node_is_cut_off(site, trees, follower):
    """Not armed: its smbds may live. Armed when it has answered."""
    with follower.frozen():
        _gets_out(site, follower)
        done = site.drains[0].begin('pkg/app', '--timeout=9', expect=1)
        assert f'node {follower.number} (' in done.stderr
        assert 'does not answer' in done.stderr
        assert site.drains[0].state('pkg/app') == 'arming'
        assert trees[0].status_of_open(TOOL) == REFUSED
    site.drains[0].wait('pkg/app', '--timeout=20')
    assert [tree.status_of_open(TOOL) for tree in trees] == [REFUSED] * 3


@pytest.mark.long
def test_holder_that_was_cut_off(site, trees, follower):
    """Not quiescent while it is, nor when it is back and still holds"""
    handle = trees[follower.number].create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter:
        with follower.frozen():
            _gets_out(site, follower)
            time.sleep(8)
            assert waiter.poll() is None
            assert site.drains[0].state('pkg/app') == 'armed'
        site.cluster.wait_healthy()
        time.sleep(2)
        assert waiter.poll() is None
        assert len(site.drains[2].holders('pkg/app')) == 1
        handle.close()
        assert waiter.wait(10) == 0


@pytest.mark.long
def test_resumed_while_a_node_is_cut_off(site, trees, follower):
    """It believes in a drain that is over, and looks when it is back"""
    site.drains[0].begin('pkg/app')
    with follower.frozen():
        _gets_out(site, follower)
        site.drains[0].resume('pkg/app')
    tree = trees[follower.number]
    wait_until(lambda: tree.status_of_open(TOOL) == OPEN, LOST,
               'the node that was cut off to open it', 0.1)


@pytest.mark.long
def test_begun_while_a_node_is_cut_off(site, trees, follower):
    """With --allow-unguarded. Its smbds hear of it when they are back, with
    nobody telling them"""
    with follower.frozen():
        _gets_out(site, follower)
        site.drains[0].begin('pkg/app', '--allow-unguarded', '--timeout=9')
    site.cluster.wait_healthy()
    tree = trees[follower.number]
    wait_until(lambda: tree.status_of_open(TOOL) == REFUSED, 5,
               'the node that was cut off to refuse', 0.1)
    assert site.drains[0].status()['smbds'] == 3


@pytest.mark.long
def test_only_ctdbd_stands_still(site, trees, follower):
    """Its smbds serve on meanwhile, so that it is not armed"""
    ctdbd = follower.ctdbd
    ctdbd.send_signal(signal.SIGSTOP)
    try:
        _gets_out(site, follower)
        assert f'node {follower.number} (' in site.drains[0].begin(
            'pkg/app', '--timeout=9', expect=1).stderr
    finally:
        ctdbd.send_signal(signal.SIGCONT)
    site.drains[0].wait('pkg/app', '--timeout=20')
    assert trees[follower.number].status_of_open(TOOL) == REFUSED


# -- recoveries in the middle

@contextmanager
def recovering(node):
    """One recovery after the other"""
    stop = threading.Event()
    counted = []

    def recover():
        while not stop.wait(PAUSE):
            done = node.ctdb('recover', check=False)
            counted.append(done.returncode)

    thread = threading.Thread(target=recover)
    thread.start()
    try:
        yield counted
    finally:
        stop.set()
        thread.join()


def _cycle(site, trees, number):
    """One drain from begin to resume; the last holder closes while it waits"""
    handle = trees[number % 3].create(TOOL)
    drain = site.drains[(number + 1) % 3]
    drain.begin('pkg/app', '--timeout=10')
    assert [tree.status_of_open(TOOL) for tree in trees] == [REFUSED] * 3
    with waiting(site.drains[(number + 2) % 3]) as waiter:
        handle.close()
        assert waiter.wait(20) == 0, waiter.communicate()
    assert drain.state('pkg/app') == 'quiescent'
    drain.resume('pkg/app')
    assert [tree.status_of_open(TOOL) for tree in trees] == [OPEN] * 3


def test_recoveries_all_the_time(site, trees):
    """begin, wait and resume go on through them"""
    with recovering(site.nodes[0]) as counted:
        for number in range(12):
            _cycle(site, trees, number)
            if number > 0 and counted.count(0) >= 2:
                break
    assert counted.count(0) >= 2


@pytest.mark.long
@pytest.mark.time_limit(240)
def test_many_recoveries(site, trees):
    """The same for longer"""
    with recovering(site.nodes[1]):
        for number in range(9):
            _cycle(site, trees, number)


def test_publish_in_recoveries(site, trees):
    """A package is one version or the other, and clients see which"""
    package = Package(site.nodes[0], site.drains[1], 'published')
    with recovering(site.nodes[2]):
        for version in ('new', 'old', 'new'):
            site.drains[1].call('run', package.target, HOLD,
                                f'--publish={package.new}')
            assert package.version() == version
            for tree in trees:
                handle = tree.create('published/tool.exe')
                assert handle.read() == version.encode()
                handle.close()


@pytest.mark.long
def test_node_lost_while_it_publishes(site, trees):
    """It stays closed, whole, and another node opens it"""
    package = Package(site.nodes[0], site.drains[0], 'published')
    program = site.drains[1].command(
        'run', package.target, f'--publish={package.new}')
    process = subprocess.run(injected('renameat2:signal=KILL', *program),
                             capture_output=True, timeout=30, check=False)
    assert process.returncode == -signal.SIGKILL
    site.nodes[1].crash()
    assert package.version() in ('old', 'new')
    assert trees[0].status_of_open('published/tool.exe') == REFUSED
    site.drains[2].resume(package.target)
    assert trees[0].status_of_open('published/tool.exe') == OPEN


# -- the tool where there is no ctdbd

def test_no_ctdbd(site):
    """One line that says so"""
    site.nodes[1].crash()
    done = site.drains[1].call('status', expect=1)
    assert 'ctdbd' in complaint(done)
