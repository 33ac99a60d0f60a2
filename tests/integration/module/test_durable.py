"""Durable handles: a client that is away may come back to its file."""

import os
import struct
import time

import pytest
import tdb

from lib.drain import ended
from lib.impacket_client import ImpacketClient
from lib.smb2 import (Connection, Durable, NtStatus, SmbError, connect,
                      SMB_2_1, SMB_3_0)
from lib.smbd import DURABLE_SHARE, wait_until

USER = ('daemon', 'Not-a-secret-1')
REFUSED = NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
KINDS = pytest.mark.parametrize('version, dialect',
                                [(1, SMB_2_1), (2, SMB_3_0)])


@pytest.fixture
def away(drained):
    """A client with a durable handle, gone: server, drain, handle, back()

    back() connects the same client again, and gives a tree.
    """
    trees = []

    def start(version=2, dialect=SMB_3_0, timeout=60000, begin=True):
        server, drain = drained({'pkg': {'vfs objects': 'drain',
                                         **DURABLE_SHARE}})
        server.put('pkg', TOOL, b'MZ' * 100)
        first = connect(server.port, dialects=(dialect,))
        handle = first.create(TOOL, lease='RWH',
                              durable=Durable(version, timeout))
        assert handle.durable
        if begin:
            drain.begin('pkg/app')
        child = server.child_of(first.connection)
        first.connection.drop(reset=True)
        server.wait_gone(child)

        def back():
            trees.append(connect(server.port, dialects=(dialect,),
                                 client_guid=first.connection.client_guid))
            return trees[-1]

        return server, drain, handle, back

    yield start
    for tree in trees:
        tree.connection.drop()


def _status(tree, handle):
    """What a reconnect is told"""
    try:
        tree.reconnect(handle)
    except SmbError as error:
        return error.status
    return NtStatus.SUCCESS


@KINDS
def test_it_blocks_while_its_client_is_away(away, version, dialect):
    """And is shown as such; nobody else gets in"""
    server, drain, _, _ = away(version, dialect)
    holders = drain.holders('pkg/app')
    assert [(h['disconnected'], h['path']) for h in holders] == [(True, TOOL)]
    assert drain.status('pkg/app')['drains'][0]['holders'] == 1
    done = drain.wait('pkg/app', '--timeout=1', expect=124)
    assert TOOL in done.stderr
    assert drain.state('pkg/app') == 'armed'
    with connect(server.port) as tree:
        assert tree.status_of_open(TOOL) == REFUSED


@KINDS
@pytest.mark.parametrize('begin', [True, False], ids=['', 'begun-later'])
def test_it_comes_back_and_counts(away, version, dialect, begin):
    """An existing handle may finish; the waiter wakes at its close"""
    _, drain, handle, back = away(version, dialect, begin=begin)
    if not begin:
        drain.begin('pkg/app')
    waiter = drain.start('wait', 'pkg/app')
    with ended(waiter):
        time.sleep(0.3)
        again = back().reconnect(handle)
        assert again.read() == b'MZ' * 100
        holders = drain.holders('pkg/app')
        assert [h['disconnected'] for h in holders] == [False]
        time.sleep(0.5)
        assert waiter.poll() is None
        moment = time.time()
        again.close()
        assert waiter.wait(10) == 0
        assert time.time() - moment < 2
    assert drain.state('pkg/app') == 'quiescent'


def test_another_library(drained):
    """It goes, is waited for, comes back and finishes"""
    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     **DURABLE_SHARE}})
    server.put('pkg', TOOL, b'MZ' * 100)
    with ImpacketClient(server.port) as client:
        file_id = client.open_durable(TOOL)
        drain.begin('pkg/app')
    wait_until(lambda: drain.holders('pkg/app')[0]['disconnected'], 5,
               'away', 0.05)
    drain.wait('pkg/app', '--timeout=0.3', expect=124)
    with ImpacketClient(server.port) as client:
        assert client.status_of_open(TOOL) == REFUSED
        file_id = client.open_durable(TOOL, back_to=file_id)
        assert client.read(file_id, length=2) == b'MZ'
        assert not drain.holders('pkg/app')[0]['disconnected']
        client.close(file_id)
        drain.wait('pkg/app', '--timeout=5')


def test_it_comes_and_goes(away):
    """Several times; it counts all the time"""
    server, drain, handle, back = away()
    waiter = drain.start('wait', 'pkg/app')
    with ended(waiter):
        for _ in range(5):
            tree = back()
            handle = tree.reconnect(handle)
            handle.requested_durable.create_guid = (
                handle.requested.durable.create_guid)
            child = server.child_of(tree.connection)
            assert len(drain.holders('pkg/app')) == 1
            tree.connection.drop(reset=True)
            server.wait_gone(child)
            assert len(drain.holders('pkg/app')) == 1
            assert waiter.poll() is None
        back().reconnect(handle).close()
        assert waiter.wait(10) == 0


def test_no_new_ones(drained):
    """Closed is closed: the drained place grants none, other places do"""
    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     **DURABLE_SHARE}})
    server.put('pkg', TOOL)
    server.put('pkg', 'other/file')
    drain.begin('pkg/app')
    with connect(server.port) as tree:
        request = Durable(2)
        with pytest.raises(SmbError):
            tree.create(TOOL, lease='RWH', durable=request)
        assert tree.create('other/file', lease='RWH', durable=2).durable


def test_session_is_taken_over(drained):
    """The client is back before the server knows that it went"""
    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     **DURABLE_SHARE}})
    server.put('pkg', TOOL)
    server.add_user(*USER)
    with connect(server.port, user=USER[0], password=USER[1]) as tree:
        handle = tree.create(TOOL, lease='RWH', durable=2)
        drain.begin('pkg/app')
        waiter = drain.start('wait', 'pkg/app')
        with (ended(waiter), Connection(
                server.port, client_guid=tree.connection.client_guid) as new):
            time.sleep(0.2)
            session = new.session(*USER, previous_session_id=tree.session.id)
            again = session.tree('pkg').reconnect(handle)
            time.sleep(0.3)
            assert waiter.poll() is None
            holders = drain.holders('pkg/app')
            assert [h['disconnected'] for h in holders] == [False]
            again.close()
            assert waiter.wait(10) == 0


def test_expiry_lets_it_finish(away):
    """After the time that the client has asked for"""
    _, drain, handle, back = away(timeout=2000)
    moment = time.time()
    drain.wait('pkg/app', timeout=30)
    assert 1.5 < time.time() - moment < 8
    assert _status(back(), handle) == NtStatus.OBJECT_NAME_NOT_FOUND


def test_expiry_without_the_scavenger(away):
    """Samba's scavenger was killed, and has forgotten what it should do

    The handle has expired; nobody else would ever purge it.
    """
    server, drain, _, _ = away(timeout=2000)
    for pid in server.pids():
        with open(f'/proc/{pid}/comm', encoding='ascii') as file:
            title = file.read()
        if 'scavenger' in title:
            server.kill(pid)
    drain.wait('pkg/app', '--timeout=10')


def _times(value):
    """Where in a record there are times of now"""
    now = time.time() * 1e6
    return [at for at in range(0, len(value) - 15, 4)
            if abs(struct.unpack_from('<Q', value, at)[0] - now) < 1e8]


def _make_quiescent(server):
    """Write so into the last record, as if nobody had looked at left-overs"""
    path = server.base / 'state' / 'smbdrain.tdb'
    store = tdb.open(str(path), flags=os.O_RDWR)
    try:
        key = max(store, key=lambda key: struct.unpack_from(
            '<Q', store[key], _times(store[key])[0]))
        value = bytearray(store[key])
        struct.pack_into('<H', value, 6, 3)
        begun, armed = _times(value)
        assert armed == begun + 8
        struct.pack_into('<Q', value, armed + 8, int(time.time() * 1e6))
        store.store(key, bytes(value), tdb.REPLACE)
    finally:
        store.close()


@KINDS
def test_it_is_refused_once_quiescent(away, version, dialect):
    """Nobody comes back into what may be half replaced by now"""
    server, drain, handle, back = away(version, dialect)
    _make_quiescent(server)
    assert drain.state('pkg/app') == 'quiescent'
    assert _status(back(), handle) == NtStatus.OBJECT_NAME_NOT_FOUND
    assert _status(back(), handle) == NtStatus.OBJECT_NAME_NOT_FOUND
    drain.resume('pkg/app')
    assert _status(back(), handle) == NtStatus.SUCCESS


def test_what_was_refused_does_not_count(away):
    """In no other drain that it would have come back into"""
    server, drain, handle, back = away(begin=False)
    drain.begin('pkg')
    drain.begin('pkg/app')
    _make_quiescent(server)
    assert drain.state('pkg/app') == 'quiescent'
    assert _status(back(), handle) == NtStatus.OBJECT_NAME_NOT_FOUND
    drain.wait('pkg', '--purge-durables', '--timeout=10')


@KINDS
def test_waiters_race_the_return(away, version, dialect):
    """Waiters come and go while it comes back: never quiescent meanwhile"""
    _, drain, handle, back = away(version, dialect)
    waiters = [drain.start('wait', 'pkg/app') for _ in range(3)]
    with ended(*waiters):
        again = back().reconnect(handle)
        time.sleep(0.3)
        assert [waiter.poll() for waiter in waiters] == [None] * 3
        assert drain.state('pkg/app') == 'armed'
        again.close()
        assert [waiter.wait(10) for waiter in waiters] == [0] * 3
