"""The commands of the stock smbcontrol work with the module as before."""

import pytest

from lib.smb2 import ConnectionLost, NtStatus, SmbError, connect
from lib.smbd import DURABLE_SHARE

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION


def test_ping(drained):
    """Every smbd answers while something drains"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        for pid in server.pid, server.child_of(tree.connection):
            assert 'PONG' in server.smbcontrol(pid, 'ping')
        assert tree.status_of_open('app/tool.exe') == REFUSED


def test_debug_level(drained):
    """Ours is a debug class that can be set"""
    server, drain = drained()
    with connect(server.port) as tree:
        child = server.child_of(tree.connection)
        server.smbcontrol(child, 'debug', '1 drain:5')
        assert 'drain:5' in server.smbcontrol(child, 'debuglevel')
        drain.begin('pkg/app')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert 'app/tool.exe' in server.logs()


def test_reload_config(drained):
    """A drain goes on over it, and later ones work"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        server.set_share('new', {'vfs objects': 'drain'})
        server.reload()
        tree.session.tree('new')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert tree.status_of_open('other/data.bin') == GRANTED
        assert len(drain.holders('pkg/app')) == 1
        drain.begin('new')
        handle.close()
        drain.wait('pkg/app')
        drain.resume('pkg/app')
        assert tree.status_of_open('app/tool.exe') == GRANTED


def test_module_that_is_taken_away(drained):
    """Who is connected stays guarded; resume works for a share without it"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        server.set_share('pkg', {'vfs objects': None})
        server.reload()
        assert tree.status_of_open('app/tool.exe') == REFUSED
        drain.resume('pkg/app')
        assert tree.status_of_open('app/tool.exe') == GRANTED


def test_close_share_leads_to_quiescent(drained):
    """All holders go; who comes back is refused until resume"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port) as other:
        tree.create('app/tool.exe')
        other.create('app/tool.exe')
        drain.begin('pkg/app')
        server.smbcontrol('smbd', 'close-share', 'pkg')
        drain.wait('pkg/app', '--timeout=10s')
        assert drain.holders('pkg/app') == []
        with pytest.raises(SmbError):
            tree.create('other/data.bin')
        again = tree.session.tree('pkg')
        assert again.status_of_open('app/tool.exe') == REFUSED
        assert again.status_of_open('other/data.bin') == GRANTED
        drain.resume('pkg/app')
        assert again.status_of_open('app/tool.exe') == GRANTED


def test_close_share_while_a_waiter_waits(drained):
    """The waiter wakes up by itself"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        waiter = drain.start('wait', 'pkg/app')
        with pytest.raises(Exception):
            waiter.wait(0.3)
        server.smbcontrol('smbd', 'close-share', 'pkg')
        assert waiter.wait(10) == 0, waiter.communicate()
        assert drain.state('pkg/app') == 'quiescent'
        assert tree.connection.alive


def test_close_share_ends_durable_handles(drained):
    """Nobody is waited for who cannot come back"""
    server, drain = drained({'pkg': {**DURABLE_SHARE,
                                     'vfs objects': 'drain'}})
    server.put('pkg', 'app/tool.exe')
    with connect(server.port) as tree:
        assert tree.create('app/tool.exe', lease='RWH', durable=2).durable
        server.smbcontrol('smbd', 'close-share', 'pkg')
        drain.begin('pkg/app', '--wait', '--timeout=10s')


def test_close_share_of_one_of_two(drained, tmp_path):
    """Holders through the other share are waited for still"""
    server, drain = drained({
        name: {'vfs objects': 'drain', 'path': tmp_path}
        for name in ('one', 'two')})
    server.put('one', 'app/tool.exe')
    with connect(server.port, 'one') as tree:
        tree.create('app/tool.exe')
        handle = tree.session.tree('two').create('app/tool.exe')
        drain.begin('one/app')
        server.smbcontrol('smbd', 'close-share', 'one')
        drain.wait('one/app', '--timeout=0.3', expect=124)
        assert [holder['share'] for holder in drain.holders('one/app')] == [
            'two']
        handle.close()
        drain.wait('one/app')


def test_close_denied_share_of_a_stranger(drained):
    """Closing a share that is not drained leaves the drain alone"""
    server, drain = drained()
    server.set_share('plain', {})
    server.reload()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        server.smbcontrol('smbd', 'close-share', 'plain')
        server.smbcontrol(server.child_of(tree.connection), 'ping')
        assert len(drain.holders('pkg/app')) == 1
        handle.close()
        drain.wait('pkg/app')


def test_kill_client_ip(drained):
    """All connections from there end, and the waiter wakes up"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port) as other:
        tree.create('app/tool.exe')
        other.create('app/tool.exe')
        drain.begin('pkg/app')
        waiter = drain.start('wait', 'pkg/app')
        server.smbcontrol('smbd', 'kill-client-ip', '127.0.0.1')
        for client in tree, other:
            client.connection.wait_lost()
            with pytest.raises(ConnectionLost):
                client.create('other/data.bin')
        assert waiter.wait(10) == 0, waiter.communicate()
    with connect(server.port) as late:
        assert late.status_of_open('app/tool.exe') == REFUSED
        drain.resume('pkg/app')
        assert late.status_of_open('app/tool.exe') == GRANTED


def test_shutdown_of_one_smbd(drained):
    """As kill-client-ip, by process"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        waiter = drain.start('wait', 'pkg/app')
        server.smbcontrol(server.child_of(tree.connection), 'shutdown')
        tree.connection.wait_lost()
        assert waiter.wait(10) == 0, waiter.communicate()


def test_smbstatus(drained):
    """It lists connections and locked files as ever"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        assert 'app/tool.exe' in server.smbstatus('-L')
        assert 'pkg' in server.smbstatus('-S')
