"""Forced close of handles that requests in progress use, in whatever list smbd
keeps them: docs/forced-close.md."""

import struct
import time

import pytest

from lib.caching import CACHING_SHARE
from lib.drain import ended
from lib.sending import CONTENT, PIECE, QUEUE_SHARES, Queue, put_files
from lib.slow import SLOW_SHARE, SlowDisk
from lib.smb2 import Access, Create, Ioctl, NtStatus, Option, Read, connect
from lib.smbd import samba_release, wait_until

CLOSED = NtStatus.FILE_CLOSED
SHARES = {
    **QUEUE_SHARES,
    'slow': {**CACHING_SHARE, **SLOW_SHARE},
    'pkg': CACHING_SHARE,
}

# smbd's clocks, an hour ahead as long as there is the file HOUR
CLOCK = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int ahead(void)
{
	const char *hour = getenv("HOUR");

	return hour != NULL && access(hour, F_OK) == 0 ? 3600 : 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	int (*next)(clockid_t, struct timespec *) =
		dlsym(RTLD_NEXT, "clock_gettime");
	int result = next(id, now);

	now->tv_sec += ahead();
	return result;
}

int gettimeofday(struct timeval *now, void *zone)
{
	int (*next)(struct timeval *, void *) =
		dlsym(RTLD_NEXT, "gettimeofday");
	int result = next(now, zone);

	now->tv_sec += ahead();
	return result;
}
'''


@pytest.fixture(name='place')
def _place(drained):
    server, drain = drained(SHARES)
    put_files(server)
    return server, drain


def is_closed(handle):
    """Whether smbd says so"""
    return handle.query_info_nowait().status() == CLOSED


@pytest.mark.parametrize('how', ['close', 'deadline'])
def test_read_that_waits_to_be_sent(place, how):
    """Its data is sent before its handle is closed"""
    server, drain = place
    with Queue(server) as client, connect(server.port, 'sent') as other:
        with client.filled():
            if how == 'close':
                closer = drain.start('close', 'sent/app')
            else:
                closer = drain.start('begin', 'sent/app', '--wait',
                                     '--timeout=0.2', '--on-timeout=force')
            time.sleep(0.7)
            assert closer.poll() is None
            assert len(drain.holders('sent/app')) == 1
            assert other.read_file('other/file') == CONTENT[::-1]
        with ended(closer):
            assert closer.wait(20) == 0
        client.check()
        assert is_closed(client.handle)
        assert drain.holders('sent/app') == []
        assert server.child_of(client.connection) == client.smbd


@pytest.fixture(name='hour')
def _hour(tmp_path):
    return tmp_path / 'hour'


@pytest.fixture(name='clocked')
def _clocked(drained, preloaded, hour):
    server, drain = drained(
        SHARES, environment={**preloaded(CLOCK), 'HOUR': str(hour)})
    put_files(server)
    return server, drain


def test_client_that_never_reads(clocked, hour):
    """Its connection is ended, without a panic; other clients have theirs"""
    server, drain = clocked
    with Queue(server) as client, connect(server.port, 'sent') as other:
        kept = other.create('other/file')
        with client.filled(), ended(drain.start('close', 'sent/app')):
            time.sleep(0.5)
            assert len(drain.holders('sent/app')) == 1
            hour.touch()
            server.wait_gone(client.smbd)
        assert drain.holders('sent/app') == []
        assert kept.read(0, PIECE) == CONTENT[::-1]
    assert 'connection ended' in server.logs()


def test_client_that_reads_nothing_of_another_handle(clocked, hour):
    """It is left alone if what is closed has nothing to be sent"""
    server, drain = clocked
    with Queue(server) as client:
        idle = client.tree.create('app/file')
        client.handle.close()
        client.handle = client.neighbour
        with client.filled():
            hour.touch()
            drain.call('close', 'sent/app')
            assert drain.holders('sent/app') == []
        assert {read.wait() for read in client.reads} == {CONTENT[::-1]}
        assert is_closed(idle)


# -- requests that name a second handle

RESUME_KEY, COPYCHUNK = 0x140078, 0x1440f2


def chunks_of(source):
    """To copy 200 bytes of it, to 100 bytes further on"""
    key = source.ioctl(RESUME_KEY, max_output=32)[:24]
    return key + struct.pack('<IIQQII', 1, 0, 0, 100, 200, 0)


def hang_copy(disk, source, target):
    """Start it within the server"""
    chunks = chunks_of(source)
    return disk.hang(source, lambda: target.ioctl_nowait(
        COPYCHUNK, chunks, max_output=12))


def test_copy(place):
    """Its source is used as its target is. Of one file: smbd copies it itself,
    of two the kernel does"""
    server, drain = place
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handles = [tree.create('app/file', Access.READ_WRITE)
                   for _ in range(3)]
        request = hang_copy(disk, *handles[:2])
        closer = drain.start('close', 'slow/app')
        with ended(closer):
            wait_until(lambda: is_closed(handles[2]), 10, 'refused', 0.05)
            time.sleep(0.3)
            assert len(drain.holders('slow/app')) == 2
            disk.go_on()
            assert closer.wait(10) == 0
        assert request.status() == NtStatus.SUCCESS
        assert all(map(is_closed, handles))


def test_copy_of_other_handles(place):
    """It does not delay the close"""
    server, drain = place
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/file')
        others = [tree.create('other/file', Access.READ_WRITE)
                  for _ in range(2)]
        request = hang_copy(disk, *others)
        drain.call('close', 'slow/app')
        assert is_closed(handle) and not request.done
        disk.go_on()
        assert request.status() == NtStatus.SUCCESS
        assert others[0].read(0, 2) == CONTENT[:-3:-1]


# -- renames and closes that wait for leases

@pytest.mark.skipif(samba_release() < (4, 22), reason='it does not wait')
def test_rename_that_waits_for_its_destination(place):
    """Its source is used until the lease on what it replaces is given back"""
    server, drain = place
    with (connect(server.port) as tree, connect(server.port) as other):
        kept = other.create('other/file', lease='RH')
        handle = tree.create('app/file', Access.READ | Access.DELETE)
        idle = tree.create('app/file')
        request = handle.rename_nowait('other/file', replace=True)
        notification = other.connection.wait_break()
        closer = drain.start('close', 'pkg/app', '--path=app/file')
        with ended(closer):
            wait_until(lambda: is_closed(idle), 10, 'refused', 0.05)
            time.sleep(0.5)
            assert not request.done and closer.poll() is None
            notification.ack()
            kept.close()
            request.status()
            assert closer.wait(10) == 0
        assert is_closed(handle)
        tree.connection.echo()


# -- chains

def test_last_of_a_chain(place):
    """It is waited for, though it names no handle by itself"""
    server, drain = place
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        source = tree.create('app/file')
        request = disk.hang(source, lambda: tree.compound(
            Create('app/file', Access.READ_WRITE),
            Ioctl(COPYCHUNK, chunks_of(source), max_output=12))[1])
        closer = drain.start('close', 'slow/app')
        with ended(closer):
            time.sleep(0.5)
            assert len(drain.holders('slow/app')) == 2
            disk.go_on()
            assert closer.wait(10) == 0
        assert request.status() == NtStatus.SUCCESS
        assert is_closed(source)


def test_open_that_waits_in_a_chain(place):
    """It does not keep the handle that came before it in the chain"""
    server, drain = place
    # From 3.0 on smbd itself panics then (request_counters_updated)
    with (connect(server.port, dialects=[0x0210]) as tree,
          connect(server.port) as other):
        kept = other.create('other/file', Access.READ_WRITE, lease='RWH')
        handle = tree.create('app/file')
        read, opening = tree.compound(Read(0, 2, file_id=handle.file_id),
                                      Create('other/file'))
        notification = other.connection.wait_break()
        drain.call('close', 'pkg/app')
        assert is_closed(handle) and not opening.done
        notification.ack()
        assert read.wait() == CONTENT[:2]
        opening.wait(10).close()
        kept.query_info()


# -- requests of all kinds, that are answered or refused while handles go

def test_all_kinds_at_once(place):
    """None of them harms smbd, whichever of them is in progress"""
    server, drain = place
    with connect(server.port) as tree, connect(server.port) as other:
        neighbour = other.create('other/file')
        for _ in range(5):
            handles = [tree.create('app/file', Access.READ_WRITE,
                                   lease=lease) for lease in (None, 'RH')]
            directory = tree.create('app', options=Option.DIRECTORY_FILE)
            handles[0].lock(0, 10)
            closer = drain.start('close', 'pkg/app')
            requests = []
            with ended(closer):
                while closer.poll() is None and len(requests) < 2000:
                    requests += [
                        send() for handle in handles for send in (
                            handle.read_nowait, handle.flush_nowait,
                            handle.query_info_nowait, handle.lock_nowait,
                            lambda: handle.write_nowait(b'x'),
                            lambda: handle.set_size_nowait(PIECE),
                            lambda: handle.ioctl_nowait(
                                RESUME_KEY, max_output=32))]
                    requests.append(directory.query_directory_nowait())
                    while len([r for r in requests if not r.done]) > 40:
                        time.sleep(0.01)
                assert closer.wait(10) == 0
            for request in requests:
                request.status()
            assert all(map(is_closed, handles))
            directory.close()
        assert neighbour.read(0, PIECE) == CONTENT[::-1]
        tree.connection.echo()
