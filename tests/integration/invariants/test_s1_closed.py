"""S1: once begin has returned, no smbd grants an open that counts."""

import datetime
import os
import re
import threading
import time

import pytest
import tdb  # of python3-tdb

from lib.load import Load
from lib.memcheck import SLOWNESS
from lib.smb2 import Access, Disposition, NtStatus, connect
from lib.smbd import wait_until

REFUSED = {NtStatus.SHARING_VIOLATION}
CLIENTS = 200
ROUNDS = 4


def _opens_in_log(server):
    """When smbd itself opened files for clients"""
    return [datetime.datetime.strptime(stamp, '%Y/%m/%d %H:%M:%S.%f')
            .timestamp()
            for stamp in re.findall(r'^\[([^,]+),.*\n.* opened file ',
                                    server.logs(), re.M)]


@pytest.mark.time_limit(120)
def test_nothing_sent_after_begin_is_granted(drained):
    """200 clients open files as fast as they can, several drains; their
    clocks say so, and so does the log of smbd"""
    server, drain = drained(log_level=2)
    granted, drains = 0, []
    with Load(server.port, conns=CLIENTS, files=0) as load:
        for _ in range(ROUNDS):
            load.churn(60 * SLOWNESS, wait=False)
            time.sleep(0.3 * SLOWNESS)
            drain.begin('pkg')
            closed = time.time()
            time.sleep(0.3 * SLOWNESS)
            assert drain.holders('pkg') == []
            churned = load.stop_churn()
            after = load.since(closed)
            print(f'{churned.granted} granted before, {after.sent} refused')
            assert churned.granted > 0 and after.granted == 0
            assert after.sent >= CLIENTS and set(after.statuses) == REFUSED
            granted += churned.granted
            drain.wait('pkg')
            drains.append((closed, time.time()))
            drain.resume('pkg')
    opened = _opens_in_log(server)
    assert len(opened) == granted
    assert not [moment for moment in opened
                if any(begin < moment < end for begin, end in drains)]


def test_what_was_granted_before_is_a_holder(drained):
    """The smbds, Samba's table and the clients agree on who got in"""
    server, drain = drained()
    with Load(server.port, conns=CLIENTS, files=0) as load:
        load.tell('open')
        drain.begin('pkg')
        open_now = load.wait_word('OPENED').open
        assert len(drain.holders('pkg')) == open_now
        assert drain.status('pkg')['drains'][0]['holders'] == open_now
        locked = server.smbstatus('-L').count('RDONLY')
        assert locked == open_now


def _connect_and_open(server, stop, opens):
    """One new client after another; notes when each open was sent"""
    while not stop.is_set():
        with connect(server.port) as tree:
            request = tree.create_nowait('app/tool.exe')
            opens.append((request.sent_at, request.status()))


def test_new_clients_find_it_closed(drained):
    """Clients that connect while begin asks the others"""
    server, drain = drained()
    for _ in range(ROUNDS):
        stop, opens = threading.Event(), []
        threads = [threading.Thread(target=_connect_and_open,
                                    args=(server, stop, opens))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.2)
            drain.begin('pkg')
            closed = time.time()
            time.sleep(0.4)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        after = [status for sent, status in opens if sent > closed]
        assert after and set(after) == REFUSED
        assert NtStatus.SUCCESS in [status for _, status in opens]
        drain.wait('pkg')
        drain.resume('pkg')


def test_open_that_waits_for_a_lease(drained):
    """Sent before begin, but not granted when begin returns: refused"""
    server, drain = drained()
    with connect(server.port) as first, connect(server.port) as second:
        holder = first.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        request = second.create_nowait('app/tool.exe', Access.READ_WRITE)
        notification = first.connection.wait_break()
        assert request.wait_interim()
        drain.begin('pkg/app')
        notification.ack()
        assert request.status() == NtStatus.SHARING_VIOLATION
        holder.close()
        drain.wait('pkg/app')


def test_every_way_to_open(drained):
    """Read, write, execute, delete, create, overwrite: all the same"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        for access in (Access.READ, Access.READ_WRITE, Access.EXECUTE,
                       Access.DELETE, Access.MAXIMUM_ALLOWED,
                       Access.GENERIC_ALL, Access.WRITE_DAC,
                       Access.FILE_APPEND_DATA, Access.FILE_WRITE_EA):
            assert tree.status_of_open('app/tool.exe', access) in REFUSED
        for disposition in Disposition:
            for name in ('app/tool.exe', 'app/new'):
                status = tree.status_of_open(
                    name, Access.READ_WRITE, disposition=disposition)
                assert status in REFUSED | {NtStatus.OBJECT_NAME_NOT_FOUND}
        assert not (server.share_path('pkg') / 'app/new').exists()


def test_second_share_over_the_same_tree(drained):
    """The same files under another name are the same place"""
    server, drain = drained()
    server.set_share('all', {'vfs objects': 'drain',
                             'path': server.share_path('pkg').parent})
    server.reload()
    with connect(server.port, 'all') as tree:
        drain.begin('pkg/app')
        assert tree.status_of_open('pkg/app/tool.exe') in REFUSED
        assert (tree.status_of_open('pkg/other/data.bin') ==
                NtStatus.SUCCESS)


def test_client_that_connects_in_the_middle(drained):
    """It is refused like the rest, armed or quiescent"""
    server, drain = drained()
    with connect(server.port) as first:
        holder = first.create('app/tool.exe')
        drain.begin('pkg/app')
        with connect(server.port) as second:
            assert second.status_of_open('app/tool.exe') in REFUSED
            holder.close()
            drain.wait('pkg/app')
            assert second.status_of_open('app/tool.exe') in REFUSED
        with connect(server.port) as third:
            assert third.status_of_open('app/tool.exe') in REFUSED


def test_it_joins_before_it_reads(drained):
    """Else a drain could begin in between, and nobody would tell it"""
    server, drain = drained()
    drain.call('status')
    store = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'),
                     flags=os.O_RDWR)
    client = threading.Thread(
        target=lambda: connect(server.port).connection.drop())
    store.lock_all()
    try:
        client.start()
        wait_until(lambda: 'drain/roster' in drain.locks(), 5, 'to join',
                   interval=0.05)
        assert client.is_alive()
    finally:
        store.unlock_all()
        client.join(10)
        store.close()


def test_one_of_two_trees_is_gone(drained):
    """An smbd is on the roster until its last tree disconnects"""
    server, drain = drained()
    with connect(server.port) as tree:
        other = tree.session.tree('pkg')
        tree.disconnect()
        drain.begin('pkg')
        assert other.status_of_open('app/tool.exe') in REFUSED
        drain.resume('pkg')
        other.disconnect()
        assert drain.status()['smbds'] == 0
        drain.begin('pkg')
        again = tree.session.tree('pkg')
        assert again.status_of_open('app/tool.exe') in REFUSED


def test_client_without_anything_open(drained):
    """It does not keep the target from being quiescent at once"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app', '--wait', '--timeout=5')
        assert tree.status_of_open('app/tool.exe') in REFUSED


def test_no_client_at_all(drained):
    """begin, wait, status and resume have nobody to ask"""
    server, drain = drained()
    drain.begin('pkg/app')
    assert drain.state('pkg/app') == 'armed'
    drain.wait('pkg/app', '--timeout=5')
    status = drain.status('pkg/app')
    assert status['drains'][0]['state'] == 'quiescent'
    assert status['smbds'] == 0
    drain.resume('pkg/app')
    assert drain.status()['drains'] == []
    with connect(server.port) as tree:
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
