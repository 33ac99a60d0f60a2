"""--let-holders-finish: who has files open may open more, until the last one
is closed."""

import os

import pytest

from lib.impacket_client import ImpacketClient
from lib.smb2 import Access, Disposition, NtStatus, Option, connect
from lib.slow import SLOW_SHARE, SlowDisk
from lib.smbd import PrivateSmbd, wait_until

REFUSED, GRANTED = NtStatus.SHARING_VIOLATION, NtStatus.SUCCESS


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('grace', {'pkg': {'vfs objects': 'drain'},
                               'slow': SLOW_SHARE}) as server:
        for name in ('tool.exe', 'tool.dll', 'sub/part.dll'):
            server.put('pkg', f'app/{name}', b'MZ' * 100)
        server.put('pkg', 'other/data.bin', b'data')
        yield server


def begin(drain, target='pkg/app', *options):
    """A drain with grace"""
    drain.begin(target, '--let-holders-finish', *options)


def test_holder_opens_more(server, drain):
    """A running program gets its files, for writing too"""
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        begin(drain)
        assert tree.status_of_open('app/tool.dll') == GRANTED
        assert tree.status_of_open('app/sub/part.dll',
                                   Access.READ_WRITE) == GRANTED
        assert tree.status_of_open('app/log.txt', Access.READ_WRITE,
                                   disposition=Disposition.OPEN_IF) == GRANTED
        tree.unlink('app/log.txt')
        handle.close()


def test_holder_makes_a_directory(server, drain):
    """Where a running program puts its files"""
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        begin(drain)
        tree.make_directory('app/cache')
        handle.close()
    (server.share_path('pkg') / 'app/cache').rmdir()


def test_until_the_last_one_is_closed(server, drain):
    """Those that it opened meanwhile count; then it is out"""
    with connect(server.port) as tree:
        first = tree.create('app/tool.exe')
        begin(drain)
        second = tree.create('app/tool.dll')
        first.close()
        third = tree.create('app/tool.exe')
        second.close()
        assert len(drain.holders('pkg/app')) == 1
        drain.wait('pkg/app', '--timeout=0.3', expect=124)
        third.close()
        assert tree.status_of_open('app/tool.exe') == REFUSED
        drain.wait('pkg/app', '--timeout=5')


def test_quiescent_at_the_last_close(server, drain):
    """The waiter wakes up for a handle of the time of grace"""
    with connect(server.port) as tree:
        first = tree.create('app/tool.exe')
        begin(drain)
        second = tree.create('app/tool.dll')
        first.close()
        waiter = drain.start('wait', 'pkg/app')
        try:
            assert tree.status_of_open('app/tool.exe') == GRANTED
            second.close()
            assert waiter.wait(5) == 0
        finally:
            waiter.kill()
            waiter.communicate()


def test_others_are_out(server, drain):
    """Another client without a file open there is refused"""
    with connect(server.port) as tree, connect(server.port) as other:
        tree.create('app/tool.exe')
        other.create('other/data.bin')
        begin(drain)
        assert tree.status_of_open('app/tool.dll') == GRANTED
        assert other.status_of_open('app/tool.dll') == REFUSED
        with ImpacketClient(server.port) as third:
            assert third.status_of_open('app/tool.dll') == REFUSED


def test_another_library_in_grace(server, drain):
    """Until its own last one is closed"""
    with ImpacketClient(server.port) as client:
        first = client.open('app/tool.exe')
        begin(drain)
        second = client.open('app/tool.dll')
        client.close(first)
        assert client.read_file('app/tool.exe') == b'MZ' * 100
        client.close(second)
        assert client.status_of_open('app/tool.exe') == REFUSED
        drain.wait('pkg/app', '--timeout=5')


def test_directories_are_no_holders(server, drain):
    """A listing gives no right to more"""
    with connect(server.port) as tree:
        tree.create('app', options=Option.DIRECTORY_FILE)
        tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY)
        begin(drain)
        assert tree.status_of_open('app/tool.exe') == REFUSED


def test_without_the_option(server, drain):
    """Then everybody is out"""
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        assert tree.status_of_open('app/tool.dll') == REFUSED


def test_holders_shows_who(server, drain):
    """For programs and for people, and only in that grace"""
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        assert drain.holders('pkg/app')[0]['grace'] is False
        begin(drain)
        tree.create('app/tool.dll')
        holders = drain.holders('pkg/app')
        assert [holder['grace'] for holder in holders] == [True, True]
        assert all(holder['counts'] for holder in holders)
        text = drain.call('holders', 'pkg/app').stdout
        assert text.count('may open more') == 2
        assert drain.status('pkg/app')['drains'][0]['let_holders_finish']
        assert drain.status('pkg/app')['drains'][0]['holders'] == 2


def test_all_sessions_of_a_client(server, drain):
    """The client is in grace, all of its trees"""
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        second = tree.connection.session().tree('pkg')
        begin(drain)
        more = second.create('app/tool.dll')
        handle.close()
        assert tree.status_of_open('app/tool.exe') == GRANTED
        more.close()
        assert tree.status_of_open('app/tool.exe') == REFUSED


@pytest.mark.parametrize('inner, outer', [(True, False), (False, True)],
                         ids=['outer_refuses', 'inner_refuses'])
def test_nested(server, drain, inner, outer):
    """An open has to please both; one without grace refuses"""
    with connect(server.port) as tree:
        handle = tree.create('app/sub/part.dll')
        drain.begin('pkg/app/sub', *(['--let-holders-finish'] * inner))
        drain.begin('pkg/app', *(['--let-holders-finish'] * outer))
        assert tree.status_of_open('app/sub/part.dll') == REFUSED
        assert tree.status_of_open('app/tool.exe') == (
            GRANTED if outer else REFUSED)
        handle.close()


def test_nested_and_both_let_finish(server, drain):
    """Each goes by its own holders, and all that is open counts in both"""
    with connect(server.port) as tree:
        outside = tree.create('app/tool.exe')
        begin(drain, 'pkg/app/sub')
        begin(drain, 'pkg/app')
        assert tree.status_of_open('app/tool.dll') == GRANTED
        assert tree.status_of_open('app/sub/part.dll') == REFUSED
        outside.close()
        drain.resume('--all')

        inside = tree.create('app/sub/part.dll')
        begin(drain, 'pkg/app/sub')
        begin(drain, 'pkg/app')
        more = tree.create('app/sub/part.dll')
        inside.close()
        for target in ('pkg/app/sub', 'pkg/app'):
            drain.wait(target, '--timeout=0.3', expect=124)
        more.close()
        for target in ('pkg/app/sub', 'pkg/app'):
            drain.wait(target, '--timeout=5')


def test_close_ends_the_grace(server, drain):
    """Who has been closed by force opens no more"""
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        begin(drain)
        tree.create('app/tool.dll')
        drain.call('close', 'pkg/app')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        drain.wait('pkg/app', '--timeout=5')


def test_deadline_ends_the_grace(server, drain):
    """Force waits for a read, and meanwhile nothing more is opened"""
    server.put('slow', 'app/tool.exe', b'MZ' * 100)
    with connect(server.port, 'slow') as tree, SlowDisk(server, tree) as disk:
        handle = tree.create('app/tool.exe')
        read = disk.hang(handle)
        begin(drain, 'slow/app', '--timeout=2', '--on-timeout=force')
        assert tree.status_of_open('app/tool.exe') == GRANTED
        wait_until(lambda: handle.read_nowait(length=2).status() ==
                   NtStatus.FILE_CLOSED, 10, 'force', 0.05)
        assert not read.done
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert drain.holders('slow/app')[0]['grace'] is False
        disk.go_on()
        assert read.wait() == b'MZ'
        drain.wait('slow/app', '--timeout=5')
