"""What may become of an open while it waits for the end of a drain."""

import shutil
import signal
import time

import pytest

from lib.drain import stopped
from lib.smb2 import (
    Access, Close, ConnectionLost, Create, NtStatus, Read,
    connect)
from lib.smbclient import SmbClient
from lib.smbd import wait_until
from lib.waiting import HOLD, descriptors, memory_of, waits

REFUSED, GRANTED = NtStatus.SHARING_VIOLATION, NtStatus.SUCCESS
USER = 'daemon', 'secret'
MANY = 500
LONG = 60  # seconds for one of so many, on a machine that is busy
# For a second smbd keeps the socket to a tool that it has answered
TOOLS = 20


@pytest.fixture(name='held')
def _held(drained):
    """A server whose pkg/app is under a drain that holds: (server, drain)"""
    server, drain = drained()
    drain.begin('pkg/app', HOLD)
    return server, drain


def opens(tree, number=3):
    """Opens that wait"""
    requests = [tree.create_nowait('app/tool.exe') for _ in range(number)]
    assert requests[-1].wait_interim(LONG)
    assert waits(requests[-1])
    return requests


def test_cancel(held):
    """One is cancelled, before and after the interim answer; others wait"""
    server, drain = held
    with connect(server.port) as tree:
        first, second, third = opens(tree)
        second.cancel()
        assert second.status(5) == NtStatus.CANCELLED
        at_once = tree.create_nowait('app/tool.exe')
        at_once.cancel()
        assert at_once.status(5) == NtStatus.CANCELLED
        assert waits(first) and waits(third)
        drain.resume('pkg/app')
        first.wait(5).close()
        third.wait(5).close()


def test_tree_disconnect(held):
    """What waits on that tree connection is cancelled, nothing else"""
    server, drain = held
    with connect(server.port) as tree:
        other = tree.session.tree('pkg')
        mine, = opens(tree, 1)
        others, = opens(other, 1)
        tree.disconnect_nowait().wait(5)
        assert mine.status(5) == NtStatus.CANCELLED
        assert waits(others)
        drain.resume('pkg/app')
        others.wait(5).close()


def test_logoff(held):
    """Of two sessions one ends"""
    server, drain = held
    server.add_user(*USER)
    with connect(server.port) as tree:
        session = tree.connection.session(*USER)
        mine, = opens(session.tree('pkg'), 1)
        others, = opens(tree, 1)
        session.logoff_nowait().wait(5)
        assert mine.status(5) == NtStatus.CANCELLED
        assert waits(others)
        drain.resume('pkg/app')
        others.wait(5).close()


@pytest.mark.parametrize('reset', [False, True], ids=['close', 'reset'])
def test_connection_lost(held, reset):
    """smbd ends without a trace"""
    server, drain = held
    tree = connect(server.port)
    opens(tree, 20)
    pid = server.child_of(tree.connection)
    tree.connection.drop(reset=reset)
    server.wait_gone(pid)
    assert drain.status()['drains'][0]['waiting_opens'] == 0
    drain.resume('pkg/app')
    with connect(server.port) as tree:
        assert tree.status_of_open('app/tool.exe') == GRANTED


def test_close_share(held):
    """The client is told at once that the share is gone"""
    server, drain = held
    with connect(server.port) as tree:
        requests = opens(tree)
        server.smbcontrol('smbd', 'close-share', 'pkg')
        for request in requests:
            assert request.status(5) == NtStatus.NETWORK_NAME_DELETED
        again = tree.session.tree('pkg')
        request, = opens(again, 1)
        drain.resume('pkg/app')
        request.wait(5).close()


def test_kill_client_ip(held):
    """As when the connection is lost"""
    server, _ = held
    tree = connect(server.port)
    requests = opens(tree)
    pid = server.child_of(tree.connection)
    server.smbcontrol('smbd', 'kill-client-ip', '127.0.0.1')
    server.wait_gone(pid)
    with pytest.raises(ConnectionLost):
        requests[0].wait(5)


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGKILL])
def test_smbd_ends(held, sig):
    """Its clients find the drain as it was when they come back"""
    server, drain = held
    tree = connect(server.port)
    opens(tree)
    pid = server.child_of(tree.connection)
    server.kill(pid, sig)
    server.wait_gone(pid)
    tree.connection.drop()
    with connect(server.port) as tree:
        request, = opens(tree, 1)
        drain.resume('pkg/app')
        request.wait(5).close()


def test_reload(held):
    """smb.conf is read anew meanwhile"""
    server, drain = held
    with connect(server.port) as tree:
        requests = opens(tree)
        server.reload()
        assert waits(requests[0])
        drain.resume('pkg/app')
        for request in requests:
            request.wait(5).close()


def test_another_user(held):
    """Each goes on as whoever has asked"""
    server, drain = held
    server.add_user(*USER)
    (server.share_path('pkg') / 'app/tool.exe').chmod(0o600)
    with connect(server.port) as guest:
        user = guest.connection.session(*USER).tree('pkg')
        refused, = opens(guest, 1)
        granted, = opens(user, 1)
        path = server.share_path('pkg') / 'app/tool.exe'
        path.unlink()
        path.write_bytes(b'for daemon')
        path.chmod(0o400)
        shutil.chown(path, USER[0])
        drain.resume('pkg/app')
        assert refused.status(5) == NtStatus.ACCESS_DENIED
        with granted.wait(5) as handle:
            assert handle.read() == b'for daemon'


@pytest.mark.parametrize('option', [
    '--client-protection=sign', '--client-protection=encrypt'])
def test_signed_and_encrypted(held, option):
    """A real user, by Samba's own client"""
    server, drain = held
    server.add_user(*USER)
    client = SmbClient(server, user=USER[0], password=USER[1],
                       protocol='SMB3_11', options=(option,))
    run = client.start('get app/tool.exe -')
    wait_until(lambda: drain.status()['drains'][0]['waiting_opens'] == 1, 10,
               'an open that waits')
    drain.resume('pkg/app')
    result = run.wait(10)
    assert result.returncode == 0 and not result.statuses, result


def test_compound(held):
    """The rest of the compound waits with its open"""
    server, drain = held
    with connect(server.port) as tree:
        create, read, close = tree.compound(
            Create('app/tool.exe'), Read(), Close())
        assert waits(create)
        server.put('pkg', 'app/tool.exe', b'new')
        drain.resume('pkg/app')
        assert create.status(5) == GRANTED
        assert read.wait(5) == b'new'
        assert close.status(5) == GRANTED


def test_compound_is_cancelled(held):
    """All of it by the end of its tree connection"""
    server, _ = held
    with connect(server.port) as tree:
        requests = tree.compound(Create('app/tool.exe'), Read(), Close())
        assert waits(requests[0])
        tree.disconnect_nowait()
        for request in requests:
            assert request.status(5).is_error


def test_compound_that_smbd_could_not_begin_anew(held):
    """smbd would panic: such an open is refused"""
    server, drain = held
    with connect(server.port) as tree:
        first, second = tree.compound(Create('other/data.bin'),
                                      Create('app/tool.exe'))
        assert first.status(5) == GRANTED
        assert second.status(5) == REFUSED
        first.wait().close()
        requests = tree.compound(
            Create('other/data.bin'), Close(), Create('app/tool.exe'),
            Read(), Close())
        assert waits(requests[2])
        drain.resume('pkg/app')
        assert [request.status(5) for request in requests] == [GRANTED] * 5


def test_unrelated_compound(held):
    """What came before it is answered at once"""
    server, drain = held
    with connect(server.port) as tree:
        first, second = tree.compound(
            Create('other/data.bin'), Create('app/tool.exe'), related=False)
        first.wait(5).close()
        assert waits(second)
        drain.resume('pkg/app')
        second.wait(5).close()


def test_lease_after_a_long_wait(held):
    """smbd does not count it as waited for somebody's lease"""
    server, drain = held
    broken = []
    with connect(server.port) as tree, connect(
            server.port, on_break=broken.append) as owner:
        request = tree.create_nowait('app/tool.exe', Access.READ_WRITE)
        assert waits(request, 1)
        drain.resume('pkg/app')
        request.wait(5).close()
        lease = owner.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        drain.begin('pkg/app', HOLD)
        wait_until(lambda: broken, 10, 'the lease to be broken')
        broken[0].ack()
        waiting = tree.create_nowait('app/tool.exe')
        assert waits(waiting)
        lease.close()
        drain.resume('pkg/app')
        waiting.wait(10).close()


def test_resume_while_smbd_stands_still(held):
    """resume does not wait for ever for one that does not answer"""
    server, drain = held
    with connect(server.port) as tree:
        request, = opens(tree, 1)
        with stopped(server.child_of(tree.connection)):
            began = time.monotonic()
            drain.resume('pkg/app')
            assert time.monotonic() - began < 20
        request.wait(10).close()


@pytest.mark.time_limit(240)
def test_nothing_is_kept(held):
    """Descriptors and memory are back where they were, round after round"""
    server, drain = held
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        before = descriptors(pid)
        memory = []
        for _ in range(4):
            requests = opens(tree, MANY)
            assert descriptors(pid) <= before + TOOLS
            drain.resume('pkg/app')
            for request in requests:
                request.wait(LONG).close(timeout=LONG)
            drain.begin('pkg/app', HOLD)
            assert descriptors(pid) <= before + TOOLS
            memory.append(memory_of(pid))
        assert memory[3] <= 1.1 * memory[1], memory


@pytest.mark.time_limit(240)
def test_cancelled_ones_leave_nothing(held):
    """Cancelled in the midst, the others go on"""
    server, drain = held
    with connect(server.port) as tree:
        requests = opens(tree, MANY)
        for request in requests[::2]:
            request.cancel()
        for request in requests[::2]:
            assert request.status(LONG) == NtStatus.CANCELLED
        assert drain.status()['drains'][0]['waiting_opens'] == MANY // 2
        drain.resume('pkg/app')
        for request in requests[1::2]:
            request.wait(LONG).close(timeout=LONG)
