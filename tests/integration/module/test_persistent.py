"""Persistent handles: durable ones that outlive even the death of their smbd.
Samba keeps them under the id of that smbd."""

import os
import signal

import pytest

from lib.caching import CACHING_SHARE
from lib.durable import purging_drain
from lib.smb2 import Connection, Durable, SmbError, connect
from lib.smbd import PrivateSmbd, samba_release

pytestmark = pytest.mark.skipif(
    samba_release() < (4, 25), reason='Samba has them from 4.25 on')

LOST = pytest.mark.parametrize('killed', [False, True],
                               ids=['disconnected', 'smbd killed'])


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('persistent', {
            'pkg': {**CACHING_SHARE, 'continuous availability': 'yes'}},
            {'persistent handles': 'yes'}) as server:
        server.put('pkg', 'app/tool.exe', b'MZ' * 100)
        yield server


_drain = pytest.fixture(purging_drain, name='drain')


def open_persistent(tree):
    """As a client of a highly available share does"""
    return tree.create('app/tool.exe', lease='RH',
                       durable=Durable(2, persistent=True))


def leave(server, tree, killed):
    """The client is away, with or without its smbd's doing"""
    child = server.child_of(tree.connection)
    if killed:
        os.kill(child, signal.SIGKILL)
    tree.connection.drop(reset=True)
    server.wait_gone(child)


def come_back(server, tree, handle):
    """On a new connection, to the handle"""
    connection = Connection(server.port,
                            client_guid=tree.connection.client_guid)
    again = connection.session().tree('pkg')
    try:
        return again.reconnect(handle)
    except BaseException:
        connection.drop()
        raise


@LOST
def test_it_holds_and_may_come_back(server, drain, killed):
    """It is shown as away, and counts as before when it is back"""
    tree = connect(server.port)
    handle = open_persistent(tree)
    assert handle.durable
    leave(server, tree, killed)
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    holder, = drain.holders('pkg/app')
    assert holder['disconnected']
    back = come_back(server, tree, handle)
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    assert not drain.holders('pkg/app')[0]['disconnected']
    assert back.read(length=2) == b'MZ'
    back.close()
    drain.wait('pkg/app', '--timeout=20')
    back.tree.connection.drop()


@LOST
def test_purge(server, drain, killed):
    """--purge-durables removes it; then nobody can come back to it"""
    tree = connect(server.port)
    handle = open_persistent(tree)
    leave(server, tree, killed)
    drain.begin('pkg/app', '--wait', '--purge-durables', '--timeout=20')
    assert drain.state('pkg/app') == 'quiescent'
    with pytest.raises(SmbError):
        come_back(server, tree, handle)


def test_no_new_ones(server, drain):
    """What is granted while it drains is not persistent"""
    with connect(server.port) as tree:
        first = open_persistent(tree)
        drain.begin('pkg/app', '--let-holders-finish')
        second = open_persistent(tree)
        assert first.durable and not second.durable
