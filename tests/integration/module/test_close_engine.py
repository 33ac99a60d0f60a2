"""How handles are closed from the server's side, whatever they are doing."""

import struct
import time

import pytest

from lib.caching import CACHING_SHARE
from lib.drain import (MESSAGE_VERSION, MSG_DRAIN_REQUEST, ended,
                       send_messages)
from lib.smb2 import (Access, Disposition, LeaseState, NtStatus, OplockLevel,
                      Option, SmbError, connect)

SHARES = {
    'pkg': {'vfs objects': 'drain streams_xattr', 'kernel oplocks': 'no',
            'drain:count directories': 'yes'},
    'other': {'vfs objects': 'drain'},
}
SCRIPT_SHARE = {'magic': {'vfs objects': 'drain', 'magic script': 'run.sh',
                          'magic output': 'ran.txt'}}

# Of two bytes; smbd reads in a thread
SLOW_READS = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

ssize_t pread(int fd, void *buf, size_t count, off_t offset)
{
	ssize_t (*next)(int, void *, size_t, off_t) =
		dlsym(RTLD_NEXT, "pread");

	if (count == 2) {
		sleep(10);
	}
	return next(fd, buf, count, offset);
}
'''


@pytest.fixture(name='place')
def _place(drained):
    """``server, drain`` with two shares"""
    server, drain = drained(SHARES)
    server.put('pkg', 'app/file', b'x' * 100)
    return server, drain


def assert_gone(*handles):
    """The next call on a handle says so"""
    for handle in handles:
        with pytest.raises(SmbError) as caught:
            handle.query_info()
        assert caught.value.status == NtStatus.FILE_CLOSED


def test_others_work_on(place):
    """The connection and its handles outside of the target are left alone"""
    server, drain = place
    server.put('pkg', 'else', b'else')
    with connect(server.port) as tree:
        closed = tree.create('app/file')
        kept = tree.create('else')
        drain.call('close', 'pkg/app')
        assert_gone(closed)
        assert kept.read() == b'else'
        assert len(tree.read_file('app/file')) == 100


def test_blocked_locks(place):
    """They end, and the handle that has the lock keeps it"""
    server, drain = place
    with connect(server.port) as tree, \
            connect(server.port, host='::1') as waiting:
        owner = tree.create('app/file', Access.READ_WRITE)
        owner.lock(0, 50)
        handle = waiting.create('app/file', Access.READ_WRITE)
        requests = [handle.lock_nowait(i, 1) for i in range(20)]
        for request in requests:
            assert request.wait_interim()
        drain.call('close', 'pkg/app', '--client=::1')
        for request in requests:
            assert request.status() == NtStatus.RANGE_NOT_LOCKED
        assert_gone(handle)
        owner.unlock(0, 50)


def test_pending_notification(place):
    """It is told that the directory handle is closed"""
    server, drain = place
    with connect(server.port) as tree:
        handle = tree.create('app', options=Option.DIRECTORY_FILE)
        request = handle.notify_nowait()
        assert request.wait_interim()
        drain.call('close', 'pkg/app')
        assert request.status() == NtStatus.NOTIFY_CLEANUP
        assert_gone(handle)


def test_deferred_rename(place):
    """It waits for another client's lease, and the close waits for it"""
    server, drain = place
    with connect(server.port) as tree, \
            connect(server.port, host='::1') as renaming:
        holder = tree.create('app/file', lease='RWH')
        opening = renaming.create_nowait(
            'app/file', Access.READ | Access.DELETE, lease='RH')
        tree.connection.wait_break().ack()
        handle = opening.wait()
        request = handle.rename_nowait('app/new')
        notification = tree.connection.wait_break()
        assert not request.done

        closer = drain.start('close', 'pkg/app', '--client=::1')
        with pytest.raises(SmbError) as caught:
            while True:  # until it turns new requests away
                handle.query_info()
        assert caught.value.status == NtStatus.FILE_CLOSED
        assert closer.poll() is None and not request.done
        notification.ack()
        assert closer.wait(10) == 0, closer.communicate()
        assert request.status() == NtStatus.SUCCESS
        assert (server.share_path('pkg') / 'app/new').exists()
        holder.query_info()


def test_stream_with_its_base(place):
    """Each of them once, the content stays"""
    server, drain = place
    with connect(server.port) as tree:
        base = tree.create('app/file', Access.READ_WRITE)
        stream = tree.create('app/file:s', Access.READ_WRITE,
                             disposition=Disposition.CREATE)
        stream.write(b'stream')
        again = tree.create('app/file:s')
        drain.call('close', 'pkg/app')
        assert_gone(base, stream, again)
        assert tree.create('app/file:s').read() == b'stream'


@pytest.mark.parametrize('directory', (False, True))
def test_delete_on_close(place, directory):
    """The right one is deleted, with smbd at work in another share"""
    server, drain = place
    server.put('other', 'app/gone' + directory * '/x')
    path = server.put('pkg', 'app/gone' + directory * '/x')
    if directory:
        path.unlink()
    with connect(server.port) as tree:
        handle = tree.create(
            'app/gone', Access.DELETE | Access.READ,
            options=Option.DELETE_ON_CLOSE |
            (Option.DIRECTORY_FILE if directory else 0))
        other = tree.session.tree('other')
        held = other.create('app', options=Option.DIRECTORY_FILE)
        held.list()
        drain.call('close', 'pkg/app')
        assert_gone(handle)
        held.query_info()
    assert not (server.share_path('pkg') / 'app/gone').exists()
    assert (server.share_path('other') / 'app/gone').exists()


def test_five_hundred(place):
    """At once"""
    server, drain = place
    for i in range(500):
        server.put('pkg', f'app/{i}', b'x')
    with connect(server.port) as tree:
        handles = [tree.create(f'app/{i}', lease='RH') for i in range(500)]
        drain.call('close', 'pkg/app')
        assert_gone(*handles[::20])
        assert drain.holders('pkg/app') == []


@pytest.mark.parametrize('cache', (
    {'lease': 'RWH'}, {'oplock': OplockLevel.BATCH}), ids=('lease', 'oplock'))
def test_unwritten_data(place, cache):
    """A client that caches writes is asked first, and listened to for as
    long as it writes"""
    server, drain = place
    with connect(server.port) as tree:
        handle = tree.create('app/file', Access.READ_WRITE, **cache)
        closer = drain.start('close', 'pkg/app')
        notification = tree.connection.wait_break()
        for i in range(4):
            handle.write(b'%d' % i, i)
            # longer than the grace for a client that is silent, in all
            time.sleep(0.5)
            assert not tree.connection.breaks
        notification.ack()
        assert closer.wait(10) == 0, closer.communicate()
        assert_gone(handle)
        assert tree.read_file('app/file')[:5] == b'0123x'


def test_break_that_nobody_answers(place):
    """A second of grace; who waits for that lease goes on then"""
    server, drain = place
    with connect(server.port) as tree, connect(server.port) as opening:
        handle = tree.create('app/file', Access.READ_WRITE, lease='RWH')
        request = opening.create_nowait('app/file')
        assert request.wait_interim()
        drain.call('close', 'pkg/app')
        assert_gone(handle)
        request.wait(2)
        with pytest.raises(SmbError) as caught:
            tree.connection.wait_break().ack(LeaseState.READ)
        assert caught.value.status == NtStatus.OBJECT_NAME_NOT_FOUND


def close_request(number, file_ids):
    """What smbdrain close sends, for all handles of that number"""
    handles = b''.join(struct.pack('<QQ', number, file_id)
                       for file_id in file_ids)
    return (b'DRAN' + struct.pack('<HHQII', MESSAGE_VERSION, 3, 0,
                                  len(file_ids), 0) + handles)


def test_number_of_another_handle(place):
    """The one that was listed is gone, and its number is another's: that one
    is left alone"""
    server, _ = place
    with connect(server.port) as tree:
        handle = tree.create('app/file')
        number = int.from_bytes(handle.file_id[8:12], 'little')
        # That by which smbds know it: a count in each, from 4.24 on this
        first_half = int.from_bytes(handle.file_id[:4], 'little')
        child = server.child_of(tree.connection)
        send_messages(server, child, MSG_DRAIN_REQUEST,
                      close_request(number, [0, 1 << 20, 1 << 40]))
        time.sleep(0.3)
        handle.query_info()
        send_messages(server, child, MSG_DRAIN_REQUEST,
                      close_request(number, [*range(1000), first_half]))
        time.sleep(0.3)
        assert_gone(handle)


@pytest.mark.parametrize('reset', (False, True))
def test_client_goes_meanwhile(place, reset):
    """While the grace lasts, and while a request is waited for"""
    server, drain = place
    with connect(server.port) as tree:
        tree.create('app/file', Access.READ_WRITE, lease='RWH', durable=1)
        child = server.child_of(tree.connection)
        closer = drain.start('close', 'pkg/app')
        tree.connection.wait_break()
        tree.connection.drop(reset=reset)
        server.wait_gone(child)
        closer.kill()
        closer.communicate()


def test_client_of_a_durable_handle_goes_meanwhile(drained, preloaded):
    """What is waited for before it is closed does not stay for its client"""
    server, drain = drained({'pkg': CACHING_SHARE},
                            environment=preloaded(SLOW_READS))
    server.put('pkg', 'app/file', b'x' * 100)
    with connect(server.port) as tree:
        handle = tree.create('app/file', lease='RH', durable=2)
        assert handle.durable
        handle.read_nowait(length=2).wait_interim()
        child = server.child_of(tree.connection)
        with ended(drain.start('close', 'pkg/app')):
            with pytest.raises(SmbError) as caught:
                while True:  # until it turns new requests away
                    handle.query_info()
            assert caught.value.status == NtStatus.FILE_CLOSED
            assert len(drain.holders('pkg/app')) == 1
            tree.connection.drop(reset=True)
            server.wait_gone(child)
    assert drain.holders('pkg/app') == []


def test_magic_script_runs_as_its_user(drained):
    """What smbd runs at a close it must not run as root"""
    server, drain = drained(SCRIPT_SHARE)
    with connect(server.port, 'magic') as tree:
        handle = tree.create('run.sh', Access.READ_WRITE,
                             disposition=Disposition.CREATE)
        handle.write(b'#!/bin/sh\nid -u\n')
        drain.call('close', 'magic')
        assert_gone(handle)
    ran = server.share_path('magic') / 'ran.txt'
    assert ran.read_text().strip() not in ('', '0')
