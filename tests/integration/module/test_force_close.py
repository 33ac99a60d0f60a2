"""Forced close: handles go, connections stay, nothing is lost and nobody
panics."""

import os
import struct
import threading
import time

import pytest

from lib.caching import CACHING_SHARE, WritingClient
from lib.drain import complaint, ended, stopped
from lib.impacket_client import ImpacketClient
from lib.smb2 import (Access, Disposition, NtStatus, OplockLevel, Option,
                      SmbError, connect)
from lib.slow import SLOW_SHARE, SlowDisk
from lib.smbclient import SmbClient
from lib.smbd import PrivateSmbd, samba_release, wait_until

USER, PASSWORD = 'daemon', 'Not-a-secret-1'
CLOSED = NtStatus.FILE_CLOSED
SLOW = 1        # seconds that a read or write of the share `slow` takes
BREAK_TIMEOUT = 35


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    quiet = {**CACHING_SHARE, 'drain:break leases': 'no'}
    with PrivateSmbd('force', {
            'pkg': {**CACHING_SHARE, 'vfs objects': 'drain streams_xattr'},
            'quiet': quiet,
            'slow': {**quiet, **SLOW_SHARE},
            'dirs': {**quiet, 'drain:count directories': 'yes'},
            'elsewhere': {}}) as server:
        server.add_user(USER, PASSWORD)
        for share in server.shares:
            server.put(share, 'app/tool.exe', b'MZ' * 100)
            server.put(share, 'app/lib/tool.dll', b'MZ')
            server.put(share, 'other/data.bin', b'data')
        yield server


@pytest.fixture(name='tree')
def _tree(server):
    """A client of pkg, with a handle outside of the target"""
    with connect(server.port) as tree:
        outside = tree.create('other/data.bin', lease='R')
        yield tree
        assert outside.read() == b'data', 'a handle outside of the target'
        tree.connection.echo()


def close(drain, target='pkg/app', *options, **keywords):
    """smbdrain close; the lines of its answer"""
    return drain.call('close', target, *options,
                      **keywords).stdout.splitlines()


def status_of(operation, *args, **fields):
    """What an operation is answered"""
    try:
        operation(*args, **fields)
    except SmbError as error:
        return error.status
    return NtStatus.SUCCESS


def is_gone(handle):
    """Whether all that a client may do with it is answered FILE_CLOSED"""
    return {status_of(handle.read), status_of(handle.query_info),
            status_of(handle.write, b'x'), status_of(handle.close)} == {CLOSED}


# -- one handle

def test_next_call_answers_file_closed(drain, tree):
    """The handle is gone, the file can be opened again"""
    handle = tree.create('app/tool.exe', Access.READ_WRITE)
    assert len(close(drain)) == 1
    assert is_gone(handle)
    assert drain.holders('pkg/app') == []
    assert tree.read_file('app/tool.exe') == b'MZ' * 100


def test_impacket(server, drain):
    """Its next call fails, its connection lives"""
    with ImpacketClient(server.port) as client:
        file_id = client.open('app/tool.exe')
        close(drain)
        with pytest.raises(SmbError) as caught:
            client.read(file_id)
        assert caught.value.status == CLOSED
        assert client.read_file('app/lib/tool.dll') == b'MZ'


def test_smbclient_in_the_midst_of_a_file(server, drain):
    """It says so; whether it goes on with its connection is its own choice"""
    path = server.put('pkg', 'app/large')
    os.truncate(path, 200 << 20)
    # It stands still while nobody reads what it writes.
    run = SmbClient(server).start('get app/large -')
    wait_until(lambda: drain.holders('pkg/app'), 10, 'smbclient', 0.05)
    close(drain)
    result = run.wait()
    path.unlink()
    assert result.statuses == [CLOSED]
    assert SmbClient(server).run('get app/tool.exe -').statuses == []


def test_through_all_shares_of_a_tree(server, drain):
    """A handle that came through another share of the same files goes too"""
    server.set_share('twin', {**CACHING_SHARE,
                              'path': server.share_path('pkg')})
    server.reload()
    with connect(server.port, 'twin') as tree:
        handle = tree.create('app/tool.exe')
        assert 'twin/app/tool.exe' in close(drain)[0]
        assert is_gone(handle)
    server.remove_share('twin')
    server.reload()


def test_two_handles_of_one_file(drain, tree):
    """Both, and their byte range locks"""
    first = tree.create('app/tool.exe', Access.READ_WRITE)
    second = tree.create('app/tool.exe', Access.READ_WRITE)
    first.lock(0, 10)
    assert len(close(drain)) == 2
    assert is_gone(first) and is_gone(second)
    with tree.create('app/tool.exe', Access.READ_WRITE) as again:
        again.lock(0, 10, block=False)


def test_closed_twice(drain, tree):
    """There is nothing left to close the second time"""
    tree.create('app/tool.exe')
    close(drain)
    assert close(drain) == ['nothing to close']


def test_durable_handle(server, drain):
    """It does not come back by its durability"""
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', lease='RWH', durable=2)
        close(drain)
        tree.connection.drop(reset=True)
    with connect(server.port,
                 client_guid=tree.connection.client_guid) as again:
        assert (status_of(again.reconnect, handle) ==
                NtStatus.OBJECT_NAME_NOT_FOUND)


# -- caches

@pytest.mark.parametrize('patience', [0, 0.5])
@pytest.mark.parametrize('lease', ['RWH', 'RW'])
def test_unwritten_data_reaches_the_file(server, drain, lease, patience):
    """A client that caches writes is asked first, and given its time"""
    data = os.urandom(1000)
    with WritingClient(server.port, data, patience, share='quiet') as client:
        client.open('app/tool.exe', Access.READ_WRITE, lease)
        drain.begin('quiet/app')
        close(drain, 'quiet/app')
        assert client.written.wait(5) and client.error is None
        path = server.share_path('quiet') / 'app/tool.exe'
        assert path.read_bytes()[:1000] == data
        assert is_gone(client.handle)


def test_unwritten_data_at_a_deadline(server, drain):
    """The deadline with force does as much"""
    data = os.urandom(1000)
    with WritingClient(server.port, data, 0.4, share='quiet') as client:
        client.open('app/tool.exe', Access.READ_WRITE)
        drain.begin('quiet/app', '--wait', '--timeout=1',
                    '--on-timeout=force')
        assert client.written.wait(5) and client.error is None
        path = server.share_path('quiet') / 'app/tool.exe'
        assert path.read_bytes()[:1000] == data


def test_much_unwritten_data(server, drain):
    """A client that takes longer is waited for while it makes progress"""
    handles = []
    flushed = threading.Event()

    def flush(notification):
        for part in range(6):
            time.sleep(0.4)
            handles[0].write(b'%d' % part, part)
        notification.ack()
        flushed.set()

    path = server.put('quiet', 'app/empty', b'')
    with connect(server.port, 'quiet', on_break=flush) as tree:
        handles.append(tree.create('app/empty', Access.READ_WRITE,
                                   lease='RWH'))
        close(drain, 'quiet/app')
        assert flushed.wait(5)
        assert path.read_bytes() == b'012345'
        assert is_gone(handles[0])


def test_unwritten_data_on_a_slow_disk(server, drain):
    """A write that takes longer than the grace is a sign of life too"""
    path = server.put('slow', 'app/empty', b'-')
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/empty', Access.READ_WRITE, lease='RWH')
        closer = drain.start('close', 'slow/app')
        with ended(closer):
            notification = tree.connection.wait_break()
            request = disk.hang(handle, lambda: handle.write_nowait(b'first'))
            disk.go_on_later(2 * SLOW)
            assert request.status() == NtStatus.SUCCESS
            handle.write(b'second', 5)
            notification.ack()
            assert closer.wait(10) == 0
        assert is_gone(handle)
    assert path.read_bytes() == b'firstsecond'


def test_unwritten_data_under_an_oplock(server, drain):
    """A batch oplock caches writes as well"""
    path = server.share_path('quiet') / 'app/tool.exe'
    flushed = threading.Event()
    handles = []

    def flush(notification):
        time.sleep(0.3)
        handles[0].write(b'flushed')
        notification.ack()
        flushed.set()

    with connect(server.port, 'quiet', on_break=flush) as tree:
        handles.append(tree.create('app/tool.exe', Access.READ_WRITE,
                                   oplock=OplockLevel.BATCH))
        close(drain, 'quiet/app')
        assert flushed.wait(5)
        assert path.read_bytes().startswith(b'flushed')
        assert is_gone(handles[0])


def test_client_that_never_acknowledges(drain, tree):
    """It is waited for a little, not for the 35 s of smbd; meanwhile the
    target is not quiescent"""
    handle = tree.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
    drain.begin('pkg/app')
    notification = tree.connection.wait_break()
    drain.wait('pkg/app', '--timeout=1', expect=124)
    began = time.monotonic()
    close(drain)
    drain.wait('pkg/app', '--timeout=5')
    assert time.monotonic() - began < BREAK_TIMEOUT / 3
    assert is_gone(handle)
    assert notification.ack_nowait().status().is_error


def test_deadline_for_one_that_never_acknowledges(drain, tree):
    """The same by --on-timeout=force, with the break under way"""
    handle = tree.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
    began = time.monotonic()
    drain.begin('pkg/app', '--wait', '--timeout=1', '--on-timeout=force')
    assert time.monotonic() - began < BREAK_TIMEOUT / 3
    assert drain.state('pkg/app') == 'quiescent'
    assert is_gone(handle)


def test_client_that_closes_when_it_is_asked(server, drain):
    """That is as good as a close by force: nothing is left of it"""
    with connect(server.port, 'quiet', on_break=lambda _: handle.close()) as (
            tree):
        handle = tree.create('app/tool.exe', lease='RWH')
        lines = close(drain, 'quiet/app')
        assert 'app/tool.exe' in lines[0]
        assert drain.holders('quiet/app') == []


def test_opener_that_waits_for_the_break(server, drain):
    """Somebody who waits for the lease gets the file when it is closed"""
    with (connect(server.port, 'quiet') as tree,
          connect(server.port, 'quiet') as other):
        tree.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        request = other.create_nowait('app/tool.exe')
        assert request.wait_interim()
        close(drain, 'quiet/app')
        request.wait(5).close()


# -- requests under way

def test_read_in_flight(server, drain):
    """It is answered, with its data, and then the handle goes"""
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/tool.exe')
        outside = tree.create('other/data.bin')
        requests = [disk.hang(handle), disk.hang(outside)]
        disk.go_on_later(SLOW)
        began = time.monotonic()
        close(drain, 'slow/app')
        assert time.monotonic() - began >= SLOW / 2
        assert requests[0].done and requests[0].wait() == b'MZ'
        assert is_gone(handle)
        assert requests[1].wait() == b'da'
        assert outside.read() == b'data'
        assert drain.holders('slow/app') == []


def test_write_in_flight(server, drain):
    """It reaches the file"""
    path = server.put('slow', 'app/written', b'early')
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/written', Access.READ_WRITE)
        request = disk.hang(handle, lambda: handle.write_nowait(b'later'))
        disk.go_on_later(SLOW)
        close(drain, 'slow/app')
        assert request.status() == NtStatus.SUCCESS
        assert path.read_bytes() == b'later'
        assert is_gone(handle)


def test_many_reads_in_flight(server, drain):
    """At a deadline, several on each of several handles"""
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handles = [tree.create('app/tool.exe') for _ in range(4)]
        requests = [disk.hang(handle) for handle in handles * 3]
        disk.go_on_later(2 * SLOW)
        drain.begin('slow/app', '--wait', '--timeout=0.3',
                    '--on-timeout=force')
        assert {request.status() for request in requests} == {
            NtStatus.SUCCESS}
        assert all(map(is_gone, handles))


RESUME_KEY, COPYCHUNK = 0x140078, 0x1440f2


class Copy:
    """Of a part of a file within it: parts that overlap are read and written,
    others the kernel copies"""

    def __init__(self, server, tree, name):
        self.path = server.put('slow', name, b'MZ' * 100)
        self.source, self.copy = (tree.create(name, Access.READ_WRITE)
                                  for _ in range(2))
        self._chunks = (
            self.source.ioctl(RESUME_KEY, max_output=32)[:24] +
            struct.pack('<IIQQII', 1, 0, 0, 100, 200, 0))

    def hang(self, disk):
        """Start it"""
        return disk.hang(self.source, lambda: self.copy.ioctl_nowait(
            COPYCHUNK, self._chunks, max_output=12))


def test_copy_within_the_server(server, drain):
    """It is a request to where it goes; where it comes from waits as well"""
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        copy = Copy(server, tree, 'app/copied')
        request = copy.hang(disk)
        closer = drain.start('close', 'slow/app')
        with ended(closer):
            wait_until(lambda: status_of(copy.source.query_info) == CLOSED, 10,
                       'turned away', 0.05)
            time.sleep(SLOW / 4)
            assert len(drain.holders('slow/app')) == 2
            disk.go_on()
            assert closer.wait(10) == 0
        assert is_gone(copy.source) and is_gone(copy.copy)
        assert request.status() == NtStatus.SUCCESS
        assert copy.path.read_bytes() == b'MZ' * 150


def test_new_request_while_one_is_in_flight(server, drain):
    """It is turned away at once: nothing new begins"""
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/tool.exe')
        request = disk.hang(handle)
        closer = drain.start('close', 'slow/app')
        wait_until(lambda: status_of(handle.query_info) == CLOSED, 10,
                   'turned away', 0.05)
        assert not request.done
        assert len(drain.holders('slow/app')) == 1
        disk.go_on()
        assert closer.wait(10) == 0, closer.communicate()
        closer.communicate()
        assert request.wait() == b'MZ'


def test_client_closes_with_a_read_in_flight(server, drain):
    """Its own close is answered, and nothing is closed twice"""
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/tool.exe')
        request = disk.hang(handle)
        own = handle.close_nowait()
        disk.go_on_later(SLOW)
        drain.call('close', 'slow/app')
        assert request.wait() == b'MZ'
        assert own.status() in (NtStatus.SUCCESS, CLOSED)
        assert is_gone(handle)


def test_client_closes_after_the_close_has_begun(server, drain):
    """The same the other way round"""
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/tool.exe')
        request = disk.hang(handle)
        closer = drain.start('close', 'slow/app')
        wait_until(lambda: status_of(handle.query_info) == CLOSED, 10,
                   'turned away', 0.05)
        assert handle.close_nowait().status() == CLOSED
        disk.go_on()
        assert closer.wait(10) == 0, closer.communicate()
        closer.communicate()
        assert request.wait() == b'MZ'


def test_blocked_lock(server, drain):
    """It is answered, and gives nothing to its client"""
    with (connect(server.port, user=USER, password=PASSWORD) as first,
          connect(server.port) as second):
        holder = first.create('app/tool.exe', Access.READ_WRITE)
        holder.lock(0, 10)
        handle = second.create('app/tool.exe', Access.READ_WRITE)
        outside = second.create('other/data.bin')
        request = handle.lock_nowait(0, 10)
        assert request.wait_interim()
        close(drain, 'pkg/app', '--user=nobody')
        assert request.status(5).is_error
        assert is_gone(handle)
        assert outside.read() == b'data'
        holder.unlock(0, 10)
        holder.close()


def test_lock_that_waits_for_another_closed_one(drain, tree):
    """Both go at once; whoever is first, no lock is left"""
    holder = tree.create('app/tool.exe', Access.READ_WRITE)
    holder.lock(0, 10)
    handles = [tree.create('app/tool.exe', Access.READ_WRITE)
               for _ in range(3)]
    requests = [handle.lock_nowait(0, 10) for handle in handles]
    for request in requests:
        assert request.wait_interim()
    assert len(close(drain)) == 4
    for request in requests:
        request.status(5)
    assert all(map(is_gone, [holder, *handles]))
    with tree.create('app/tool.exe', Access.READ_WRITE) as again:
        again.lock(0, 10, block=False)


def test_pending_notification(server, drain):
    """The watch ends with its directory"""
    with connect(server.port, 'dirs') as tree:
        handle = tree.create('app', options=Option.DIRECTORY_FILE)
        outside = tree.create('other', options=Option.DIRECTORY_FILE)
        watch = handle.notify_nowait()
        other = outside.notify_nowait()
        assert watch.wait_interim() and other.wait_interim()
        drain.begin('dirs/app', '--wait', '--timeout=1',
                    '--on-timeout=force')
        assert watch.status(5) == NtStatus.NOTIFY_CLEANUP
        assert status_of(handle.notify) == CLOSED
        assert not other.done
        tree.create('other/by-smb', Access.READ_WRITE,
                    disposition=Disposition.CREATE).close()
        assert other.wait(5)


def test_notification_is_left_by_default(drain, tree):
    """Directories do not count: they stay open, and watched"""
    handle = tree.create('app', options=Option.DIRECTORY_FILE)
    watch = handle.notify_nowait()
    assert watch.wait_interim()
    tree.create('app/tool.exe')
    close(drain)
    assert not watch.done
    handle.close()
    assert watch.status() == NtStatus.NOTIFY_CLEANUP


def start_deferred_rename(renamer, other, lease='R', **fields):
    """A rename that waits for another client's lease"""
    handle = renamer.create('app/lib/tool.dll', Access.READ | Access.DELETE,
                            lease=lease, **fields)
    kept = other.create('app/lib/tool.dll', lease='RH')
    request = handle.rename_nowait('app/lib/renamed.dll')
    notification = other.connection.wait_break()
    assert not request.done
    return handle, kept, request, notification


def undo_rename(server, share):
    """The file is where it was"""
    renamed = server.share_path(share) / 'app/lib/renamed.dll'
    if renamed.exists():
        renamed.rename(renamed.with_name('tool.dll'))


def test_deferred_rename(server, drain):
    """Both handles go at once: it ends, the file is there by one name"""
    with (connect(server.port, 'quiet') as tree,
          connect(server.port, 'quiet') as other):
        handle, kept, request, _ = start_deferred_rename(tree, other)
        outside = [each.create('other/data.bin') for each in (tree, other)]
        began = time.monotonic()
        close(drain, 'quiet/app')
        assert time.monotonic() - began < BREAK_TIMEOUT / 3
        request.status(5)
        assert is_gone(handle) and is_gone(kept)
        names = os.listdir(server.share_path('quiet') / 'app/lib')
        assert names in (['tool.dll'], ['renamed.dll'])
        assert [each.read() for each in outside] == [b'data'] * 2
        undo_rename(server, 'quiet')


def test_deferred_rename_of_one_client(server, drain):
    """Its handle waits for the rename, and that for the other client"""
    with (connect(server.port, 'quiet') as tree,
          connect(server.port, 'quiet', user=USER,
                  password=PASSWORD) as other):
        handle, kept, request, notification = start_deferred_rename(
            tree, other)
        closer = drain.start('close', 'quiet/app', '--user=nobody')
        time.sleep(0.5)
        assert closer.poll() is None
        notification.ack()
        assert closer.wait(10) == 0, closer.communicate()
        closer.communicate()
        request.status(5)
        assert is_gone(handle)
        assert kept.read() == b'MZ'
        kept.close()
        undo_rename(server, 'quiet')


# -- clients that go meanwhile

def test_client_goes_while_it_is_waited_for(server, drain):
    """Its smbd ends with a rename and a close under way"""
    with (connect(server.port, 'quiet') as tree,
          connect(server.port, 'quiet') as other):
        handle, _, _, _ = start_deferred_rename(tree, other)
        child = server.child_of(tree.connection)
        drain.begin('quiet/app', '--timeout=1', '--on-timeout=force')
        wait_until(lambda: status_of(handle.query_info) == CLOSED, 10,
                   'turned away', 0.05)
        other.connection.drop(reset=True)
        tree.connection.drop(reset=True)
        server.wait_gone(child)
        drain.wait('quiet/app', '--timeout=10')
        undo_rename(server, 'quiet')


@pytest.mark.parametrize('how', ['drop', 'disconnect', 'logoff'])
def test_client_leaves_within_its_grace(server, drain, how):
    """It is asked for what it has not written, and leaves instead"""
    with connect(server.port, 'quiet') as tree:
        tree.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        drain.begin('quiet/app', '--timeout=1', '--on-timeout=force')
        tree.connection.wait_break()
        if how == 'drop':
            tree.connection.drop(reset=True)
        elif how == 'logoff':
            tree.session.logoff()
        else:
            tree.disconnect()
        drain.wait('quiet/app', '--timeout=10')
        if how != 'drop':
            tree.connection.echo()


# -- what a close does besides

@pytest.mark.parametrize('order', [1, -1], ids=['base_first', 'stream_first'])
def test_stream_with_its_base(drain, tree, order):
    """Both go, in whatever order they were opened"""
    with tree.create('app/tool.exe:extra', Access.READ_WRITE,
                     disposition=Disposition.OPEN_IF) as stream:
        stream.write(b'extra')
    names = ['app/tool.exe', 'app/tool.exe:extra', 'app/tool.exe:extra']
    handles = [tree.create(name, Access.READ_WRITE)
               for name in names[::order]]
    assert len(close(drain)) == 3
    assert all(map(is_gone, handles))
    assert tree.read_file('app/tool.exe:extra') == b'extra'


def test_stream_alone(drain, tree):
    """Its base, which smbd has opened for itself, goes along"""
    with tree.create('app/tool.exe:extra', Access.READ_WRITE,
                     disposition=Disposition.OPEN_IF) as stream:
        stream.write(b'extra')
    handle = tree.create('app/tool.exe:extra')
    assert 'tool.exe:extra' in close(drain)[0]
    assert is_gone(handle)
    assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS


@pytest.mark.parametrize('how', ['option', 'set_info'])
def test_delete_on_close(server, drain, tree, how):
    """What its client wanted deleted is deleted, though smbd was busy in
    another share"""
    path = server.put('pkg', 'app/temporary')
    if how == 'option':
        handle = tree.create('app/temporary', Access.READ | Access.DELETE,
                             options=Option.DELETE_ON_CLOSE)
    else:
        handle = tree.create('app/temporary', Access.READ | Access.DELETE)
        handle.set_delete()
    elsewhere = tree.session.tree('elsewhere')
    assert elsewhere.read_file('app/tool.exe')
    close(drain)
    assert is_gone(handle)
    assert not path.exists()
    assert elsewhere.read_file('app/tool.exe') == b'MZ' * 100
    assert (server.share_path('elsewhere') / 'app/tool.exe').exists()


def test_deleted_as_its_user(server, drain):
    """Not as root, and not as the user who was served last"""
    with connect(server.port, user=USER, password=PASSWORD) as tree:
        root = tree.connection.session().tree('pkg')
        tree.create('app/mine', Access.READ_WRITE,
                    disposition=Disposition.CREATE).close()
        path = server.share_path('pkg') / 'app/mine'
        tree.create('app/mine', Access.DELETE,
                    options=Option.DELETE_ON_CLOSE)
        assert root.read_file('other/data.bin') == b'data'
        close(drain)
        assert not path.exists()


def test_many_handles_at_once(server, drain, tree):
    """500, with leases that nobody gives back"""
    for number in range(500):
        server.put('pkg', f'app/many/{number}')
    handles = [tree.create(f'app/many/{number}', lease='RH')
               for number in range(500)]
    began = time.monotonic()
    assert len(close(drain)) == 500
    print(f'500 handles: {time.monotonic() - began:.3f} s')
    assert {handle.read_nowait().status() for handle in handles} == {CLOSED}
    assert drain.holders('pkg/app') == []


def test_many_handles_with_everything(server, drain):
    """Reads, locks and leases at once, at a deadline"""
    for number in range(60):
        server.put('slow', f'app/many/{number}', b'MZ')
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handles = [tree.create(f'app/many/{number}', Access.READ_WRITE,
                               lease=('RWH' if number % 3 == 0 else None))
                   for number in range(60)]
        blockers = [tree.create(handle.name, Access.READ_WRITE)
                    for handle in handles[2::3]]
        requests = []
        for blocker, handle in zip(blockers, handles[2::3]):
            blocker.lock(0, 1)
            requests.append(handle.lock_nowait(0, 1))
            assert requests[-1].wait_interim()
        requests += map(disk.hang, handles[1:15:3])
        disk.go_on_later(2 * SLOW)
        drain.begin('slow/app', '--wait', '--timeout=0.3',
                    '--on-timeout=force')
        for request in requests:
            request.status(5)
        assert all(handle.read_nowait().status() == CLOSED
                   for handle in handles + blockers)
        tree.connection.echo()


def test_smbd_dies_meanwhile(server, drain):
    """Nobody waits for what it would have closed"""
    with (connect(server.port, 'quiet') as tree,
          connect(server.port, 'quiet', user=USER,
                  password=PASSWORD) as other):
        start_deferred_rename(tree, other)
        closer = drain.start('close', 'quiet/app', '--user=nobody')
        time.sleep(0.5)
        assert closer.poll() is None
        server.kill(server.child_of(tree.connection))
        try:
            closer.wait(10)
        finally:
            closer.kill()
            closer.communicate()
            undo_rename(server, 'quiet')


# -- whose, and which

@pytest.fixture(name='three')
def _three(server):
    """Handles of three clients: a guest, a user, and one over IPv6"""
    with (connect(server.port) as guest,
          connect(server.port, user=USER, password=PASSWORD,
                  source='127.0.0.2') as user,
          connect(server.port, host='::1') as six):
        yield {'guest': guest.create('app/tool.exe'),
               'user': user.create('app/lib/tool.dll'),
               'six': six.create('app/lib/tool.dll')}


def left(handles):
    """The names of those that are still open"""
    return {name for name, handle in handles.items()
            if handle.read_nowait().status() != CLOSED}


@pytest.mark.parametrize('options, closed', [
    (['--user=daemon'], {'user'}),
    (['--user=DAEMON'], {'user'}),
    (['--user=nobody'], {'guest', 'six'}),
    (['--client=127.0.0.1'], {'guest'}),
    (['--client=::1'], {'six'}),
    (['--client=0:0:0:0:0:0:0:1'], {'six'}),
    (['--client=127.0.0.2'], {'user'}),
    (['--path=*.dll'], {'user', 'six'}),
    (['--path=app/tool.*'], {'guest'}),
    (['--path=APP/TOOL.EXE'], {'guest'}),
    (['--path=*.dll', '--user=nobody'], {'six'}),
    (['--user=root'], set()),
    (['--client=127.0.0.3'], set()),
    (['--path=tool'], set()),
    ([], {'guest', 'user', 'six'}),
], ids=lambda value: '_'.join(sorted(value)) or 'none')
def test_filters(drain, three, options, closed):
    """Only the handles that are meant; all of the options have to fit"""
    lines = close(drain, 'pkg/app', *options)
    assert left(three) == three.keys() - closed
    assert len(lines) == max(len(closed), 1)
    if not closed:
        assert lines == ['nothing to close']


def test_answer_lists_whose(drain, three):
    """User, client, share and path of each"""
    assert sorted(close(drain)) == [
        'closed: daemon@127.0.0.2 pkg/app/lib/tool.dll',
        'closed: nobody@127.0.0.1 pkg/app/tool.exe',
        'closed: nobody@::1 pkg/app/lib/tool.dll']
    assert left(three) == set()


def test_never_another_target(server, drain, tree):
    """Neither a neighbour nor what only begins with the same name"""
    server.put('pkg', 'app2/tool.exe', b'MZ')
    near = tree.create('app2/tool.exe')
    directory = tree.create('app', options=Option.DIRECTORY_FILE)
    attributes = tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY)
    handle = tree.create('app/tool.exe')
    close(drain)
    assert is_gone(handle)
    assert near.read() == b'MZ'
    assert directory.list() and attributes.query_info()


def test_smbd_that_does_not_answer(server, drain, tree):
    """What it has open is not closed, and close says so"""
    child = server.child_of(tree.connection)
    handle = tree.create('app/tool.exe')
    with stopped(child), connect(server.port) as other:
        second = other.create('app/tool.exe')
        done = drain.call('close', 'pkg/app', expect=1)
        assert '1 smbds have not answered' in complaint(done)
        assert len(done.stdout.splitlines()) == 1
        assert is_gone(second)
    assert handle.read(length=2) == b'MZ'
    handle.close()


def test_target_that_is_not_there(drain):
    """It says so, and closes nothing"""
    text = complaint(drain.call('close', 'none/app', expect=1))
    assert 'none' in text


def test_address_that_is_none(drain, tree):
    """--client takes an address; another word fits nobody"""
    handle = tree.create('app/tool.exe')
    assert close(drain, 'pkg/app', '--client=localhost') == [
        'nothing to close']
    handle.close()


@pytest.mark.skipif(samba_release() >= (4, 24), reason='it notices')
def test_client_that_smbd_has_lost_unnoticed(server, drain):
    """Stock smbd goes on with its handles if the connection was reset just
    before it wrote a lease break to it; they can be closed"""
    with connect(server.port) as other:
        client = connect(server.port)
        client.create('app/tool.exe', lease='RWH')
        smbd = server.child_of(client.connection)
        with stopped(smbd):
            waits_for_break = other.create_nowait('app/tool.exe',
                                                  Access.READ_WRITE)
            assert waits_for_break.wait_interim()
            client.connection.drop(reset=True)
        drain.begin('pkg/app')
        assert {holder['server_id'] for holder in drain.holders('pkg/app')} == {
            str(smbd)}
        drain.call('close', 'pkg/app')
        drain.wait('pkg/app', '--timeout=20')
        drain.resume('pkg/app')
        server.kill(smbd)
