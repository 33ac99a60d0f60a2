"""Records that nobody can read: shares with the module stay closed to new
connections until somebody has looked at it; nobody is thrown out."""

import os

import pytest
import tdb  # of python3-tdb

from lib.drain import Drain
from lib.smb2 import NtStatus, SmbError, connect
from lib.waiting import HOLD, waits

VERSION = 2  # DRAIN_RECORD_VERSION


def put(server, key, value):
    """Put a record into the database as something else than smbdrain would"""
    database = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'),
                        flags=os.O_RDWR | os.O_CREAT, mode=0o600)
    database.store(key, value)
    database.close()


def records(server):
    """{key: value} of the database"""
    database = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'))
    found = {key: database.get(key) for key in database}
    database.close()
    return found


def of_version(server, drain, version):
    """(key, value) of a record of another version"""
    drain.begin('pkg/other')
    (key, value), = records(server).items()
    drain.resume('pkg/other')
    return key, value[:4] + version.to_bytes(2, 'little') + value[6:]


def with_foreign_key(server, drain):
    """A record that is right, under a key that is not its own"""
    key, value = of_version(server, drain, VERSION)
    return key[::-1], value


def with_path(server, drain, path):
    """A record of pkg/other, but for its path, as long as that one"""
    key, value = of_version(server, drain, VERSION)
    return key, value.replace(b'other', path, 1)


def refuses_with_success(server, drain):
    """A record of pkg/other that would grant what it refuses"""
    key, value = of_version(server, drain, VERSION)
    status = NtStatus.SHARING_VIOLATION.to_bytes(4, 'little')
    assert value.count(status) == 1
    return key, value.replace(status, bytes(4))


BAD = {
    'garbage': lambda *_: (bytes(range(16)), b'garbage that is no record'),
    'empty': lambda *_: (bytes(range(16)), b''),
    'foreign key': lambda *_: (b'INFO/version\0', b'\1\0\0\0'),
    'wrong key': with_foreign_key,
    'newer version': lambda server, drain: of_version(server, drain,
                                                     VERSION + 1),
    'version 0': lambda server, drain: of_version(server, drain, 0),
    'cut off': lambda server, drain: (
        bytes(range(16)), of_version(server, drain, VERSION)[1][:-3]),
    'too long': lambda server, drain: (
        lambda pair: (pair[0], pair[1] + b'x'))(
            of_version(server, drain, VERSION)),
    'text with a NUL': lambda server, drain: with_path(
        server, drain, b'ot\0er'),
    'path that nobody can type': lambda server, drain: with_path(
        server, drain, b'ot\\er'),
    'refused with success': refuses_with_success,
}


def refused(server):
    """Whether a new connection to the share is refused"""
    try:
        connect(server.port).connection.drop()
    except SmbError as error:
        assert error.status != NtStatus.SUCCESS
        return True
    return False


@pytest.mark.parametrize('make', BAD.values(), ids=BAD)
def test_unreadable(drained, make):
    """New connections are refused and the log says what to do; those that
    are there go on; resume --all ends it"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('other/data.bin')
        put(server, *make(server, drain))
        assert refused(server)
        assert 'smbdrain resume --all' in server.logs()
        assert handle.read() == b'data'
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
        done = drain.call('resume', '--all')
        assert '1 unreadable' in done.stdout
        assert not refused(server)
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
    assert records(server) == {}


def test_drain_whose_record_goes_bad(drained):
    """Who obeys it goes on, and holds it, until resume --all"""
    server, drain = drained()
    with connect(server.port) as holder, connect(server.port) as tree:
        handle = holder.create('app/tool.exe')
        drain.begin('pkg/app', HOLD)
        parked = tree.create_nowait('app/tool.exe')
        assert waits(parked)
        (key, value), = records(server).items()
        put(server, key, value[:-3])
        held = drain.locks()
        assert drain.status()['unreadable_records'] == 1
        assert drain.locks() == held
        assert waits(parked)
        assert (holder.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        assert refused(server)
        handle.close()
        drain.call('resume', '--all')
        assert parked.status(10) == NtStatus.SUCCESS
        assert holder.status_of_open('app/tool.exe') == NtStatus.SUCCESS
        assert drain.locks() == {'drain/roster'}


def test_unreadable_at_the_start(drained):
    """The same when it was there before smbd"""
    server, drain = drained()
    server.stop()
    put(server, b'x' * 16, b'garbage')
    server.start()
    assert refused(server)
    assert 'smbdrain resume --all' in server.logs()
    drain.call('resume', '--all')
    assert not refused(server)


def test_log_line(drained):
    """One line for each refusal, with share, number and database"""
    server, _ = drained()
    put(server, b'x' * 16, b'garbage')
    put(server, b'y' * 16, b'garbage')
    assert refused(server)
    lines = [line for line in server.logs().splitlines()
             if 'resume --all' in line]
    assert len(lines) == 1
    assert 'pkg' in lines[0] and '2 records' in lines[0]
    assert 'smbdrain.tdb' in lines[0]


def test_share_without_module(drained):
    """A share that has nothing to do with it is served"""
    server, _ = drained({'pkg': {'vfs objects': 'drain'}, 'plain': {}})
    put(server, b'x' * 16, b'garbage')
    connect(server.port, 'plain').connection.drop()
    assert refused(server)


def test_status_json(drained):
    """status counts them"""
    server, drain = drained()
    put(server, b'x' * 16, b'garbage')
    put(server, b'y', b'')
    assert drain.status()['unreadable_records'] == 2


def test_status_text(drained):
    """status says what they do and what to do"""
    server, drain = drained()
    put(server, b'x' * 16, b'garbage')
    text = drain.call('status').stdout
    assert 'cannot be read' in text and 'smbdrain resume --all' in text


def test_status_with_target(drained):
    """It says so for a target, too: nobody can connect to it"""
    server, drain = drained()
    put(server, b'x' * 16, b'garbage')
    assert 'resume --all' in drain.call('status', 'pkg/app').stdout


@pytest.fixture(name='beside')
def _beside(drained):
    """A drain that is fine beside a record that is not, and a client"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        put(server, b'x' * 16, b'garbage')
        yield server, drain, tree, handle


def test_readable_drain_goes_on(beside):
    """It is obeyed, waited for and resumed as ever"""
    _, drain, tree, handle = beside
    assert (tree.status_of_open('app/tool.exe') ==
            NtStatus.SHARING_VIOLATION)
    waiter = drain.start('wait', 'pkg/app')
    handle.close()
    assert waiter.wait(10) == 0, waiter.communicate()
    assert drain.state('pkg/app') == 'quiescent'
    drain.resume('pkg/app')
    assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
    assert drain.status()['unreadable_records'] == 1


def test_new_drain_beside(beside):
    """Another one can be begun"""
    _, drain, tree, _ = beside
    drain.begin('pkg/other')
    assert (tree.status_of_open('other/data.bin') ==
            NtStatus.SHARING_VIOLATION)
    drain.wait('pkg/other', '--timeout=10')


def test_resume_of_one_keeps_the_unreadable(beside):
    """resume TARGET takes no record away but its own"""
    server, drain, _, _ = beside
    drain.resume('pkg/app')
    assert list(records(server)) == [b'x' * 16]
    assert refused(server)


def test_resume_all_ends_both(beside):
    """resume --all ends what can be read and what cannot"""
    server, drain, tree, _ = beside
    said = drain.call('resume', '--all').stdout
    assert 'pkg/app is open' in said and '1 unreadable' in said
    assert records(server) == {}
    assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
    assert not refused(server)


def test_damaged_database(drained):
    """A drain in force in a file that is no database any more: nothing is
    served, and nothing is overwritten, until somebody has looked at it"""
    server, drain = drained()
    drain.begin('pkg/app')
    server.stop()
    path = server.base / 'state' / 'smbdrain.tdb'
    damaged = b'this is no tdb'.ljust(64, b'!') + path.read_bytes()[64:]
    path.write_bytes(damaged)
    server.start()
    assert refused(server), 'served, and the drain is forgotten'
    done = Drain(server).call('status', expect=1)
    assert str(server.base / 'state') in done.stderr
    assert path.read_bytes() == damaged
    path.unlink()
    assert not refused(server)
    assert drain.status()['drains'] == []
