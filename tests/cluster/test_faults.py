"""Nodes are lost, cut off and come back: S1 to S5 hold on what is left."""

import signal
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from lib.cluster import LOST
from lib.drain import complaint, ended, waiting
from lib.faults import injected
from lib.publish import Package
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until
from lib.waiting import HOLD

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
PAUSE = 0.5  # between two recoveries; one takes as long

pytestmark = pytest.mark.time_limit(120)


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


# -- recoveries in the middle

class Recoveries:
    """One after the other, and what has gone on through them"""

    def __init__(self, node):
        self.node = node
        self.spans = []
        self._phases = []
        self._stop = threading.Event()

    def _recover(self):
        while not self._stop.wait(PAUSE):
            began = time.monotonic()
            if self.node.ctdb('recover', check=False).returncode == 0:
                self.spans.append((began, time.monotonic()))

    def __enter__(self):
        self._thread = threading.Thread(target=self._recover)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    @contextmanager
    def during(self, what):
        """Something goes on, from here to the end"""
        began = time.monotonic()
        yield
        self._phases.append((what, began, time.monotonic()))

    def through(self):
        """What has gone on while there was a recovery"""
        return {what for what, began, finished in self._phases
                if any(began < end and start < finished
                       for start, end in self.spans)}


def _cycle(site, trees, number, recoveries):
    """One drain from begin to resume; the last holder closes while it waits"""
    handle = trees[number % 3].create(TOOL)
    drain = site.drains[(number + 1) % 3]
    with recoveries.during('begin'):
        drain.begin('pkg/app', '--timeout=10')
    assert [tree.status_of_open(TOOL) for tree in trees] == [REFUSED] * 3
    with recoveries.during('wait'):
        with waiting(site.drains[(number + 2) % 3]) as waiter:
            handle.close()
            assert waiter.wait(20) == 0, waiter.communicate()
    assert drain.state('pkg/app') == 'quiescent'
    with recoveries.during('resume'):
        drain.resume('pkg/app')
    assert [tree.status_of_open(TOOL) for tree in trees] == [OPEN] * 3


@pytest.mark.time_limit(240)
def test_recoveries_all_the_time(site, trees):
    """begin, wait and resume go on through them"""
    with Recoveries(site.nodes[0]) as recoveries:
        for number in range(20):
            _cycle(site, trees, number, recoveries)
            if recoveries.through() == {'begin', 'wait', 'resume'}:
                break
    assert recoveries.through() == {'begin', 'wait', 'resume'}


@pytest.mark.long
@pytest.mark.time_limit(240)
def test_many_recoveries(site, trees):
    """The same for longer"""
    with Recoveries(site.nodes[1]) as recoveries:
        for number in range(9):
            _cycle(site, trees, number, recoveries)


def test_publish_in_recoveries(site, trees):
    """A package is one version or the other, and clients see which"""
    package = Package(site.nodes[0], site.drains[1], 'published')
    with Recoveries(site.nodes[2]) as recoveries:
        for version in ['new', 'old'] * 5:
            package.quiesce()
            with recoveries.during('publish'):
                site.drains[1].call(
                    'publish', package.target, str(package.new),
                    f'--id={package.id()}')
            site.drains[0].resume(package.target)
            assert package.version() == version
            for tree in trees:
                handle = tree.create('published/tool.exe')
                assert handle.read() == version.encode()
                handle.close()
            if recoveries.through():
                break
    assert recoveries.through() == {'publish'}


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
