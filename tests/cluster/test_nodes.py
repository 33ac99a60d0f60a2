"""Whatever is done on one node is done on all."""

import threading
import time
from contextlib import contextmanager

import pytest

from lib.drain import Monitor, ended
from lib.durable import leave_durable
from lib.publish import Package
from lib.smb2 import Access, Connection, NtStatus, connect
from lib.smbd import wait_until
from lib.waiting import HOLD, waits

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
SOON = 3

ALL = pytest.mark.parametrize('number', [0, 1, 2])
# One of them is enough to see whether it works at all
ANY = pytest.mark.parametrize('number', [
    1, pytest.param(0, marks=pytest.mark.long),
    pytest.param(2, marks=pytest.mark.long)])


def _statuses(trees, name=TOOL):
    return [tree.status_of_open(name) for tree in trees]


# -- begin and resume

@ALL
def test_begin_and_resume_on_any_node(site, trees, number):
    """All refuse, and the next node opens it again"""
    assert _statuses(trees) == [OPEN] * 3
    site.drains[number].begin('pkg/app')
    assert _statuses(trees) == [REFUSED] * 3
    assert _statuses(trees, 'other/data.bin') == [OPEN] * 3
    site.drains[(number + 1) % 3].resume('pkg/app')
    assert _statuses(trees) == [OPEN] * 3


@ANY
def test_new_client_of_any_node(site, number):
    """It learns of a drain that was begun elsewhere before it connected"""
    site.drains[(number + 1) % 3].begin('pkg')
    node = site.nodes[number]
    with connect(node.port, host=node.host) as tree:
        assert tree.status_of_open(TOOL) == REFUSED
        site.drains[(number + 2) % 3].resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN


def test_second_begin_on_another_node(site):
    """There is one drain of a target, on whatever node"""
    site.drains[0].begin('pkg/app', '--reason=the first')
    done = site.drains[2].begin('pkg/app', expect=1)
    assert 'pkg/app: it is already armed' in done.stderr
    assert 'the first' in done.stderr


# -- wait

@ALL
def test_wait_for_the_last_close_on_any_node(site, trees, number):
    """The waiter on each node wakes, whatever node the last holder is on"""
    handles = [tree.create(TOOL) for tree in trees]
    site.drains[0].begin('pkg/app')
    waiters = [drain.start('wait', 'pkg/app') for drain in site.drains]
    with ended(*waiters):
        time.sleep(0.3)
        for other, handle in enumerate(handles):
            if other != number:
                handle.close()
        time.sleep(0.3)
        assert [waiter.poll() for waiter in waiters] == [None] * 3
        moment = time.time()
        handles[number].close()
        assert [waiter.wait(SOON) for waiter in waiters] == [0] * 3
        assert time.time() - moment < SOON
    assert {drain.state('pkg/app') for drain in site.drains} == {'quiescent'}


@ANY
def test_wait_for_a_killed_holder(site, trees, number):
    """kill -9 of an smbd wakes waiters on other nodes"""
    trees[number].create(TOOL)
    waiter = site.drains[(number + 1) % 3].start('begin', 'pkg/app', '--wait')
    with ended(waiter):
        site.drains[0].wait_for_state('pkg/app', 'armed')
        time.sleep(0.3)
        node = site.nodes[number]
        node.kill(node.child_of(trees[number].connection))
        assert waiter.wait(5) == 0


def test_run_on_one_node_resumed_on_another(site, trees):
    """A command that is at work is nobody's to interrupt, on no node"""
    runner = site.drains[0].start('run', 'pkg/app', '--', 'sleep', '30')
    with ended(runner):
        site.drains[1].wait_for_state('pkg/app', 'quiescent')
        time.sleep(0.3)
        done = site.drains[1].resume('pkg/app', expect=1)
        assert f'(pid 0:{runner.pid}) is working on it' in done.stderr
        assert _statuses(trees) == [REFUSED] * 3
    site.drains[1].resume('pkg/app')


def test_waiter_is_told_of_a_resume_elsewhere(site, trees):
    """That is what it says, and only that"""
    trees[0].create(TOOL)
    site.drains[0].begin('pkg/app')
    waiter = site.drains[1].start('wait', 'pkg/app')
    with ended(waiter):
        time.sleep(0.5)
        site.drains[2].resume('pkg/app')
        assert waiter.wait(SOON) == 1
        assert waiter.stderr.read() == (
            'smbdrain: stopped waiting for pkg/app: another process has '
            'resumed it\n')


def test_open_that_comes_before_the_message(site, trees):
    """The record counts: on each node at once, whoever has been told"""
    site.drains[0].begin('pkg/app')
    assert _statuses(trees) == [REFUSED] * 3
    trees[0].create('other/data.bin')
    for number in range(3):
        site.drains[1].resume('pkg/app')
        assert _statuses(trees) == [OPEN] * 3, number
        site.drains[2].begin('pkg/app')
        assert _statuses(trees) == [REFUSED] * 3, number


def test_two_resumes_at_once(site):
    """One ends it, the others are told that it has ended"""
    for _ in range(3):
        site.drains[0].begin('pkg/app')
        processes = [drain.start('resume', 'pkg/app')
                     for drain in site.drains]
        assert sorted(process.wait(10) for process in processes) == [0, 1, 1]
        for process in processes:
            process.communicate()


# -- what is shown

def test_holders_of_all_nodes(site, trees):
    """With the node in front of the process, from each node the same"""
    for tree in trees:
        tree.create(TOOL)
    smbds = {f'{node.number}:{node.child_of(tree.connection)}'
             for node, tree in zip(site.nodes, trees)}
    for drain in site.drains:
        holders = drain.holders('pkg/app')
        assert {holder['server_id'] for holder in holders} == smbds
        text = drain.call('holders', 'pkg/app').stdout
        assert all(smbd in text for smbd in smbds)
    site.drains[0].begin('pkg/app')
    for drain in site.drains:
        assert drain.status('pkg/app')['drains'][0]['holders'] == 3


def test_monitor_on_another_node(site, trees):
    """Events of all nodes"""
    handle = trees[0].create(TOOL)
    with Monitor(site.drains[2]) as monitor:
        site.drains[1].begin('pkg/app')
        monitor.wait_for('armed')
        time.sleep(0.3)
        handle.close()
        monitor.wait_for('holder_gone')
        site.drains[0].wait('pkg/app')
        monitor.wait_for('quiescent')
        site.drains[1].resume('pkg/app')
        monitor.wait_for('resumed')


# -- hold, force, purge, publish

def test_held_opens_of_all_nodes(site, trees):
    """They wait on each node, and one node ends it"""
    site.drains[0].begin('pkg/app', HOLD)
    requests = [tree.create_nowait(TOOL) for tree in trees]
    assert all(waits(request) for request in requests)
    assert site.drains[1].status('pkg/app')['drains'][0]['waiting_opens'] == 3
    site.drains[2].resume('pkg/app')
    assert [request.status(5) for request in requests] == [OPEN] * 3


def test_close_on_any_node(site, trees):
    """Handles of all nodes are closed from one"""
    handles = [tree.create(TOOL) for tree in trees]
    site.drains[0].begin('pkg/app')
    site.drains[1].call('close', 'pkg/app')
    site.drains[2].wait('pkg/app', '--timeout=5')
    assert [handle.close_nowait().status() for handle in handles] == [
        NtStatus.FILE_CLOSED] * 3


def test_force_on_all_nodes(site, trees):
    """Each smbd minds the deadline, with no tool running"""
    for tree in trees:
        tree.create(TOOL)
    site.drains[0].begin('pkg/app', '--timeout=1', '--on-timeout=force')
    time.sleep(1)
    wait_until(lambda: not site.drains[1].holders('pkg/app'), 5,
               'forced close', 0.1)
    site.drains[2].wait('pkg/app', '--timeout=5')


@ANY
def test_durable_handle_is_purged_from_any_node(site, number):
    """One whose client was connected to this or to another node"""
    leave_durable(site.nodes[0], TOOL)
    drain = site.drains[number]
    drain.begin('pkg/app')
    holder, = drain.holders('pkg/app')
    assert holder['disconnected']
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    drain.wait('pkg/app', '--timeout=10', '--purge-durables')


def test_durable_handle_comes_back_to_another_node(site):
    """It is a holder there until it is closed"""
    guid, handle = leave_durable(site.nodes[0], TOOL)
    site.drains[1].begin('pkg/app')
    waiter = site.drains[1].start('wait', 'pkg/app')
    node = site.nodes[2]
    with ended(waiter), Connection(node.port, host=node.host,
                                   client_guid=guid) as connection:
        again = connection.session().tree('pkg').reconnect(handle)
        time.sleep(0.3)
        assert waiter.poll() is None
        holder, = site.drains[0].holders('pkg/app')
        assert holder['server_id'].startswith('2:')
        again.close()
        assert waiter.wait(10) == 0


@contextmanager
def _looking(trees):
    """Clients look at a file all the time: its record moves about"""
    stop = threading.Event()
    looks = []

    def look(tree):
        while not stop.is_set():
            tree.create(TOOL, Access.ATTRIBUTES_ONLY).close()
            looks.append(tree)

    threads = [threading.Thread(target=look, args=(tree,)) for tree in trees]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert all(looks.count(tree) > 10 for tree in trees)


def test_durable_handle_on_a_file_that_all_look_at(site, trees):
    """A walk through the table may miss it; a waiter does not"""
    leave_durable(site.nodes[0], TOOL)
    site.drains[1].begin('pkg/app')
    with _looking(trees):
        for number in range(6):
            site.drains[number % 3].wait('pkg/app', '--timeout=0.2',
                                         expect=124)
        site.drains[2].wait('pkg/app', '--timeout=20', '--purge-durables')


def test_publish_on_any_node(site, trees):
    """Clients of all nodes get the new version"""
    package = Package(site.nodes[0], site.drains[2], 'published')
    done = site.drains[2].call('run', package.target, HOLD,
                               f'--publish={package.new}')
    assert 'is published' in done.stdout
    for tree in trees:
        assert tree.create('published/tool.exe').read() == b'new'


# -- connections without the module

def _set_module(node, modules):
    node.set_share('pkg', {'vfs objects': modules})


def test_unguarded_client_of_another_node(site):
    """It is named with its node, and how to get rid of it there"""
    node = site.nodes[1]
    _set_module(node, None)
    node.reload()
    with connect(node.port, host=node.host) as tree:
        child = node.child_of(tree.connection)
        _set_module(node, 'drain')
        node.reload()
        done = site.drains[0].begin('pkg', '--timeout=2', expect=1)
        assert f'(smbd 1:{child})' in done.stderr
        assert f'"smbcontrol 1:{child} close-share pkg"' in done.stderr
        site.nodes[0].smbcontrol(f'1:{child}', 'close-share', 'pkg')
        site.drains[2].wait('pkg', '--timeout=10')


def test_smb_conf_of_another_node_is_read(site):
    """Its smbds are told to, as those of the own node are"""
    node = site.nodes[1]
    _set_module(node, None)
    node.reload()
    with Connection(node.port, host=node.host) as connection:
        session = connection.session()
        _set_module(node, 'drain')
        site.drains[0].begin('pkg')
        assert session.tree('pkg').status_of_open(TOOL) == REFUSED


def test_tool_on_a_node_without_smbd(site):
    """It serves nobody, and can drain all the same"""
    leave_durable(site.nodes[0], TOOL)
    site.nodes[0].stop()
    with connect(site.nodes[1].port, host=site.nodes[1].host) as tree:
        site.drains[0].begin('pkg', '--wait', '--purge-durables',
                             '--timeout=10')
        assert tree.status_of_open(TOOL) == REFUSED
        site.drains[0].resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN
