"""While it drains nobody gets anything to cache with: no lease, oplock or
durable handle, whatever the policy grants."""

import os

import pytest

from lib.caching import CACHING_SHARE
from lib.impacket_client import ImpacketClient
from lib.smb2 import (Access, Disposition, Durable, LeaseState, NtStatus,
                      OplockLevel, Option, connect, SMB_2_1, SMB_3_1_1)
from lib.smbd import PrivateSmbd, wait_until

EXEMPT, PASSWORD = 'daemon', 'Not-a-secret-1'


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all, with a user who is exempt"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('no-caches', {
            'pkg': {**CACHING_SHARE, 'drain:exempt users': EXEMPT}}) as server:
        server.add_user(EXEMPT, PASSWORD)
        server.put('pkg', 'app/tool.exe', b'MZ' * 100)
        server.put('pkg', 'app/second.exe', b'MZ')
        server.put('pkg', 'other/data.bin', b'data')
        yield server


def has_no_cache(handle):
    """Nothing but the handle itself"""
    assert handle.oplock == OplockLevel.NONE
    assert handle.lease is None or handle.lease.state == LeaseState.NONE
    assert not handle.durable
    assert handle.contexts.keys().isdisjoint({b'DHnQ', b'DH2Q'})
    return True


def opens_of(tree, name, access=Access.READ, **fields):
    """One handle with each thing that a client can ask for"""
    version = 2 if tree.connection.dialect >= 0x0300 else 1
    for asked in ({'lease': 'RWH'}, {'lease': 'RH'}, {'lease': 'R'},
                  {'lease': 'RWH', 'durable': Durable(version)},
                  {'oplock': OplockLevel.BATCH, 'durable': Durable(version)},
                  {'oplock': OplockLevel.BATCH},
                  {'oplock': OplockLevel.EXCLUSIVE},
                  {'oplock': OplockLevel.II}):
        with tree.create(name, access, **asked, **fields) as handle:
            yield handle


DIALECTS = pytest.mark.parametrize('dialect', [SMB_2_1, SMB_3_1_1], ids=hex)


def test_the_server_grants_caches_otherwise(server, drain):
    """What these tests ask for, they get where nothing drains"""
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        handles = opens_of(tree, 'other/data.bin')
        assert [handle.oplock for handle in handles] == [
            OplockLevel.LEASE, OplockLevel.LEASE, OplockLevel.LEASE,
            OplockLevel.LEASE, OplockLevel.BATCH, OplockLevel.BATCH,
            OplockLevel.EXCLUSIVE, OplockLevel.II]
        with tree.create('other/data.bin', lease='RH',
                         durable=Durable(2)) as handle:
            assert handle.durable


@DIALECTS
def test_exempt_open(server, drain, dialect):
    """An updater works without caches"""
    drain.begin('pkg/app')
    with connect(server.port, user=EXEMPT, password=PASSWORD,
                 dialects=(dialect,)) as tree:
        assert all(map(has_no_cache, opens_of(
            tree, 'app/tool.exe', Access.READ_WRITE)))


def test_exempt_open_by_another_library(server, drain):
    """Its handle is not cached, and ends with its connection"""
    with ImpacketClient(server.port, user=EXEMPT, password=PASSWORD) as client:
        client.open_durable('other/data.bin')
        assert drain.holders('pkg/other')[0]['lease'] == 'batch'
        drain.begin('pkg/app')
        client.open_durable('app/tool.exe')
        holder, = drain.holders('pkg/app')
        assert holder['exempt'] and holder['lease'] == 'none'
    wait_until(lambda: drain.holders('pkg/app') == [], 5, 'its end', 0.05)
    assert drain.holders('pkg/other')[0]['disconnected']


@DIALECTS
def test_open_of_a_client_that_may_finish(server, drain, dialect):
    """--let-holders-finish gives it files, not caches"""
    with connect(server.port, dialects=(dialect,)) as tree:
        with tree.create('app/tool.exe'):
            drain.begin('pkg/app', '--let-holders-finish')
            assert all(map(has_no_cache, opens_of(tree, 'app/second.exe')))


@DIALECTS
def test_own_lease_is_no_obstacle(server, drain, dialect):
    """Who opens one more time what it caches does not wait for itself"""
    with connect(server.port, dialects=(dialect,)) as tree:
        handle = tree.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        drain.begin('pkg/app', '--let-holders-finish')
        notification = tree.connection.wait_break()
        again = tree.create_nowait('app/tool.exe', lease=handle.lease)
        assert has_no_cache(again.wait(5))
        notification.ack()


def test_open_of_a_directory(server, drain):
    """Listings are granted, leases on them are not"""
    drain.begin('pkg/app')
    with connect(server.port, dialects=(SMB_3_1_1,)) as tree:
        assert all(map(has_no_cache, opens_of(
            tree, 'app', options=Option.DIRECTORY_FILE)))


def test_open_for_attributes(server, drain):
    """They are granted, without anything to cache them"""
    drain.begin('pkg/app')
    with connect(server.port) as tree:
        assert all(map(has_no_cache, opens_of(
            tree, 'app/tool.exe', Access.ATTRIBUTES_ONLY)))


def test_new_file_of_an_exempt_user(server, drain):
    """A file that it makes is as bare as one that it opens"""
    drain.begin('pkg/app')
    with connect(server.port, user=EXEMPT, password=PASSWORD) as tree:
        with tree.create('app/new.exe', Access.READ_WRITE, lease='RWH',
                         durable=2, disposition=Disposition.CREATE) as handle:
            assert has_no_cache(handle)
        tree.unlink('app/new.exe')


def test_whole_share(server, drain):
    """The root of the share is a target as well"""
    drain.begin('pkg')
    with connect(server.port, user=EXEMPT, password=PASSWORD) as tree:
        assert all(map(has_no_cache, opens_of(tree, 'other/data.bin')))


def test_caches_are_back_after_resume(server, drain):
    """Who was refused gets all that it asks for"""
    drain.begin('pkg/app')
    with connect(server.port) as tree:
        assert (tree.status_of_open('app/tool.exe', lease='RWH') ==
                NtStatus.SHARING_VIOLATION)
        drain.resume('pkg/app')
        with tree.create('app/tool.exe', lease='RWH', durable=2) as handle:
            assert handle.lease.state == LeaseState.of('RWH')
            assert handle.durable
