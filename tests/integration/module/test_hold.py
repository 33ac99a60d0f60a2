"""new opens = hold: opens wait for the end of the drain, and then go on.

The raw client sees each answer: STATUS_PENDING at once, the result later.
What may become of an open while it waits is in test_hold_ends.py.
"""

import os
import shutil
import time

import pytest

from lib.drain import Drain, complaint
from lib.impacket_client import ImpacketClient
from lib.memcheck import SLOWNESS
from lib.smb2 import (
    Access, Disposition, NtStatus, Option, connect)
from lib.smbclient import SMB1_SERVER, SmbClient
from lib.smbd import DURABLE_SHARE, PrivateSmbd, wait_until
from lib.waiting import HOLD, waits

MODULE = {'vfs objects': 'drain'}
REFUSED, GRANTED = NtStatus.SHARING_VIOLATION, NtStatus.SUCCESS


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for most"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('hold', {'pkg': {
            'vfs objects': 'drain streams_xattr', **DURABLE_SHARE}}) as server:
        yield server


@pytest.fixture(name='drain')
def _drain(server):
    """Its tool; the same files before each test, all open after it"""
    shutil.rmtree(server.share_path('pkg') / 'app', ignore_errors=True)
    for name in ('tool.exe', 'tool.dll', 'sub/part.dll'):
        server.put('pkg', f'app/{name}', b'old version')
    server.put('pkg', 'other/data.bin', b'data')
    drain = Drain(server)
    yield drain
    drain.resume('--all')


def replace(server, name='app/tool.exe', content=b'new version'):
    """A new file under an old name"""
    server.put('pkg', f'{name}.new', content)
    path = server.share_path('pkg') / name
    path.with_name(f'{path.name}.new').rename(path)


def test_an_open_waits_and_finds_the_new_content(server, drain):
    """One STATUS_PENDING, one answer, and that is of the new file"""
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree:
        request = tree.create_nowait('app/tool.exe')
        assert waits(request)
        replace(server)
        drain.resume('pkg/app')
        with request.wait(5) as handle:
            assert handle.read() == b'new version'


def test_run_with_hold(server, drain):
    """A switch that its users do not notice"""
    drain.begin('pkg/app', HOLD)
    drain.resume('pkg/app')
    path = server.share_path('pkg') / 'app'
    with connect(server.port) as tree:
        process = drain.start(
            'run', 'pkg/app', HOLD, '--', 'sh', '-c',
            f'sleep {0.5 * SLOWNESS}; '
            'echo -n "new version" > "$DRAIN_REAL_PATH/tool.exe"')
        drain.wait_for_state('pkg/app', 'quiescent')
        assert tree.read_file('app/tool.exe') == b'new version'
        assert process.wait(10) == 0
        process.communicate()
    assert (path / 'tool.exe').read_bytes() == b'new version'


def test_two_other_clients(server, drain):
    """smbclient and impacket wait as well and see no error"""
    drain.begin('pkg/app', HOLD)
    with ImpacketClient(server.port) as impacket:
        run = SmbClient(server).start('get app/tool.exe -')
        time.sleep(0.5)
        assert run.running
        replace(server)
        drain.resume('pkg/app')
        assert 'new version' in run.wait(10).output
        assert impacket.read_file('app\\tool.exe') == b'new version'


def create(**fields):
    """An open that makes what is not there"""
    return {'access': Access.READ_WRITE, 'disposition': Disposition.CREATE,
            **fields}


DIRECTORY = {'options': Option.DIRECTORY_FILE}
COMING = {
    'file that goes': (
        'tool.exe', {}, lambda path: path.unlink(),
        NtStatus.OBJECT_NAME_NOT_FOUND),
    'file that comes': (
        'fresh.exe', {}, lambda path: path.write_bytes(b''), GRANTED),
    'new file': ('fresh.exe', create(), None, GRANTED),
    'directory that goes': (
        'sub', {'access': Access.DELETE, **DIRECTORY},
        lambda path: path.rename(path.with_name('gone')),
        NtStatus.OBJECT_NAME_NOT_FOUND),
    'new directory': ('made', create(**DIRECTORY), None, GRANTED),
    'new directory that comes': (
        'made', create(**DIRECTORY), lambda path: path.mkdir(),
        NtStatus.OBJECT_NAME_COLLISION),
    'delete on close': (
        'tool.exe', {'access': Access.READ | Access.DELETE,
                     'options': Option.DELETE_ON_CLOSE}, None, GRANTED),
    'stream': ('tool.exe:stream', create(), None, GRANTED),
}


@pytest.mark.parametrize('what', COMING)
def test_it_is_as_if_it_came_at_the_end(server, drain, what):
    """Whatever it asks for is looked at anew, and answered once"""
    name, fields, change, status = COMING[what]
    path = server.share_path('pkg') / 'app' / name
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree:
        request = tree.create_nowait(f'app/{name}', **fields)
        assert waits(request)
        assert path.exists() == (name in ('tool.exe', 'sub'))
        if change:
            change(path)
        drain.resume('pkg/app')
        assert request.status(10) == status
        if status == GRANTED:
            request.wait().close()
        assert tree.read_file('other/data.bin') == b'data'


def test_what_is_granted_does_not_wait(server, drain):
    """Attributes, listings, and everything beside the target"""
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree:
        assert tree.status_of_open('app/tool.exe',
                                   Access.ATTRIBUTES_ONLY) == GRANTED
        assert {entry.name for entry in tree.list_directory('app')} >= {
            'tool.exe', 'tool.dll'}
        assert tree.read_file('other/data.bin') == b'data'
        request = tree.create_nowait('app/tool.exe')
        assert waits(request)
        assert tree.read_file('other/data.bin') == b'data'
        drain.resume('pkg/app')
        request.wait(5).close()


def test_all_answers_in_order(server, drain):
    """The oldest first, and each once"""
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree:
        requests = [tree.create_nowait('app/tool.exe') for _ in range(50)]
        assert waits(requests[-1])
        drain.resume('pkg/app')
        for request in requests:
            request.wait(10).close()
        mids = [pdu.mid for pdu in tree.connection.pdus
                if pdu.command == 5 and pdu.status == GRANTED]
        assert mids == [request.mid for request in requests]


def test_hold_timeout(server, drain):
    """After its time an open is refused, as if it had not waited"""
    drain.begin('pkg/app', HOLD, f'--hold-timeout={SLOWNESS}')
    with connect(server.port) as tree:
        request = tree.create_nowait('app/tool.exe')
        assert request.status(15) == REFUSED
        waited = request.reply.time - request.sent_at
        assert 0.9 < waited / SLOWNESS < 10
        again = tree.create_nowait('app/tool.exe')
        assert waits(again)
        drain.resume('pkg/app')
        again.wait(5).close()


def test_status_tells(server, drain):
    """How many wait and for how long, to people and programs"""
    drain.begin('pkg/app', HOLD, '--hold-timeout=25')
    assert 'waiting' not in drain.call('status').stdout
    with connect(server.port) as tree, connect(server.port) as other:
        requests = [tree.create_nowait('app/tool.exe'),
                    tree.create_nowait('app/tool.dll')]
        assert waits(requests[1], 1)
        requests.append(other.create_nowait('app/tool.exe'))
        assert waits(requests[2])
        one, = drain.status('pkg/app')['drains']
        assert one['waiting_opens'] == 3
        assert 1 <= one['longest_wait'] < 20
        assert (one['new_opens'], one['hold_timeout']) == ('hold', 25)
        assert '  waiting  3 opens, the longest for' in drain.call(
            'status').stdout
        drain.resume('pkg/app')
        for request in requests:
            request.wait(5).close()


def test_a_client_does_not_wait_for_itself(server, drain):
    """Who has files open in the target is refused at once"""
    with connect(server.port) as tree, connect(server.port) as other:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app', HOLD)
        assert tree.status_of_open('app/tool.dll') == REFUSED
        request = other.create_nowait('app/tool.dll')
        assert waits(request)
        handle.close()
        drain.wait('pkg/app')
        mine = tree.create_nowait('app/tool.dll')
        assert waits(mine)
        drain.resume('pkg/app')
        request.wait(5).close()
        mine.wait(5).close()


def test_a_client_that_may_finish_does_not_wait(server, drain):
    """With --let-holders-finish it gets what it asks for; then it waits"""
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app', HOLD, '--let-holders-finish')
        second = tree.create('app/tool.dll')
        handle.close()
        second.close()
        request = tree.create_nowait('app/tool.dll')
        assert waits(request)
        drain.wait('pkg/app')
        drain.resume('pkg/app')
        request.wait(5).close()


def test_a_durable_handle_comes_back_to_who_waits(server, drain):
    """Then its client would wait for itself: its open is refused"""
    guid = os.urandom(16)
    tree = connect(server.port, client_guid=guid)
    handle = tree.create('app/tool.exe', lease='RWH', durable=2)
    drain.begin('pkg/app', HOLD)
    tree.connection.drop()
    wait_until(lambda: not server.children(), 10, 'the end of its smbd')
    with connect(server.port, client_guid=guid) as tree:
        request = tree.create_nowait('app/tool.dll')
        assert waits(request)
        back = tree.reconnect_nowait(handle, lease=handle.lease).wait(5)
        assert request.status(5) == REFUSED
        back.close()


def test_nested_refuse_comes_before_hold(server, drain):
    """The strictest of the drains that an open is in decides"""
    with connect(server.port) as tree:
        drain.begin('pkg/app', HOLD)
        drain.begin('pkg/app/sub')
        assert tree.status_of_open('app/sub/part.dll') == REFUSED
        drain.resume('pkg/app/sub')
        request = tree.create_nowait('app/sub/part.dll')
        assert waits(request)
        drain.begin('pkg')
        drain.resume('pkg/app')
        assert request.status(5) == REFUSED


def test_nested_holds(server, drain):
    """The end of one is not the end of the other"""
    drain.begin('pkg/app', HOLD)
    drain.begin('pkg/app/sub', HOLD)
    with connect(server.port) as tree:
        request = tree.create_nowait('app/sub/part.dll')
        assert waits(request)
        drain.resume('pkg/app')
        assert waits(request)
        drain.resume('pkg/app/sub')
        request.wait(5).close()


def test_lost_news(server, drain):
    """Nobody told the smbd: it sees it at the next open, for all that wait"""
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree:
        request = tree.create_nowait('app/tool.exe')
        assert waits(request)
        drain.records(forget=True)
        assert waits(request)
        tree.read_file('app/tool.dll')
        request.wait(5).close()


def test_of_a_share_by_default(drained):
    """drain:new opens = hold, and what the person at the keyboard prefers"""
    server, drain = drained({'pkg': {
        **MODULE, 'drain:new opens': 'hold', 'drain:hold timeout': '1m',
        'drain:max held opens': '3'}})
    server.put('pkg', 'app/tool.exe', b'MZ')
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        requests = [tree.create_nowait('app/tool.exe') for _ in range(3)]
        assert waits(requests[2])
        one, = drain.status()['drains']
        assert (one['new_opens'], one['hold_timeout']) == ('hold', 60)
        # more than three of one client do not wait
        assert tree.status_of_open('app/tool.exe') == REFUSED
        with connect(server.port) as other:
            assert waits(other.create_nowait('app/tool.exe'))
        drain.resume('pkg/app')
        for request in requests:
            request.wait(5).close()
        drain.begin('pkg/app', '--new-opens=refuse')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        drain.resume('pkg/app')


def test_smb1_is_refused(drained):
    """It has no way to say that an open waits"""
    server, drain = drained(global_options=SMB1_SERVER)
    drain.begin('pkg/app', HOLD)
    result = SmbClient(server, protocol='NT1').run('get app/tool.exe -')
    assert result.status == REFUSED


def test_set_size_without_data_access_is_refused(server, drain):
    """smbd opens the file for it, but it is no open of the client"""
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY
                             | Access.FILE_WRITE_ATTRIBUTES)
        drain.begin('pkg/app', HOLD)
        status = handle.set_size_nowait(1).status(5)
        assert status.is_error
        handle.close()


@pytest.mark.parametrize('option, hint', [
    ('--new-opens=park', 'must be refuse or hold'),
    ('--hold-timeout=soon', 'not a duration')])
def test_bad_options(drain, option, hint):
    """Each is named, with what it takes"""
    done = drain.begin('pkg/app', option, expect=2)
    assert option in complaint(done) and hint in complaint(done)
    assert drain.state('pkg/app') == 'open'
