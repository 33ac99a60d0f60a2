"""SMB1 clients are refused without smbd trying again for ever.

smbd itself tries an SMB1 open that is told SHARING_VIOLATION again every
200 ms, for a second.
"""

import os
import re
import struct
import time

import pytest
from impacket import smb
from impacket.smbconnection import SMBConnection

from lib.smb2 import NtStatus
from lib.smbclient import SMB1_SERVER, SmbClient
from lib.smbd import wait_until

SECONDS = 6     # smbd's own second, and a busy machine
TRIES = 8       # smbd's own 6
REFUSED = re.compile(r'path \S*/app/\S*: refused with '
                     'NT_STATUS_SHARING_VIOLATION')
MODULE = {'vfs objects': 'drain'}
USERS, PASSWORD = ('games', 'daemon'), 'Not-a-secret-1'


@pytest.fixture(name='smb1')
def _smb1(drained):
    """A server that still speaks SMB1: ``server, drain, client``"""
    server, drain = drained(global_options={
        **SMB1_SERVER, 'log level': '1 vfs:5 drain:5'})
    return server, drain, SmbClient(server, protocol='NT1', patience=20)


def refusals(server):
    """How often the module has refused an open of something in app"""
    return len(REFUSED.findall(server.logs()))


@pytest.mark.parametrize('command', [
    'get app/tool.exe -', 'put smb.conf app/new.exe',
    'put smb.conf app/tool.exe', 'rm app/tool.exe'],
    ids=lambda command: command.split('/')[0].replace(' ', '_'))
def test_refused_in_time(smb1, command):
    """A few tries, one answer, and the connection goes on"""
    server, drain, client = smb1
    drain.begin('pkg/app')
    began = time.monotonic()
    result = client.run(command, 'get other/data.bin -')
    assert time.monotonic() - began < SECONDS
    assert set(result.statuses) == {NtStatus.SHARING_VIOLATION}, result
    assert 'data' in result.output
    known = refusals(server)
    assert 0 < known <= TRIES * len(result.statuses)


def test_nothing_is_tried_after_the_answer(smb1):
    """What was refused is over, also while the connection stands"""
    server, drain, client = smb1
    drain.begin('pkg/app')
    run = client.start('get app/tool.exe -', '!sleep 2', 'ls')
    time.sleep(2)
    known = refusals(server)
    result = run.wait()
    assert result.statuses == [NtStatus.SHARING_VIOLATION]
    assert 0 < refusals(server) == known <= TRIES


def test_whose_handle_of_a_shared_tree_it_is(smb1):
    """Two users on one tree connection: the exempt one is the last that it
    served when the drain begins, the other has the file open"""
    server, drain, _ = smb1
    for user in USERS:
        server.add_user(user, PASSWORD)
    server.set_share('pkg', {**MODULE, 'drain:exempt users': USERS[1]})
    server.reload()
    client = smb.SMB(server.host, server.host, sess_port=server.port)
    try:
        client.login(USERS[0], PASSWORD)
        tree = client.tree_connect_andx(f'\\\\{server.host}\\pkg')
        client.nt_create_andx(tree, r'app\tool.exe')
        client.set_uid(0)   # another session, not the same one again
        client.login(USERS[1], PASSWORD)
        client.nt_create_andx(tree, r'other\data.bin')
        drain.begin('pkg/app')
        holder, = drain.holders('pkg/app')
        assert holder['user'] == USERS[0] and not holder['exempt']
        drain.wait('pkg/app', '--timeout=0.5', expect=124)
    finally:
        client.close_session()


def test_other_status_is_told_at_once(drained):
    """Only SHARING_VIOLATION is tried again by smbd"""
    server, drain = drained(
        {'pkg': {**MODULE, 'drain:refuse status': 'access_denied'}},
        SMB1_SERVER)
    server.put('pkg', 'app/tool.exe', b'MZ')
    drain.begin('pkg/app')
    began = time.monotonic()
    result = SmbClient(server, protocol='NT1').run('get app/tool.exe -')
    assert result.statuses == [NtStatus.ACCESS_DENIED]
    assert time.monotonic() - began < SECONDS


def test_resumed_while_it_is_tried(smb1):
    """Then it gets the file"""
    server, drain, client = smb1
    drain.begin('pkg/app')
    run = client.start('get app/tool.exe -')
    wait_until(lambda: refusals(server), 10, 'a refusal', 0.01)
    drain.resume('pkg/app')
    assert run.wait().statuses in ([], [NtStatus.SHARING_VIOLATION])
    assert client.run('get app/tool.exe -').statuses == []


def start_to_read(server, client):
    """An SMB1 client that has app/large open, until its output is read"""
    os.truncate(server.put('pkg', 'app/large'), 50 << 20)
    return client.start('get app/large -', 'get other/data.bin -')


def test_smb1_handle_is_a_holder(smb1):
    """As any other, until it is closed"""
    server, drain, client = smb1
    run = start_to_read(server, client)
    wait_until(lambda: drain.holders('pkg/app'), 10, 'smbclient', 0.05)
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.3', expect=124)
    assert run.wait().statuses == []
    drain.wait('pkg/app', '--timeout=5')


def test_smb1_handle_is_closed(smb1):
    """By force, as any other; its client is told and works on"""
    server, drain, client = smb1
    run = start_to_read(server, client)
    wait_until(lambda: drain.holders('pkg/app'), 10, 'smbclient', 0.05)
    drain.call('close', 'pkg/app')
    assert drain.holders('pkg/app') == []
    result = run.wait()
    assert len(result.statuses) == 1 and 'data' in result.output[-500:]


# -- Unix extensions

class UnixClient:
    """What smbclient has no command for, in raw requests

    Structures as in the SNIA's "CIFS Extensions for UNIX systems".
    """

    SET_FS, SET_PATH = 4, 6
    SET_UNIX_INFO, UNIX_BASIC = 0x200, 0x200
    POSIX_PATHNAMES, FIFO = 0x10, 5
    KEEP = b'\xff' * 8

    def __init__(self, server):
        connection = SMBConnection('127.0.0.1', '127.0.0.1',
                                   sess_port=server.port,
                                   preferredDialect='NT LM 0.12')
        connection.login('', '')
        self._tree = connection.connectTree('pkg')
        self._smb = connection.getSMBServer()
        assert self._ask(self.SET_FS, struct.pack('<HH', 0, self.SET_UNIX_INFO),
                         struct.pack('<HHQ', 1, 0, self.POSIX_PATHNAMES)
                         ) == NtStatus.SUCCESS

    def _ask(self, what, parameters, data):
        self._smb.send_trans2(self._tree, what, '\0', parameters, data)
        answer = self._smb.recvSMB()
        return NtStatus(answer['ErrorCode'] << 16 | answer['_reserved'] << 8
                        | answer['ErrorClass'])

    def make_fifo(self, name):
        """mknod(2); returns the status"""
        return self._ask(
            self.SET_PATH,
            struct.pack('<HL', self.UNIX_BASIC, 0) + name.encode() + b'\0',
            self.KEEP * 7 + struct.pack('<L16xQQQ', self.FIFO, 0, 0o666, 0))


def test_unix_extensions(smb1):
    """Special files and symbolic links are made, but not in the target"""
    server, drain, client = smb1
    root = server.share_path('pkg')
    (root / 'other').chmod(0o777)
    drain.begin('pkg/app')
    unix = UnixClient(server)
    assert unix.make_fifo('other/fifo') == NtStatus.SUCCESS
    assert unix.make_fifo('app/fifo') == NtStatus.ACCESS_DENIED
    result = client.run('posix', 'symlink x other/link', 'symlink x app/link')
    assert result.statuses == [NtStatus.ACCESS_DENIED]
    assert (root / 'other/fifo').is_fifo()
    assert (root / 'other/link').is_symlink()
    assert os.listdir(root / 'app') == ['tool.exe']
