"""Break at begin: what clients only cache is given back, and the drain ends."""

import contextlib
import os
import statistics
import struct
import time

import pytest
import tdb

from lib.caching import CACHING_SHARE, CachingClient
from lib.drain import Drain
from lib.impacket_client import ImpacketClient
from lib.smb2 import (Access, Lease, LeaseState, OplockLevel, connect,
                      SMB_2_1, SMB_3_0)
from lib.smbd import PrivateSmbd

ROUNDS = 20
BOUND = 0.05    # seconds from begin to quiescent
BUSY = 10       # how much longer it may take where others work as well
QUIET = 0.3     # long enough for a break that should not come


@pytest.fixture(name='caches', scope='module')
def _caches():
    """One server for all: ``server, drain``"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('caches', {
            'pkg': CACHING_SHARE,
            'quiet': {**CACHING_SHARE, 'drain:break leases': 'no'}}) as server:
        for share in ('pkg', 'quiet'):
            server.put(share, 'app/tool.exe', b'MZ' * 100)
            server.put(share, 'app/second.exe', b'MZ')
            server.put(share, 'other/data.bin', b'data')
        yield server, Drain(server)


@pytest.fixture(name='place')
def _place(caches):
    """The same; open again after each test"""
    yield caches
    caches[1].resume('--all')


def no_break_comes(tree):
    """For a while"""
    time.sleep(QUIET)
    assert tree.connection.breaks == []


@contextlib.contextmanager
def waiting(drain, target):
    """A `wait` on the target; it has ended well when the block ends"""
    waiter = drain.start('wait', target)
    try:
        yield waiter
        assert waiter.wait(10) == 0
    finally:
        waiter.kill()
        waiter.communicate()


# -- what is broken

@pytest.mark.parametrize('dialect', [SMB_2_1, SMB_3_0], ids=hex)
@pytest.mark.parametrize('state', ['RWH', 'RH', 'RW'])
def test_lease_shrinks_to_read(place, state, dialect):
    """Caching of handles and of writes ends, of both versions of leases"""
    server, drain = place
    with connect(server.port, dialects=(dialect,)) as tree:
        handle = tree.create('app/tool.exe', lease=state)
        assert handle.lease.state == LeaseState.of(state)
        drain.begin('pkg/app')
        notification = tree.connection.wait_break()
        assert notification.key == handle.lease.key
        assert notification.old == LeaseState.of(state)
        assert notification.new == LeaseState.READ
        notification.ack()
        assert drain.holders('pkg/app')[0]['lease'] == 'R'
        assert handle.read(length=2) == b'MZ'


@pytest.mark.parametrize('level', [OplockLevel.EXCLUSIVE, OplockLevel.BATCH])
def test_oplock_shrinks_to_level_two(place, level):
    """The same for what older programs ask for"""
    server, drain = place
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', oplock=level)
        assert handle.oplock == level
        drain.begin('pkg/app')
        notification = tree.connection.wait_break()
        assert notification.key == handle.file_id
        assert notification.new == OplockLevel.II
        notification.ack()
        assert drain.holders('pkg/app')[0]['lease'] == 'level2'


def test_another_library_is_asked(place):
    """It does not answer; what it has open is a holder until it is closed"""
    server, drain = place
    with ImpacketClient(server.port) as client:
        file_id = client.open_durable('app/tool.exe')
        assert drain.holders('pkg/app')[0]['lease'] == 'batch'
        drain.begin('pkg/app')
        assert client.read(file_id, length=2) == b'MZ'
        assert client.is_asked_for_its_cache
        drain.wait('pkg/app', '--timeout=0.3', expect=124)
        client.close(file_id)
        drain.wait('pkg/app', '--timeout=5')


def test_read_cache_is_left(place):
    """It keeps no handle open"""
    server, drain = place
    with connect(server.port) as tree:
        tree.create('app/tool.exe', lease='R')
        tree.create('app/second.exe', oplock=OplockLevel.II)
        drain.begin('pkg/app')
        no_break_comes(tree)


def test_other_targets_are_left(place):
    """A lease outside of the target stays as it is"""
    server, drain = place
    with connect(server.port) as tree:
        handle = tree.create('other/data.bin', lease='RWH')
        drain.begin('pkg/app')
        no_break_comes(tree)
        assert drain.holders('pkg/other')[0]['lease'] == 'RWH'
        handle.close()


def test_every_session_and_tree_of_a_client(place):
    """All that one connection has open, each of its leases once"""
    server, drain = place
    with connect(server.port) as tree:
        second = tree.connection.session().tree('pkg')
        lease = Lease('RH')
        tree.create('app/tool.exe', lease=lease)
        tree.create('app/tool.exe', lease=lease)
        other = second.create('app/second.exe', lease='RWH')
        drain.begin('pkg/app')
        broken = {tree.connection.wait_break().key for _ in range(2)}
        assert broken == {lease.key, other.lease.key}
        no_break_comes(tree)


def test_break_leases_no(place):
    """drain:break leases = no: clients are not told"""
    server, drain = place
    with connect(server.port, 'quiet') as tree:
        tree.create('app/tool.exe', lease='RWH')
        drain.begin('quiet/app')
        no_break_comes(tree)
        assert drain.holders('quiet/app')[0]['lease'] == 'RWH'


def test_nothing_is_broken_twice(place):
    """A second drain around the first one breaks nothing again"""
    server, drain = place
    with connect(server.port) as tree:
        tree.create('app/tool.exe', lease='RWH')
        drain.begin('pkg/app')
        tree.connection.wait_break().ack()
        drain.begin('pkg')
        no_break_comes(tree)


# -- what comes of it

def test_cached_handle_does_not_hold(place):
    """A file that no program uses keeps nobody waiting"""
    server, drain = place
    with CachingClient(server.port) as client:
        client.cache('app/tool.exe')
        client.cache('app/second.exe', 'RH')
        drain.begin('pkg/app', '--wait')
        assert drain.state('pkg/app') == 'quiescent'
        assert client.handles == {}


def test_used_handle_holds(place):
    """A program that has its file open is waited for, lease or not; so is
    another client (impacket)"""
    server, drain = place
    with (connect(server.port) as tree,
          ImpacketClient(server.port) as second):
        handle = tree.create('app/tool.exe', lease='RWH')
        file_id = second.open('app/second.exe')
        drain.begin('pkg/app')
        tree.connection.wait_break().ack()
        with waiting(drain, 'pkg/app') as waiter:
            handle.close()
            time.sleep(QUIET)
            assert waiter.poll() is None
            second.close(file_id)


def test_late_acknowledgement(place):
    """Nobody waits for it: the handle alone decides"""
    server, drain = place
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', lease='RWH')
        drain.begin('pkg/app')
        notification = tree.connection.wait_break()
        with waiting(drain, 'pkg/app') as waiter:
            time.sleep(QUIET)
            assert waiter.poll() is None
            handle.close()
        assert notification.ack_nowait().status().is_error


def test_client_that_never_acknowledges(place):
    """Its handle is a holder until it is closed; then it is quiescent"""
    server, drain = place
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', lease='RWH')
        drain.begin('pkg/app')
        drain.wait('pkg/app', '--timeout=1', expect=124)
        assert drain.state('pkg/app') == 'armed'
        assert len(drain.holders('pkg/app')) == 1
        handle.close()
        drain.wait('pkg/app', '--timeout=5')


# -- how long it takes

def record_times(server, begun, ended):
    """All times in the one record that lie in between, in microseconds"""
    store = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'),
                     flags=os.O_RDONLY)
    value, = (store[key] for key in store)
    store.close()
    numbers = (struct.unpack_from('<Q', value, at)[0]
               for at in range(0, len(value) - 7, 4))
    return sorted(number for number in numbers
                  if begun * 1e6 <= number <= ended * 1e6)


def one_drain(server, drain, target):
    """Seconds from begin to armed and to quiescent, and of the command"""
    begun = time.time()
    drain.begin(target, '--wait')
    ended = time.time()
    times = record_times(server, begun, ended)
    assert len(times) == 3, 'begun, armed, quiescent'
    drain.resume(target)
    return ((times[1] - times[0]) / 1e6, (times[2] - times[0]) / 1e6,
            ended - begun)


@pytest.mark.no_memcheck('measures')
def test_milliseconds_from_begin_to_quiescent(place):
    """Where only caches hold it: the median of 20"""
    server, drain = place
    took = []
    with CachingClient(server.port) as client:
        for _ in range(ROUNDS):
            client.cache('app/tool.exe')
            took.append(one_drain(server, drain, 'pkg/app'))
    armed, quiescent, command = (statistics.median(column) * 1000
                                 for column in zip(*took))
    print(f'begin to quiescent with a cached RWH handle: {quiescent:.1f} ms, '
          f'of that until armed: {armed:.1f} ms; '
          f'the whole of smbdrain: {command:.1f} ms (median of {ROUNDS})')
    assert min(each[1] for each in took) < BOUND
    assert quiescent < BUSY * BOUND * 1000


def test_without_breaks_it_takes_what_the_client_takes(place):
    """drain:break leases = no: until its own deferred close"""
    server, drain = place
    with CachingClient(server.port, share='quiet') as client:
        handle = client.cache('app/tool.exe')
        drain.begin('quiet/app')
        with waiting(drain, 'quiet/app') as waiter:
            time.sleep(1)
            assert waiter.poll() is None
            handle.close()


def test_many_cached_handles(place):
    """300 of them are given back as well"""
    server, drain = place
    names = [f'app/many/{number}' for number in range(300)]
    for name in names:
        server.put('pkg', name)
    with CachingClient(server.port) as client:
        for name in names:
            client.cache(name, access=Access.READ_WRITE)
        drain.begin('pkg/app', '--wait', '--timeout=20')
        assert client.handles == {}
