"""Messages that no smbdrain has sent: smbd and tools survive them."""

import os
import random
import signal
import struct

import pytest

from lib.drain import (MESSAGE_VERSION, MSG_DRAIN_REPLY, MSG_DRAIN_REQUEST,
                       Drain, send_messages)
from lib.smb2 import NtStatus, SmbError, connect
from lib.smbd import PrivateSmbd, wait_until

MAGIC = 0x4e415244
APPLY, HOLDERS = 1, 2
STATE, GONE = 1, 3


def message(what, body=b'', magic=MAGIC, version=MESSAGE_VERSION, cookie=0):
    """A message of drain.idl"""
    return struct.pack('<IHHQ', magic, version, what, cookie) + body


def apply(drain=bytes(16), flags=0):
    """A whole DRAIN_ASK_APPLY"""
    return message(APPLY, drain + struct.pack('<I', flags))


BAD = {
    'empty': b'',
    'short': b'DR',
    'only magic': struct.pack('<I', MAGIC),
    'no body': message(APPLY),
    'half a body': apply()[:-2],
    'long': apply() + b'x',
    'very long': apply() + bytes(200000),
    'wrong magic': message(APPLY, bytes(20), magic=0xdeadbeef),
    'other version': message(APPLY, bytes(20), version=MESSAGE_VERSION + 1),
    'version 0': message(APPLY, bytes(20), version=0),
    'unknown ask': message(7, bytes(20)),
    'ask 0': message(0, bytes(20)),
    'ask 65535': message(65535, bytes(20)),
    'no path': message(HOLDERS, struct.pack('<I', 0) + bytes(16)),
    'too many paths': message(HOLDERS, struct.pack('<I', 65) + bytes(600)),
    'path of 4 GB': message(HOLDERS, struct.pack('<II', 1, 0xffffffff)),
    'path that is not there': message(HOLDERS, struct.pack('<II', 1, 100)),
}


@pytest.fixture(name='shared', scope='module')
def _shared():
    """A server for all tests here: none may harm it"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('messages', {'pkg': {'vfs objects': 'drain'}}) as server:
        server.put('pkg', 'app/tool.exe', b'MZ')
        server.put('pkg', 'other/data.bin', b'data')
        yield server, Drain(server)


@pytest.fixture(name='served')
def _served(shared):
    """That server, its tool, and a client's tree and smbd"""
    server, drain = shared
    with connect(server.port) as tree:
        yield server, drain, tree, server.child_of(tree.connection)
    drain.call('resume', '--all')
    server.wait_children(0)


def error_count(drain):
    """Of all smbds, as status has it"""
    return sum(error['count'] for error in drain.status()['errors'])


def wait_for_errors(drain, number):
    """Until all messages have been read"""
    wait_until(lambda: error_count(drain) >= number, 15,
               '%d errors' % number, interval=0.05)
    assert error_count(drain) == number


def serves(drain, tree, target='pkg/app', name='app/tool.exe'):
    """The smbd opens files, and drains as it should"""
    assert tree.status_of_open(name) == NtStatus.SUCCESS
    drain.begin(target)
    assert tree.status_of_open(name) == NtStatus.SHARING_VIOLATION
    drain.resume(target)
    assert tree.status_of_open(name) == NtStatus.SUCCESS


@pytest.mark.parametrize('payload', BAD.values(), ids=BAD)
def test_bad_request(served, payload):
    """It is counted, logged once, and service goes on"""
    server, drain, tree, pid = served
    before = server.logs().count('cannot read a message')
    send_messages(server, pid, MSG_DRAIN_REQUEST, payload, payload, payload)
    wait_for_errors(drain, 3)
    assert server.logs().count('cannot read a message') == before + 1
    assert server.child_of(tree.connection) == pid
    serves(drain, tree)


def test_good_request_of_a_stranger(served):
    """What a tool would send is no error, whoever sends it"""
    server, drain, tree, pid = served
    send_messages(server, pid, MSG_DRAIN_REQUEST, apply(), apply(flags=1),
                  apply(bytes(range(16)), 1), apply(flags=0xffffffff))
    assert drain.status()['errors'] == []
    serves(drain, tree)


def ask_holders(path, most):
    """A whole DRAIN_ASK_HOLDERS for one path"""
    whole = message(HOLDERS, struct.pack('<II', 1, len(path)) + path + b'\0')
    whole += bytes(-len(whole) % 8)
    return whole + struct.pack('<QI', 0, most)


@pytest.mark.parametrize('path', [b'', b'app', b'/', b'/\0/', b'\xff\xfe',
                                  b'/' + b'x' * 100000],
                         ids=lambda path: repr(path[:9]))
def test_odd_path_asked_for(served, path):
    """Paths that make no sense have no holders, or all; that is no error"""
    server, drain, tree, pid = served
    tree.create('other/data.bin')
    send_messages(server, pid, MSG_DRAIN_REQUEST,
                  *(ask_holders(path, most) for most in (0, 1, 0xffffffff)))
    assert drain.status()['errors'] == []
    assert server.child_of(tree.connection) == pid
    serves(drain, tree)


def fuzzed(number, seed):
    """Messages that are bad in ever other ways, some with a good head"""
    rng = random.Random(seed)
    for _ in range(number):
        kind = rng.randrange(4)
        body = rng.randbytes(rng.choice((0, 3, 20, 100, 900, 5000)))
        if kind == 0:
            yield body
        elif kind == 1:
            yield message(rng.randrange(4), body, cookie=rng.getrandbits(64))
        elif kind == 2:
            yield message(APPLY, body,
                          version=rng.randrange(MESSAGE_VERSION + 3))
        else:
            whole = bytearray(apply(rng.randbytes(16), rng.getrandbits(32)))
            whole[rng.randrange(len(whole))] = rng.randrange(256)
            yield bytes(whole)


def test_fuzzed_requests(served):
    """A thousand of them: the same smbd serves on"""
    server, drain, tree, pid = served
    handle = tree.create('other/data.bin')
    send_messages(server, pid, MSG_DRAIN_REQUEST, *fuzzed(1000, 1))
    server.smbcontrol(pid, 'ping')
    wait_until(lambda: error_count(drain) > 400, 40, 'errors', interval=0.1)
    assert handle.read() == b'data'
    assert server.child_of(tree.connection) == pid
    serves(drain, tree)


def test_fuzzed_requests_while_draining(served):
    """Nor do they end or change a drain"""
    server, drain, tree, pid = served
    handle = tree.create('app/tool.exe')
    drain.begin('pkg/app')
    send_messages(server, pid, MSG_DRAIN_REQUEST, *fuzzed(300, 2))
    server.smbcontrol(pid, 'ping')
    assert drain.state('pkg/app') == 'armed'
    assert (tree.status_of_open('app/tool.exe') ==
            NtStatus.SHARING_VIOLATION)
    handle.close()
    drain.wait('pkg/app', '--timeout=10')


def test_fuzz_does_not_fill_the_log(served):
    """Of 300 bad messages of two kinds in turn not each is a line"""
    server, drain, _, pid = served
    before = server.logs().count('cannot read a message')
    pair = (BAD['wrong magic'], BAD['other version'])
    send_messages(server, pid, MSG_DRAIN_REQUEST, *(pair * 150))
    wait_for_errors(drain, 300)
    assert server.logs().count('cannot read a message') <= before + 20


def test_smbd_that_has_left_the_share(drained):
    """The handler stays when the last tree has gone"""
    server, drain = drained({'pkg': {'vfs objects': 'drain'}, 'plain': {}})
    server.put('pkg', 'app/tool.exe', b'MZ')
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        plain = tree.session.tree('plain')
        tree.disconnect()
        send_messages(server, pid, MSG_DRAIN_REQUEST, b'junk', apply(),
                      message(HOLDERS, struct.pack('<III', 1, 1, 1) + b'/' +
                              bytes(30)))
        assert plain.status_of_open('nosuch') != NtStatus.SUCCESS
        serves(drain, plain.session.tree('pkg'))


def test_processes_without_the_module(served):
    """Everybody else drops what is not for them"""
    server, drain, tree, _ = served
    send_messages(server, server.pid, MSG_DRAIN_REQUEST, b'junk', apply())
    serves(drain, tree)


def test_a_reply_to_an_smbd(served):
    """An smbd does not hear what is for tools"""
    server, drain, tree, pid = served
    send_messages(server, pid, MSG_DRAIN_REPLY, b'junk', message(STATE))
    assert drain.status()['errors'] == []
    serves(drain, tree)


REPLIES = [b'', b'junk', message(STATE), message(9, bytes(40)),
           message(STATE, bytes(40)), message(STATE, bytes(40), version=9),
           message(2, bytes(60)), message(GONE, bytes(200)),
           message(GONE, b'\xff' * 200)]


@pytest.fixture(name='waiter')
def _waiter(served):
    """A tool that waits for the one handle"""
    server, drain, tree, _ = served
    handle = tree.create('app/tool.exe')
    drain.begin('pkg/app')
    waiter = drain.start('wait', 'pkg/app')
    wait_until(lambda: (server.base / 'lock' / 'msg.lock' /
                        str(waiter.pid)).exists(), 10, 'waiter')
    yield server, drain, handle, waiter
    waiter.kill()
    waiter.communicate()


def test_junk_replies_to_a_waiter(waiter):
    """It goes on waiting, and sees the end"""
    server, drain, handle, process = waiter
    send_messages(server, process.pid, MSG_DRAIN_REPLY, *REPLIES)
    assert process.poll() is None
    handle.close()
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 0 and 'quiescent' in out
    assert drain.state('pkg/app') == 'quiescent'


def test_fuzzed_replies_to_a_waiter(waiter):
    """A thousand of them do not flood its terminal either"""
    server, _, handle, process = waiter
    send_messages(server, process.pid, MSG_DRAIN_REPLY, *fuzzed(1000, 3))
    assert process.poll() is None
    handle.close()
    _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert err.count('\n') <= 20


def test_requests_to_a_waiter(waiter):
    """It does not answer what is for smbds"""
    server, _, handle, process = waiter
    send_messages(server, process.pid, MSG_DRAIN_REQUEST, b'junk', apply())
    handle.close()
    assert process.wait(10) == 0


def test_junk_replies_to_a_monitor(served):
    """monitor goes on and tells of the next event"""
    server, drain, _, _ = served
    monitor = drain.start('monitor')
    try:
        wait_until(lambda: (server.base / 'lock' / 'msg.lock' /
                            str(monitor.pid)).exists(), 10, 'monitor')
        send_messages(server, monitor.pid, MSG_DRAIN_REPLY, *REPLIES)
        drain.begin('pkg/app')
        assert 'begun' in monitor.stdout.readline()
    finally:
        monitor.send_signal(signal.SIGTERM)
        monitor.communicate(timeout=10)
    assert monitor.returncode == -signal.SIGTERM


def test_mute_smbd_of_another_version(served):
    """A begin that hears only junk does not take it for an answer"""
    server, drain, tree, pid = served
    process = None
    server.kill(pid, signal.SIGSTOP)
    try:
        process = Drain(server).start('begin', 'pkg/app', '--timeout=1.5')
        wait_until(lambda: (server.base / 'lock' / 'msg.lock' /
                            str(process.pid)).exists(), 10, 'begin')
        send_messages(server, process.pid, MSG_DRAIN_REPLY, *REPLIES)
        out, err = process.communicate(timeout=10)
    finally:
        server.kill(pid, signal.SIGCONT)
    assert process.returncode != 0 and 'armed\n' not in out
    assert str(pid) in err
    drain.wait('pkg/app', '--timeout=10')
    assert (tree.status_of_open('app/tool.exe') ==
            NtStatus.SHARING_VIOLATION)


def test_smbd_that_could_not_serve_the_share(drained):
    """It has no database to look into, and is asked nevertheless"""
    server, drain = drained({'pkg': {'vfs objects': 'drain'}, 'plain': {}})
    server.put('pkg', 'app/tool.exe', b'MZ')
    database = server.base / 'state' / 'smbdrain.tdb'
    database.write_bytes(b'no database'.ljust(64, b'!'))
    with connect(server.port, 'plain') as plain:
        pid = server.child_of(plain.connection)
        with pytest.raises(SmbError):
            plain.session.tree('pkg')
        send_messages(server, pid, MSG_DRAIN_REQUEST, apply(), b'junk',
                      message(HOLDERS, struct.pack('<III', 1, 1, 1) + b'/' +
                              bytes(30)))
        assert server.child_of(plain.connection) == pid
        database.unlink()
        serves(drain, plain.session.tree('pkg'))
