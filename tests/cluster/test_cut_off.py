"""A node of which the others hear nothing, or that may serve no more: its cable
is broken, it stands still, it is banned, its addresses are taken away."""

import signal
import subprocess
import time
from contextlib import ExitStack, contextmanager

import pytest

from lib.drain import complaint, waiting
from lib.durable import leave_durable
from lib.publish import Package
from lib.smb2 import Access, Connection, NtStatus, connect
from lib.smbd import wait_until
from lib.waiting import HOLD, waits

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
SECOND = 'app/second.exe'
BACK = 30       # until a node that is back serves
BAN = 60        # seconds; each test ends it itself
BLOCKED = 1     # an open that has had no answer for so long gets none
DAWDLE = 2

# A new client of a node that is banned, or the tool's ping of its parent
NO_DATABASES = 'reinit_after_fork'

pytestmark = pytest.mark.time_limit(120)
EACH_WAY = pytest.mark.parametrize('way', [
    'cut_off', pytest.param('frozen', marks=pytest.mark.long)])


@pytest.fixture(name='follower')
def _follower(site):
    return site.cluster.follower()


@pytest.fixture(name='tree')
def _tree(follower, trees):
    """A client of the node that gets lost"""
    return trees[follower.number]


def _statuses(trees, name=TOOL):
    return [tree.status_of_open(name) for tree in trees]


def _named(node):
    """How smbdrain calls it"""
    return f'node {node.number} ({node.address}) does not answer'


def _open_that_stands_still(tree):
    """An open; once the node has found out that it is cut off"""
    end = time.monotonic() + BACK
    while time.monotonic() < end:
        request = tree.create_nowait(SECOND)
        if _blocked(request):
            return request
        request.wait().close()
    raise TimeoutError('the node goes on')


def _blocked(*requests):
    """They were not answered, and are not now"""
    time.sleep(BLOCKED)
    return not any(request.done for request in requests)


# -- in the middle of begin

@EACH_WAY
def test_begin_when_a_node_gets_lost(site, trees, follower, way):
    """Not armed: its smbds may live. Armed when it has answered."""
    with getattr(follower, way)():
        done = site.drains[0].begin('pkg/app', '--timeout=20', expect=1)
        assert _named(follower) in done.stderr
        assert site.drains[0].state('pkg/app') == 'arming'
        assert trees[0].status_of_open(TOOL) == REFUSED
    site.cluster.wait_recovered()
    site.drains[0].wait('pkg/app', '--timeout=20')
    assert _statuses(trees) == [REFUSED] * 3


@pytest.mark.long
def test_only_ctdbd_stands_still(site, trees, follower):
    """Its smbds serve on meanwhile, so that it is not armed"""
    follower.ctdbd.send_signal(signal.SIGSTOP)
    try:
        site.cluster.wait_out(follower)
        done = site.drains[0].begin('pkg/app', '--timeout=9', expect=1)
        assert _named(follower) in done.stderr
    finally:
        follower.ctdbd.send_signal(signal.SIGCONT)
    site.drains[0].wait('pkg/app', '--timeout=20')
    assert trees[follower.number].status_of_open(TOOL) == REFUSED


# -- what a node does that comes back

@pytest.fixture(name='clients')
def _clients(follower):
    """Two more of the node, each with an smbd of its own"""
    trees = [connect(follower.port, host=follower.host) for _ in range(2)]
    yield trees
    for tree in trees:
        tree.connection.drop()


@pytest.mark.parametrize('options', [(), pytest.param(
    ('--let-holders-finish',), marks=pytest.mark.long)], ids=len)
def test_opens_of_a_node_that_is_cut_off(site, trees, follower, clients,
                                         options):
    """They stand still. When it is back it learns of what was drained before
    it serves one: those that were granted before it was found out, too"""
    trees[0].create(TOOL, Access.ATTRIBUTES_ONLY)  # is to be fetched from there
    with follower.slow_to_come_back(DAWDLE):
        with follower.cut_off():
            granted = clients[0].create_nowait(TOOL)
            site.cluster.wait_out(follower)
            asked = _open_that_stands_still(clients[1])
            site.drains[0].begin('pkg/app', '--allow-unguarded',
                                 '--timeout=20', *options)
            assert _blocked(granted, asked)
        assert granted.status(BACK) == REFUSED
        assert asked.status(BACK) == REFUSED
        assert trees[follower.number].status_of_open(TOOL) == REFUSED
    site.drains[0].wait('pkg/app', '--timeout=20')


@contextmanager
def _hold_taken(drain, target):
    """Somebody has hold(id), as a waiter has it for its last look"""
    record, = drain.status(target)['drains']
    command = [*drain.server.enter, 'net', '-s', str(drain.server.conf),
               'g_lock', 'do', f'drain/hold/{record["id"]}', '10',
               'echo taken; cat']
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == 'taken\n'
        yield
        assert process.poll() is None
        process.stdin.close()


@pytest.mark.long
def test_open_is_taken_back_without_the_lock(site, trees, follower, clients):
    """An open that was granted before is refused all the same"""
    trees[0].create(TOOL, Access.ATTRIBUTES_ONLY)
    with follower.slow_to_come_back(DAWDLE), ExitStack() as stack:
        with follower.cut_off():
            granted = clients[0].create_nowait(TOOL)
            site.cluster.wait_out(follower)
            site.drains[0].begin('pkg/app', '--allow-unguarded',
                                 '--timeout=20')
            stack.enter_context(_hold_taken(site.drains[0], 'pkg/app'))
            assert _blocked(granted)
        assert granted.status(BACK) == REFUSED
    site.drains[0].wait('pkg/app', '--timeout=20')


@pytest.mark.long
def test_opens_that_ctdb_loses(site, trees, follower):
    """When a node is back for the leader before it is for another one, what it
    asks that one is lost; after one more recovery its opens are answered"""
    leader = site.cluster.leader()
    other, = set(site.nodes) - {leader, follower}
    names = [f'app/{number}' for number in range(8)]
    for name in names:
        site.nodes[0].put('pkg', name, b'MZ')
        trees[leader.number].create(name, Access.ATTRIBUTES_ONLY)
    with ExitStack() as stack:
        clients = [stack.enter_context(
            connect(follower.port, host=follower.host)) for _ in names]
        with follower.no_way_to(other):
            with follower.no_way_to(leader):
                asked = [client.create_nowait(name)
                         for client, name in zip(clients, names)]
                site.cluster.wait_out(follower)
                site.drains[leader.number].begin(
                    'pkg/app', '--allow-unguarded', '--timeout=20')
                assert _blocked(*asked)
            site.cluster.wait_in(follower, without=other)
            # Some are of records that the leader knows the way to
            wait_until(lambda: any(open.done for open in asked), BACK,
                       'the recovery', 0.1)
        site.cluster.wait_recovered()
        time.sleep(BLOCKED)
        assert not all(open.done for open in asked)
        leader.ctdb('recover')
        assert {open.status(BACK) for open in asked} == {REFUSED}


@pytest.mark.long
def test_leader_is_cut_off(site, trees):
    """It keeps the cluster lock, and goes on alone: the others stand still"""
    leader = site.cluster.leader()
    others = [node for node in site.nodes if node is not leader]
    drain = site.drains[leader.number]
    with leader.cut_off():
        wait_until(lambda: leader.ctdb(
            'nodestatus', 'all', check=False).stdout.count(
                'DISCONNECTED') == 2, BACK, 'it to be alone', 0.1)
        requests = [_open_that_stands_still(trees[node.number])
                    for node in others]
        done = drain.begin('pkg/app', '--timeout=15', expect=1)
        assert all(_named(node) in done.stderr for node in others)
        drain.resume('pkg/app')
        drain.begin('pkg/app', '--timeout=15', '--allow-unguarded')
        assert trees[leader.number].status_of_open(TOOL) == REFUSED
        assert _blocked(*requests)
    assert [request.status(BACK) for request in requests] == [REFUSED] * 2
    site.cluster.wait_recovered()
    drain.wait('pkg/app', '--timeout=20')


@pytest.mark.long
def test_begun_while_a_node_stands_still(site, tree, follower):
    """With --allow-unguarded. Its smbds hear of it when they are back, with
    nobody telling them"""
    with follower.frozen():
        site.cluster.wait_out(follower)
        site.drains[0].begin('pkg/app', '--allow-unguarded', '--timeout=9')
    # It goes on as if nothing had been, until the recovery
    wait_until(lambda: tree.status_of_open(TOOL) == REFUSED, BACK,
               'the node that stood still to refuse', 0.1)
    wait_until(lambda: site.drains[0].status()['smbds'] == 3, BACK,
               'its smbd to be on the roster', 0.1)


@pytest.mark.long
def test_tool_on_a_node_that_is_cut_off(site, follower):
    """It says so, and does not hang"""
    with follower.cut_off():
        site.cluster.wait_out(follower)
        done = site.drains[follower.number].call('status', expect=1)
        assert 'it is not part of the cluster' in complaint(done)


# -- in the middle of wait, of resume and of publish

@EACH_WAY
@pytest.mark.long
def test_holder_is_cut_off(site, tree, follower, way):
    """Not quiescent while it is, nor when it is back and still holds"""
    handle = tree.create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter:
        with getattr(follower, way)():
            site.cluster.wait_out(follower)
            time.sleep(8)
            assert waiter.poll() is None
            assert site.drains[0].state('pkg/app') == 'armed'
        site.cluster.wait_recovered()
        time.sleep(2)
        assert waiter.poll() is None
        assert len(site.drains[0].holders('pkg/app')) == 1
        handle.close()
        assert waiter.wait(10) == 0


@pytest.mark.long
@pytest.mark.parametrize('first', ['who was there', 'who was cut off'])
def test_holders_of_both_sides(site, tree, follower, first):
    """Of what both sides have entered meanwhile CTDB keeps one: the roster and
    the holders are as they were before, and more, all the same"""
    other = site.nodes[0]
    guid, handle = leave_durable(other, SECOND)
    handles = {'who was cut off': tree.create(TOOL)}
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter, ExitStack() as stack:
        with follower.cut_off():
            site.cluster.wait_out(follower)
            for _ in range(4):
                stack.enter_context(connect(other.port, host=other.host))
            back = stack.enter_context(Connection(
                other.port, host=other.host, client_guid=guid))
            handles['who was there'] = back.session().tree('pkg').reconnect(
                handle)
        site.cluster.wait_recovered()
        time.sleep(2)
        assert site.drains[0].status()['smbds'] == 8
        handles.pop(first).close()
        time.sleep(2)
        assert waiter.poll() is None
        for last in handles.values():
            last.close()
        assert waiter.wait(10) == 0


@pytest.mark.long
def test_holder_goes_while_it_is_cut_off(site, tree, follower):
    """Nobody knows, until the node is back"""
    tree.create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter:
        with follower.cut_off():
            site.cluster.wait_out(follower)
            tree.connection.drop()
            time.sleep(4)
            assert waiter.poll() is None
        assert waiter.wait(BACK) == 0


@EACH_WAY
@pytest.mark.long
def test_resumed_while_a_node_is_cut_off(site, tree, follower, way):
    """It believes in a drain that is over, and looks when it is back"""
    site.drains[0].begin('pkg/app', '--wait')
    with getattr(follower, way)():
        site.cluster.wait_out(follower)
        site.drains[0].resume('pkg/app')
    site.cluster.wait_recovered()
    assert tree.status_of_open(TOOL) == OPEN


@pytest.mark.long
def test_forced_while_a_node_is_cut_off(site, tree, follower):
    """Its client opens nothing more, and has its handle closed all the same"""
    handle = tree.create(TOOL)
    with follower.cut_off():
        site.cluster.wait_out(follower)
        site.drains[0].begin('pkg/app', '--allow-unguarded', '--timeout=12',
                             '--on-timeout=force')
    wait_until(handle.is_closed, BACK, 'force', 0.1)
    site.drains[0].wait('pkg/app', '--timeout=20')


@pytest.mark.long
def test_resumed_while_an_open_waits_there(site, tree, follower):
    """It goes on when the node is back"""
    site.drains[0].begin('pkg/app', HOLD, '--hold-timeout=10m')
    asked = tree.create_nowait(TOOL)
    assert waits(asked)
    with follower.cut_off():
        site.cluster.wait_out(follower)
        site.drains[0].resume('pkg/app')
        assert _blocked(asked)
    assert asked.status(BACK) == OPEN


@pytest.mark.long
def test_published_while_a_node_is_cut_off(site, tree, follower):
    """What it opens when it is back is the new version"""
    package = Package(site.nodes[0], site.drains[0], 'published')
    package.quiesce()
    with follower.cut_off():
        asked = tree.create_nowait('published/tool.exe')
        site.cluster.wait_out(follower)
        package.publish(f'--id={package.id()}')
        site.drains[0].resume(package.target)
        assert asked.status(BACK) == REFUSED
    wait_until(lambda: tree.status_of_open('published/tool.exe') == OPEN,
               BACK, 'it to be open', 0.1)
    assert tree.create('published/tool.exe').read() == b'new'


# -- it is banned, or has no address any more

@contextmanager
def _banned(site, node, verb='ban'):
    """Its databases are frozen, and its public addresses elsewhere"""
    undo = {'ban': 'unban', 'stop': 'continue'}[verb]
    node.ctdb(verb, *([BAN] if verb == 'ban' else []))
    try:
        yield
    finally:
        node.ctdb(undo, timeout=BACK)
    site.cluster.wait_recovered()


@pytest.fixture(name='roaming')
def _roaming(site, follower):
    """A client of the node by one of its public addresses"""
    with connect(follower.port,
                 host=site.cluster.public_address(follower)) as tree:
        yield tree


@pytest.mark.long
@pytest.mark.parametrize('verb', ['ban', 'stop'])
def test_holder_is_banned(site, follower, roaming, verb):
    """Its address is elsewhere, and its smbd ends: nobody holds it any more,
    and what else begins is armed without the node"""
    roaming.create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter, _banned(site, follower, verb):
        assert waiter.wait(BACK) == 0
        site.drains[0].begin('pkg/other', '--timeout=20')
    with connect(follower.port, host=follower.host) as tree:
        assert _statuses([tree, tree], TOOL) == [REFUSED] * 2
        assert tree.status_of_open('other/data.bin') == REFUSED


@pytest.mark.long
def test_banned_with_a_client_by_an_address_of_its_own(site, tree, follower):
    """Its smbd does not end: either it is named, or CTDB has forgotten it. No
    open is served that was not to be, and it is a holder when it is back"""
    handle = tree.create(TOOL)
    smbd = f'{follower.number}:{follower.child_of(tree.connection)}'
    with _banned(site, follower):
        asked = tree.create_nowait(SECOND)
        done = site.drains[0].begin('pkg/app', '--timeout=4', expect=None)
        assert (done.returncode == 0 or
                f'smbd {smbd} has not answered' in done.stderr)
        assert _blocked(asked)
    assert asked.status(BACK) == REFUSED
    with waiting(site.drains[0]) as waiter:
        # Samba has lost its entry, and says so
        handle.close_nowait().wait_reply()
        assert waiter.wait(10) == 0


@pytest.mark.long
def test_tool_on_a_node_that_is_banned(site, follower):
    """It says so at once"""
    with _banned(site, follower):
        done = site.drains[follower.number].call('status', expect=1)
        assert 'neither banned nor stopped' in complaint(done)


def test_address_of_the_holder_is_taken_away(site, follower, roaming):
    """As a node that is disabled does: smbd ends by itself"""
    address = site.cluster.public_address(follower)
    roaming.create(TOOL)
    site.drains[0].begin('pkg/app')
    with waiting(site.drains[0]) as waiter:
        site.nodes[0].ctdb('moveip', address, '0')
        assert waiter.wait(BACK) == 0
