"""The harness itself, on a plain share: no module, no tool."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from lib.impacket_client import ImpacketClient
from lib.load import Load
from lib.network import has_ipv6
from lib.smb2 import (Access, Break, Close, Connection, ConnectionLost,
                      Create, Durable, LeaseState, NtStatus, OplockLevel,
                      Read, SessionFlag, Share, SmbError, connect,
                      NOTIFY_DIRECTORY_NAMES,
                      SMB_2_0_2, SMB_2_1, SMB_3_0, SMB_3_1_1)
from lib.smbclient import SMB1_SERVER, SmbClient
from lib.smbd import (DURABLE_SHARE, SmbdError, stock_modules,
                      wait_until)
from lib.waiting import remove_tree

PLAIN = {'pkg': DURABLE_SHARE}
USER, PASSWORD = 'daemon', 'Not-a-secret-1'

pytestmark = pytest.mark.no_memcheck('is about the tests themselves')


# -- server

def test_server_has_its_own_processes(smbd):
    """Clients and helpers are told apart; a new share needs no restart."""
    server = smbd(PLAIN)
    assert server.children() == []
    with connect(server.port) as tree:
        assert server.children() == [server.child_of(tree.connection)]
        assert 'PONG' in server.smbcontrol(server.pid, 'ping')
        assert 'pkg' in server.smbstatus('-S')
        server.set_share('new', {})
        server.reload()
        tree.session.tree('new')
    server.wait_children(0)


def test_server_keeps_its_port_and_leaves_nothing(smbd):
    """A restart is one to clients too; stop() leaves no process."""
    server = smbd(PLAIN)
    port = server.port
    with connect(port) as tree:
        server.restart()
        tree.connection.wait_lost()
    with connect(port):
        pids = server.pids()
        assert len(pids) > 1
        server.stop()
    for pid in pids:
        server.wait_gone(pid, 0)


def test_kill_of_one_child_leaves_the_others(smbd):
    """SIGKILL ends one client's server only."""
    server = smbd(PLAIN)
    server.put('pkg', 'file', 'text')
    with connect(server.port) as first, connect(server.port) as second:
        victim = server.child_of(first.connection)
        server.kill(victim, signal.SIGKILL)
        server.wait_gone(victim)
        first.connection.wait_lost()
        with pytest.raises(ConnectionLost):
            first.create('file')
        assert second.read_file('file') == b'text'
        assert server.children() == [server.child_of(second.connection)]


def test_server_sees_a_module_that_is_not_installed(smbd, tmp_path):
    """Only this server does: a copy stands in for a stock module."""
    copy = tmp_path / 'copy.so'
    shutil.copy(stock_modules() / 'audit.so', copy)
    server = smbd({'pkg': {'vfs objects': 'audit'}, 'plain': {}},
                  modules={'audit': copy})
    with connect(server.port, 'plain') as tree:
        maps = Path(f'/proc/{server.child_of(tree.connection)}/maps')
        assert str(copy) not in maps.read_text()
        tree.session.tree('pkg')
        assert str(copy) in maps.read_text()


# Once that file is there no process that exits comes to its end
HANGS = r'''
#include <unistd.h>

void _exit(int status);
void exit(int status)
{
	while (access(FLAG, F_OK) == 0) {
		pause();
	}
	_exit(status);
}
'''


def test_smbd_that_does_not_end(smbd, preloaded, tmp_path):
    """No test passes then, but one that stands still need not end"""
    flag = tmp_path / 'hangs'
    tmp_path.chmod(0o755)
    server = smbd(environment=preloaded(HANGS.replace('FLAG', f'"{flag}"')))
    with connect(server.port) as tree:
        server.kill(server.child_of(tree.connection), signal.SIGSTOP)
        server.stop(timeout=1)
    server.start()
    flag.touch()
    with pytest.raises(SmbdError, match='did not end at SIGTERM'):
        server.stop(timeout=1)
    assert server.pids() == []


@pytest.mark.logs_may_contain('PANIC: harness')
def test_logs_of_a_crash_are_found(smbd):
    """check_logs() sees what smbd writes when it dies."""
    server = smbd(PLAIN)
    server.check_logs()
    (server.log_dir / 'log.client').write_text('PANIC: harness\n')
    with pytest.raises(SmbdError, match='PANIC'):
        server.check_logs()


@pytest.fixture(name='crowd')
def _crowd(tmp_path):
    """A directory with ten files"""
    crowd = tmp_path / 'crowd'
    crowd.mkdir()
    for number in range(10):
        (crowd / str(number)).touch()
    return crowd


def test_files_that_somebody_else_removes(crowd, monkeypatch):
    """They are gone when it is their turn: that is no error"""
    unlink = os.unlink

    def unlink_too_late(*args, **kwargs):
        unlink(*args, **kwargs)
        unlink(*args, **kwargs)

    monkeypatch.setattr(os, 'unlink', unlink_too_late)
    remove_tree(crowd)
    assert not crowd.exists()


def test_files_that_cannot_be_removed(crowd, monkeypatch):
    """Any other error is one"""
    def refuse(*_args, **_kwargs):
        raise PermissionError

    monkeypatch.setattr(os, 'unlink', refuse)
    with pytest.raises(PermissionError):
        remove_tree(crowd)


# -- raw client

@pytest.mark.parametrize('dialect', [SMB_2_0_2, SMB_2_1, SMB_3_0, SMB_3_1_1],
                         ids=hex)
def test_raw_client(smbd, dialect):
    """Every dialect and kind of session; a user's is signed."""
    server = smbd(PLAIN)
    server.add_user(USER, PASSWORD)
    for user, password, flags in ((None, None, 0),
                                  ('unknown', None, SessionFlag.IS_GUEST),
                                  (USER, PASSWORD, 0)):
        with connect(server.port, user=user, password=password,
                     dialects=(dialect,)) as tree:
            assert tree.connection.dialect == dialect
            assert tree.session.flags == flags
            assert bool(tree.session.signer) == bool(password)
            _use_tree(tree)
            tree.disconnect()
            tree.session.logoff()


def _use_tree(tree):
    content = b'0123456789' * 10000
    tree.write_file('file', content)
    assert tree.read_file('file') == content
    assert [entry.name for entry in tree.list_directory()] == ['file']
    tree.unlink('file')
    assert tree.status_of_open('file') == NtStatus.OBJECT_NAME_NOT_FOUND


def test_wrong_password(smbd):
    """A known user needs the right password."""
    server = smbd(PLAIN)
    server.add_user(USER, PASSWORD)
    with pytest.raises(SmbError) as caught:
        connect(server.port, user=USER, password='wrong')
    assert caught.value.status == NtStatus.LOGON_FAILURE


def test_several_sessions_and_trees(smbd):
    """Two users and three trees on one connection."""
    server = smbd({'pkg': {}, 'two': {}})
    server.add_user(USER, PASSWORD)
    with Connection(server.port) as connection:
        anonymous = connection.session()
        user = connection.session(USER, PASSWORD)
        trees = [anonymous.tree('pkg'), user.tree('pkg'), user.tree('two')]
        for tree in trees:
            tree.write_file('file', b'text')
        anonymous.logoff()
        with pytest.raises(SmbError) as caught:
            trees[0].read_file('file')
        assert caught.value.status == NtStatus.USER_SESSION_DELETED
        assert trees[1].read_file('file') == b'text'
        assert len(server.children()) == 1


def test_set_info(smbd):
    """Rename, hard link, sizes and deletion through a handle."""
    server = smbd(PLAIN)
    root = server.share_path('pkg')
    server.put('pkg', 'dir/a', 'text')
    with connect(server.port) as tree:
        with tree.create('dir/a', Access.READ_WRITE | Access.DELETE) as file:
            file.rename('dir/b')
            file.link('dir/c')
            file.set_size(2)
            file.set_allocation(4096)
        assert (root / 'dir/b').read_text() == 'te'
        assert (root / 'dir/c').samefile(root / 'dir/b')
        with tree.create('dir/c', Access.DELETE) as file:
            file.set_delete()
    assert [path.name for path in (root / 'dir').iterdir()] == ['b']


def test_lease_break(smbd):
    """An open waits, visibly, until the holder has acknowledged."""
    server = smbd(PLAIN)
    server.put('pkg', 'file')
    with connect(server.port) as first, connect(server.port) as second:
        holder = first.create('file', lease='RWH')
        assert holder.lease.state == LeaseState.of('RWH')
        request = second.create_nowait('file', Access.READ_WRITE)
        notification = first.connection.wait_break()
        assert notification.is_lease and notification.ack_required
        assert notification.key == holder.lease.key
        assert notification.new == LeaseState.of('RH')
        interim = request.wait_interim()
        assert interim.status == NtStatus.PENDING and interim.async_id
        assert not request.done
        notification.ack()
        request.wait().close()
        assert request.reply.time >= notification.time


@pytest.mark.parametrize('level', [OplockLevel.EXCLUSIVE, OplockLevel.BATCH])
def test_oplock_break_is_answered_by_itself(smbd, level):
    """on_break acts for a well-behaved client."""
    server = smbd(PLAIN)
    server.put('pkg', 'file')
    with (connect(server.port, on_break=Break.ack) as first,
          connect(server.port) as second):
        assert first.create('file', oplock=level).oplock == level
        second.create('file').close()
        notification = first.connection.wait_break()
        assert notification.new == OplockLevel.II


@pytest.mark.parametrize('version, dialect', [(1, SMB_2_1), (2, SMB_3_1_1)])
@pytest.mark.parametrize('reset', [False, True], ids=['close', 'reset'])
def test_durable_handle(smbd, version, dialect, reset):
    """A durable handle outlives its connection."""
    server = smbd(PLAIN)
    server.put('pkg', 'file', 'text')
    first = connect(server.port, dialects=(dialect,))
    handle = first.create('file', lease='RH', durable=Durable(version))
    assert handle.durable
    child = server.child_of(first.connection)
    first.connection.drop(reset)
    server.wait_gone(child)
    guid = first.connection.client_guid
    with connect(server.port, dialects=(dialect,),
                 client_guid=guid) as second:
        again = second.reconnect(handle)
        assert again.lease.key == handle.lease.key
        assert again.read() == b'text'
        again.close()
        with pytest.raises(SmbError) as caught:
            second.reconnect(handle)
        assert caught.value.status == NtStatus.OBJECT_NAME_NOT_FOUND


def test_compound(smbd):
    """Related messages share a handle, unrelated ones only the frame."""
    server = smbd(PLAIN)
    server.put('pkg', 'file', 'text')
    with connect(server.port, user=None) as tree:
        chain = tree.compound(Create('file'), Read(), Close())
        assert [request.status() for request in chain] == [0, 0, 0]
        assert chain[1].wait() == b'text'
        chain = tree.compound(Create('none'), Create('file'), related=False)
        assert chain[0].status() == NtStatus.OBJECT_NAME_NOT_FOUND
        chain[1].wait().close()


@pytest.mark.parametrize('user, password', [(None, None), (USER, PASSWORD)],
                         ids=['anonymous', 'signed'])
def test_cancel_of_a_blocked_lock(smbd, user, password):
    """A lock waits for another one; cancel ends only the waiting."""
    server = smbd(PLAIN)
    server.add_user(USER, PASSWORD)
    server.put('pkg', 'file')
    with (connect(server.port) as first,
          connect(server.port, user=user, password=password) as second):
        first.create('file', Access.READ_WRITE).lock(0, 10)
        handle = second.create('file', Access.READ_WRITE)
        with pytest.raises(SmbError) as caught:
            handle.lock(0, 10, block=False)
        assert caught.value.status == NtStatus.LOCK_NOT_GRANTED
        request = handle.lock_nowait(0, 10)
        assert request.wait_interim().async_id
        second.connection.echo()
        request.cancel()
        assert request.status() == NtStatus.CANCELLED
        handle.close()


def test_change_notification(smbd):
    """A watch on a directory reports and ends as it should."""
    server = smbd(PLAIN)
    with connect(server.port) as tree:
        root = tree.create('', Access.READ)
        request = root.notify_nowait(NOTIFY_DIRECTORY_NAMES)
        assert request.wait_interim()
        time.sleep(0.5)     # notifyd is told of it after we are
        tree.make_directory('new')
        # Newer smbds make it by a name of their own and rename it
        (action, name), = request.wait()
        assert action == 1 and name.split(':')[-1] == 'new'
        watched = tree.create('', Access.READ)
        request = watched.notify_nowait()
        assert request.wait_interim()
        watched.close()
        assert request.status() == NtStatus.NOTIFY_CLEANUP


def test_share_modes(smbd):
    """Two servers exclude each other on one file."""
    server = smbd(PLAIN)
    server.put('pkg', 'file')
    with connect(server.port) as first, connect(server.port) as second:
        first.create('file', share=Share.NONE)
        assert second.status_of_open('file') == NtStatus.SHARING_VIOLATION


@pytest.mark.skipif(not has_ipv6(), reason='no ::1 here')
def test_ipv6(smbd):
    """The server listens on the other loopback address as well."""
    server = smbd(PLAIN)
    server.put('pkg', 'file', 'text')
    with connect(server.port, host='::1') as tree:
        assert tree.read_file('file') == b'text'
        server.child_of(tree.connection)


# -- other clients

@pytest.mark.parametrize('dialect', [SMB_2_1, SMB_3_0], ids=hex)
@pytest.mark.parametrize('user, password', [('', ''), (USER, PASSWORD)],
                         ids=['anonymous', 'user'])
def test_impacket(smbd, dialect, user, password):
    """The second client agrees with the first."""
    server = smbd(PLAIN)
    server.add_user(USER, PASSWORD)
    with (connect(server.port) as raw,
          ImpacketClient(server.port, user=user, password=password,
                         dialect=dialect) as client):
        assert client.dialect == dialect
        client.write_file('file', b'text')
        assert raw.read_file('file') == b'text'
        raw.create('file', share=Share.NONE).close()
        file_id = client.open('file', share=Share.NONE)
        assert raw.status_of_open('file') == NtStatus.SHARING_VIOLATION
        assert client.status_of_open('file') == NtStatus.SHARING_VIOLATION
        client.close(file_id)
        client.rename('file', 'other')
        assert client.list() == ['other']
        client.delete('other')
        assert client.status_of_open('x') == NtStatus.OBJECT_NAME_NOT_FOUND


@pytest.mark.parametrize('protocol', ['NT1', 'SMB2_10', 'SMB3_11'])
def test_smbclient(smbd, protocol):
    """Samba's client, SMB1 included."""
    server = smbd(PLAIN, SMB1_SERVER)
    server.put('pkg', 'dir/file', 'content')
    client = SmbClient(server, protocol=protocol)
    result = client.run('get dir/file -')
    assert result.statuses == [] and 'content' in result.output
    with connect(server.port) as tree:
        tree.create('dir/file', share=Share.NONE)
        result = client.run('get dir/file -')
        assert result.status == NtStatus.SHARING_VIOLATION
    assert client.run('cd none').status == NtStatus.OBJECT_NAME_NOT_FOUND


def test_smbclient_waits_for_a_lease(smbd):
    """A client that has to wait can be watched while it does."""
    server = smbd(PLAIN)
    server.put('pkg', 'file', 'content')
    with connect(server.port) as tree:
        tree.create('file', Access.READ_WRITE, lease='RWH')
        run = SmbClient(server).start('get file -')
        notification = tree.connection.wait_break()
        assert run.running
        notification.ack()
        assert 'content' in run.wait().output


# -- load

def test_load(smbd, tmp_path):
    """Fifty connections; who dies, who is refused and when is known."""
    server = smbd(PLAIN)
    log = tmp_path / 'creates'
    with Load(server.port, conns=50, files=2, log=log) as load:
        assert load.ready.open == 100
        assert len(server.wait_children(50)) == 50
        load.churn(0.3, wait=False)
        time.sleep(0.1)
        moment = time.time()
        churned = load.finish_churn()
        assert churned.granted > 50 and churned.refused == 0
        assert 0 < load.since(moment).granted < churned.granted

        assert load.close_all_but(7).open == 2
        assert load.last_close is None
        assert load.close_all().open == 0
        assert load.last_close > moment

        assert load.open().open == 100
        server.kill(server.children()[0])
        assert load.wait_word('DEAD').dead == 1
        assert load.drop(reset=True).dropped == 49
        server.wait_children(0)
        assert load.connect().dead == 0
        assert load.open().open == 100
    assert len(log.read_text().splitlines()) == 100 + churned.granted + 200
    server.wait_children(0)


def test_load_counts_what_is_refused_and_parked(smbd):
    """A churn goes on when it is refused, and does not wait for what the
    server keeps waiting."""
    server = smbd(PLAIN)
    for number in range(4):
        server.put('pkg', f'file{number}')
    with connect(server.port) as tree:
        tree.create('file0', share=Share.NONE)
        tree.create('file1', Access.READ_WRITE, lease='RWH')
        with Load(server.port, conns=4, name='file%c', files=0) as load:
            began = time.time()
            churned = load.churn(0.2)
            assert set(churned.statuses) == {NtStatus.SUCCESS,
                                             NtStatus.SHARING_VIOLATION}
            assert churned.parked == 1
            assert began < churned.first_refused < churned.time
            tree.connection.wait_break().ack()
            wait_until(lambda: load.state().parked == 0, 5, 'parked open')


def test_load_acknowledges_lease_breaks(smbd):
    """A load of leases gives them back when asked."""
    server = smbd(PLAIN)
    with Load(server.port, conns=3, name='file%c', lease='RWH') as load:
        with connect(server.port) as tree:
            for number in range(3):
                tree.create(f'file{number}').close()
        assert load.state().breaks == 3
