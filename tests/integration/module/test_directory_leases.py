"""Directory leases: with one a client answers listings by itself, and keeps
directories open that nobody looks at."""

import os
import time

import pytest

from lib.caching import CACHING_SHARE, CachingClient
from lib.publish import Package
from lib.smb2 import Disposition, LeaseState, Option, connect, SMB_3_1_1
from lib.smbd import PrivateSmbd, samba_release, wait_until

pytestmark = pytest.mark.skipif(
    samba_release() < (4, 22), reason='Samba has them from 4.22 on')

# Of a drain of pkg/app: above it, itself, in it
CONCERNED = ['', 'app', 'app/bin']
QUIET = 0.3     # long enough for a break that should not come
COUNTING = {**CACHING_SHARE, 'drain:count directories': 'yes'}
EXEMPT, PASSWORD = 'daemon', 'Not-a-secret-1'


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('directories', {
            'pkg': {**CACHING_SHARE, 'drain:exempt users': EXEMPT},
            'counting': COUNTING,
            'quiet': {**COUNTING, 'drain:break leases': 'no'}}) as server:
        server.add_user(EXEMPT, PASSWORD)
        for share in server.shares:
            server.put(share, 'app/bin/tool.exe', b'MZ')
            server.put(share, 'other/data.bin', b'data')
        yield server


def directory(tree, name, lease='RH'):
    """A directory that a client may cache"""
    return tree.create(name, lease=lease, options=Option.DIRECTORY_FILE)


def is_cached(tree, name):
    """Whether a client gets a lease on the directory"""
    with directory(tree, name) as handle:
        state = handle.lease.state if handle.lease else LeaseState.NONE
    assert state in (LeaseState.NONE, LeaseState.of('RH'))
    return state != LeaseState.NONE


# -- those that are there

@pytest.mark.parametrize('state', ['RH', 'R'])
@pytest.mark.parametrize('name', CONCERNED)
def test_break_to_nothing(server, drain, name, state):
    """Of the target, of what is in it, and of what it is in: all those list
    what is to change"""
    with connect(server.port) as tree:
        handle = directory(tree, name, state)
        assert handle.lease.state == LeaseState.of(state)
        drain.begin('pkg/app')
        notification = tree.connection.wait_break()
        assert notification.key == handle.lease.key
        assert notification.new == LeaseState.NONE
        if 'H' in state:
            notification.ack()
        assert 'tool.exe' in {
            entry.name for entry in tree.create(
                'app/bin', options=Option.DIRECTORY_FILE).list()}


def test_others_are_left(server, drain):
    """A directory beside the target can be cached on"""
    with connect(server.port) as tree:
        directory(tree, 'other')
        drain.begin('pkg/app')
        time.sleep(QUIET)
        assert tree.connection.breaks == []


def test_break_leases_no(server, drain):
    """drain:break leases = no: clients are not told"""
    with connect(server.port, 'quiet') as tree:
        for name in CONCERNED:
            directory(tree, name)
        drain.begin('quiet/app')
        time.sleep(QUIET)
        assert tree.connection.breaks == []


def test_cached_directories_do_not_hold(server, drain):
    """Where directories count, those that nobody looks at are given back"""
    with CachingClient(server.port, share='counting') as client:
        for name in ('app', 'app/bin'):
            client.cache(name, 'RH', options=Option.DIRECTORY_FILE)
        assert len(drain.holders('counting/app')) == 2
        drain.begin('counting/app', '--wait', '--timeout=20')
        assert drain.state('counting/app') == 'quiescent'
        assert client.handles == {}


def test_directory_in_use_holds(server, drain):
    """Where directories count, an open one is waited for"""
    with connect(server.port, 'counting') as tree:
        handle = directory(tree, 'app')
        drain.begin('counting/app')
        tree.connection.wait_break().ack()
        drain.wait('counting/app', '--timeout=0.3', expect=124)
        handle.close()
        drain.wait('counting/app', '--timeout=20')


def test_listing_after_an_update(drained):
    """Nobody is left with a listing of the old version"""
    server, drain = drained({'pkg': CACHING_SHARE})
    package = Package(server, drain)
    with CachingClient(server.port) as client:
        for name in ('', 'app', 'app/bin'):
            client.cache(name, 'RH', options=Option.DIRECTORY_FILE)
        drain.call('run', 'pkg/app', f'--publish={package.new}')
        wait_until(lambda: not client.handles, 5, 'caches to be given back')
        names = {entry.name for entry in directory(client.tree, 'app').list()}
        assert 'only-new' in names and 'only-old' not in names


# -- new ones

@pytest.mark.parametrize('name', CONCERNED)
def test_no_new_ones(server, drain, name):
    """While it drains; before and after that there are"""
    with connect(server.port, dialects=(SMB_3_1_1,)) as tree:
        assert is_cached(tree, name)
        drain.begin('pkg/app')
        assert not is_cached(tree, name)
        assert is_cached(tree, 'other')
        drain.wait('pkg/app')
        assert not is_cached(tree, name)
        drain.resume('pkg/app')
        assert is_cached(tree, name)


def test_broken_one_is_not_asked_for_again(server, drain):
    """By the key of before, and while that is still held"""
    with connect(server.port) as tree:
        handle = directory(tree, 'app')
        drain.begin('pkg/app')
        tree.connection.wait_break().ack()
        again = tree.create('app', lease=handle.lease,
                            options=Option.DIRECTORY_FILE)
        assert not again.lease or again.lease.state == LeaseState.NONE


def test_exempt_user(server, drain):
    """Makes a directory in the target and has no lease on it, nor on others"""
    drain.begin('pkg/app')
    with connect(server.port, user=EXEMPT, password=PASSWORD) as tree:
        with tree.create('app/new', lease='RH', options=Option.DIRECTORY_FILE,
                         disposition=Disposition.CREATE) as handle:
            assert not handle.lease or handle.lease.state == LeaseState.NONE
        assert not is_cached(tree, 'app/new')
    (server.share_path('pkg') / 'app/new').rmdir()
