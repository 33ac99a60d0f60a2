"""Durable handles whose client is away: shown, waited for, purged."""

import contextlib
import os
import time
from datetime import datetime

import pytest

from lib.caching import CACHING_SHARE
from lib.drain import ended, stopped
from lib.durable import purging_drain
from lib.memcheck import SLOWNESS
from lib.smb2 import (Access, Connection, Durable, LeaseState, NtStatus,
                      OplockLevel, SmbError, connect, SMB_2_1, SMB_3_0)
from lib.smbd import PrivateSmbd, samba_release, wait_until


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('durable', {
            'pkg': CACHING_SHARE,
            'brief': {**CACHING_SHARE,
                      'drain:durable handles': 'no'}}) as server:
        for share in ('pkg', 'brief'):
            server.put(share, 'app/tool.exe', b'MZ' * 100)
            server.put(share, 'app/second.exe', b'MZ')
            server.put(share, 'other/data.bin', b'data')
        yield server


_drain = pytest.fixture(purging_drain, name='drain')


class Away:
    """A client that has lost its connection to an open durable handle"""

    def __init__(self, server, name='app/tool.exe', *, version=2, timeout=0,
                 reset=True, meanwhile=None):
        self.server = server
        self.dialect = SMB_3_0 if version == 2 else SMB_2_1
        tree = connect(server.port, dialects=(self.dialect,))
        self.guid = tree.connection.client_guid
        self.handle = tree.create(name, lease='RH',
                                  durable=Durable(version, timeout))
        assert self.handle.durable
        if meanwhile:
            meanwhile()
        child = server.child_of(tree.connection)
        tree.connection.drop(reset)
        server.wait_gone(child)

    @contextlib.contextmanager
    def back(self):
        """It connects again, and has nothing yet"""
        with Connection(self.server.port, dialects=(self.dialect,),
                        client_guid=self.guid) as connection:
            yield connection.session().tree('pkg')

    def status_of_reconnect(self):
        """It comes back for its handle, and gives it up"""
        with self.back() as tree:
            try:
                tree.reconnect(self.handle).close()
            except SmbError as error:
                return error.status
        return NtStatus.SUCCESS


VERSIONS = pytest.mark.parametrize('version', [1, 2])


# -- it holds

@VERSIONS
@pytest.mark.parametrize('reset', [False, True], ids=['close', 'reset'])
def test_away_is_a_holder(server, drain, version, reset):
    """It blocks, however the connection was lost"""
    Away(server, version=version, reset=reset)
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    assert drain.state('pkg/app') == 'armed'


def test_away_is_shown(server, drain):
    """As a client that is away, and until when it may come back"""
    gone = time.time()
    Away(server, timeout=30000)
    drain.begin('pkg/app')
    holder, = drain.holders('pkg/app')
    assert holder['disconnected'] and holder['counts']
    assert holder['path'].endswith('tool.exe')
    until = datetime.fromisoformat(holder['returns_until'])
    assert gone + 28 < until.timestamp() < time.time() + 31
    assert 'disconnected, client may return until' in drain.call(
        'holders', 'pkg/app').stdout
    assert drain.status('pkg/app')['drains'][0]['holders'] == 1


def test_one_that_leaves_while_it_drains(server, drain):
    """Without an answer to the break its handle survives, and blocks"""
    with connect(server.port) as tree:
        tree.create('app/tool.exe', lease='RWH', durable=2)
        drain.begin('pkg/app')
        tree.connection.wait_break()
        child = server.child_of(tree.connection)
        tree.connection.drop(reset=True)
        server.wait_gone(child)
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    assert drain.holders('pkg/app')[0]['disconnected']
    drain.wait('pkg/app', '--purge-durables', '--timeout=10')


def test_one_that_leaves_under_a_waiter(server, drain):
    """Its file was no left-over when the waiter began, and is one now"""
    with connect(server.port) as tree:
        tree.create('app/tool.exe', lease='RWH', durable=2)
        drain.begin('pkg/app')
        tree.connection.wait_break()
        waiter = drain.start('wait', 'pkg/app')
        with ended(waiter):
            time.sleep(0.5)
            child = server.child_of(tree.connection)
            tree.connection.drop(reset=True)
            server.wait_gone(child)
            time.sleep(0.5)
            assert waiter.poll() is None
            assert drain.holders('pkg/app')[0]['disconnected']
            drain.wait('pkg/app', '--purge-durables', '--timeout=10')
            assert waiter.wait(10) == 0


def test_one_that_has_given_back_its_lease(server, drain):
    """Its handle ends with its connection"""
    with connect(server.port) as tree:
        tree.create('app/tool.exe', lease='RWH', durable=2)
        drain.begin('pkg/app')
        tree.connection.wait_break().ack()
        tree.connection.drop(reset=True)
    drain.wait('pkg/app', '--timeout=5')


# -- it comes back

@VERSIONS
def test_reclaim_while_draining(server, drain, version):
    """Its handle counts as before, until it is closed"""
    away = Away(server, version=version)
    drain.begin('pkg/app')
    waiter = drain.start('wait', 'pkg/app')
    with away.back() as tree:
        handle = tree.reconnect(away.handle)
        assert handle.read(length=2) == b'MZ'
        holder, = drain.holders('pkg/app')
        assert not holder['disconnected']
        time.sleep(0.3)
        assert waiter.poll() is None
        handle.close()
        assert waiter.wait(10) == 0, waiter.communicate()
    waiter.communicate()


def test_reclaimed_cache_is_broken(server, drain):
    """With the handle its lease is back, and asked for as all others"""
    away = Away(server)
    drain.begin('pkg/app')
    with away.back() as tree:
        tree.reconnect(away.handle)
        notification = tree.connection.wait_break()
        assert notification.new == LeaseState.READ
        notification.ack()


def test_no_reclaim_once_quiescent(server, drain):
    """It is gone for good, also after resume"""
    away = Away(server)
    drain.begin('pkg/app', '--wait', '--purge-durables', '--timeout=10')
    assert away.status_of_reconnect() == NtStatus.OBJECT_NAME_NOT_FOUND
    drain.resume('pkg/app')
    assert away.status_of_reconnect() == NtStatus.OBJECT_NAME_NOT_FOUND


def test_reclaim_outside_of_the_target(server, drain):
    """Nobody minds, quiescent or not"""
    away = Away(server, 'other/data.bin')
    drain.begin('pkg/app', '--wait', '--purge-durables', '--timeout=10')
    assert away.status_of_reconnect() == NtStatus.SUCCESS


# -- it goes

@pytest.mark.parametrize('where', ['begin', 'wait', 'run'])
def test_purge(server, drain, where):
    """--purge-durables ends it at once, on each verb that waits"""
    away = Away(server)
    began = time.monotonic()
    if where == 'run':
        drain.run('pkg/app', 'true', options=('--purge-durables',))
    elif where == 'begin':
        drain.begin('pkg/app', '--wait', '--purge-durables')
    else:
        drain.begin('pkg/app')
        drain.wait('pkg/app', '--purge-durables')
    assert time.monotonic() - began < 5
    assert away.status_of_reconnect() == NtStatus.OBJECT_NAME_NOT_FOUND


def test_purge_is_remembered(server, drain):
    """What begin was told is in the record, for whoever waits"""
    Away(server)
    drain.begin('pkg/app', '--purge-durables')
    assert drain.status('pkg/app')['drains'][0]['purge_durables']
    drain.wait('pkg/app', '--timeout=5')


def test_purge_leaves_the_others(server, drain):
    """Those outside of the target, and those whose client is there"""
    outside = Away(server, 'other/data.bin')
    Away(server)
    with connect(server.port) as tree:
        handle = tree.create('app/second.exe', lease='RH', durable=2)
        drain.begin('pkg/app', '--purge-durables')
        drain.wait('pkg/app', '--timeout=1', expect=124)
        assert handle.read(length=2) == b'MZ'
        handle.close()
        drain.wait('pkg/app', '--timeout=5')
    assert outside.status_of_reconnect() == NtStatus.SUCCESS


def test_purge_beside_others_who_have_it_open(server, drain):
    """Attribute-only handles do not count, and are not in the way either"""
    away = Away(server)
    with connect(server.port) as tree:
        tree.create('app/tool.exe', Access.FILE_READ_ATTRIBUTES)
        drain.begin('pkg/app', '--wait', '--purge-durables', '--timeout=5')
    assert away.status_of_reconnect() == NtStatus.OBJECT_NAME_NOT_FOUND


@pytest.mark.skipif(samba_release() < (4, 22), reason='until then Samba keeps '
                    'no durable handle of a file that others have open')
@pytest.mark.parametrize('options', [('--purge-durables',), ()],
                         ids=['purged', 'expired'])
def test_two_that_have_left_one_file(server, drain, options):
    """Neither is in the way of the end of the other"""
    both = []
    both.append(Away(server, timeout=3000, meanwhile=lambda: both.append(
        Away(server, timeout=3000))))
    drain.begin('pkg/app')
    assert len(drain.holders('pkg/app')) == 2
    drain.wait('pkg/app', '--timeout=20', *options)
    assert [away.status_of_reconnect() for away in both] == \
        2 * [NtStatus.OBJECT_NAME_NOT_FOUND]


def test_nobody_comes_back_to_what_is_being_purged(server, drain):
    """Not even with the parent smbd out of order"""
    away = Away(server)
    drain.begin('pkg/app')
    with away.back() as tree, stopped(server.pid):
        waiter = drain.start('wait', 'pkg/app', '--purge-durables')
        time.sleep(2)
        with pytest.raises(SmbError) as refused:
            tree.reconnect(away.handle)
        assert refused.value.status == NtStatus.OBJECT_NAME_NOT_FOUND
    with ended(waiter):
        assert waiter.wait(10) == 0


def test_expiry(server, drain):
    """When its time is over the waiter goes on by itself"""
    Away(server, timeout=2000 * SLOWNESS)
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    drain.wait('pkg/app', f'--timeout={20 * SLOWNESS}')


def test_force_purges(server, drain):
    """So does the deadline with force"""
    away = Away(server)
    began = time.monotonic()
    drain.run('pkg/app', 'true',
              options=('--timeout=1', '--on-timeout=force'))
    assert 1 <= time.monotonic() - began < 10
    assert away.status_of_reconnect() == NtStatus.OBJECT_NAME_NOT_FOUND


def test_force_for_one_that_came_back(server, drain):
    """Its new smbd has heard of the deadline when it connected, and no tool
    is running"""
    away = Away(server)
    drain.begin('pkg/app', '--timeout=3', '--on-timeout=force')
    with away.back() as tree:
        handle = tree.reconnect(away.handle)
        assert handle.read(length=2) == b'MZ'
        wait_until(lambda: handle.read_nowait(length=2).status() ==
                   NtStatus.FILE_CLOSED, 10, 'force', 0.1)


def test_force_for_one_that_comes_back_late(server, drain):
    """After the deadline, with no tool running: it does not stay for ever"""
    away = Away(server)
    drain.begin('pkg/app', '--timeout=1', '--on-timeout=force')
    time.sleep(1)
    with away.back() as tree:
        handle = tree.reconnect(away.handle)
        assert handle.read(length=2) == b'MZ'
        wait_until(lambda: handle.read_nowait(length=2).status() ==
                   NtStatus.FILE_CLOSED, 10, 'force', 0.1)
    drain.wait('pkg/app', '--timeout=5')


# -- how else a client loses its connection

def test_kill_client_ip(server, drain):
    """The administrator's own means leave the handle, and so does a drain"""
    tree = connect(server.port)
    handle = tree.create('app/tool.exe', lease='RH', durable=2)
    child = server.child_of(tree.connection)
    server.smbcontrol('smbd', 'kill-client-ip', '127.0.0.1')
    tree.connection.wait_lost()
    server.wait_gone(child)
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    with Connection(server.port,
                    client_guid=tree.connection.client_guid) as connection:
        connection.session().tree('pkg').reconnect(handle).close()
    tree.connection.drop()
    drain.wait('pkg/app', '--timeout=5')


def test_restart_of_smbd(server, drain):
    """Samba forgets durable handles then; the drain goes on"""
    away = Away(server)
    drain.begin('pkg/app')
    server.restart()
    wait_until(lambda: drain.holders('pkg/app') == [], 5, 'no holders', 0.1)
    drain.wait('pkg/app', '--timeout=10')
    assert away.status_of_reconnect() == NtStatus.OBJECT_NAME_NOT_FOUND


# -- none at all

@pytest.mark.parametrize('asked', [{'lease': 'RWH'},
                                   {'oplock': OplockLevel.BATCH}],
                         ids=['lease', 'batch'])
@VERSIONS
def test_durable_handles_no(server, asked, version):
    """drain:durable handles = no: the cache is granted, the rest is not"""
    dialect = SMB_3_0 if version == 2 else SMB_2_1
    with connect(server.port, 'brief', dialects=(dialect,)) as tree:
        with tree.create('app/tool.exe', durable=version, **asked) as handle:
            assert handle.oplock != OplockLevel.NONE
            assert not handle.durable
        with tree.session.tree('pkg').create(
                'app/tool.exe', durable=version, **asked) as handle:
            assert handle.durable


def test_durable_handles_from_then_on(server):
    """Who is connected when it is changed keeps what he has"""
    asked = {'durable': 2, 'lease': 'RWH'}
    try:
        with connect(server.port, 'brief') as before:
            server.set_share('brief', {'drain:durable handles': 'yes'})
            server.reload()
            with before.create('app/tool.exe', **asked) as handle:
                assert not handle.durable
            with connect(server.port, 'brief') as after, after.create(
                    'app/second.exe', **asked) as handle:
                assert handle.durable
    finally:
        server.set_share('brief', {'drain:durable handles': 'no'})
        server.reload()
