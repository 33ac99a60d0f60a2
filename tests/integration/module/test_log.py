"""The log: each line of the module names client, share, path, and why."""

import os
import re
from pathlib import Path

import pytest
import tdb

from lib.drain import MSG_DRAIN_REQUEST, send_messages
from lib.smb2 import Access, NtStatus, Option, SmbError, connect

REFUSED = NtStatus.SHARING_VIOLATION
TOP = Path(os.environ['DRAIN_TOP'])
HEAD = re.compile(r'^\[\d.*source/(?:module|common)/\w+\.c:\d+\(\w+\)$')
LINE = re.compile(r'  \w+: drain: client (\S+), share (.+?), path (.+?): (.*\w.*)')


def said(server):
    """[(client, share, path, why)] of all that the module has logged

    A record of Samba's log is a head, and what was said on lines of its own.
    """
    found, lines = [], server.logs().splitlines()
    for number, head in enumerate(lines):
        if HEAD.match(head):
            match = LINE.fullmatch(lines[number + 1])
            assert match, (head, lines[number + 1])
            end = lines[number + 2:number + 3]
            assert not end or end[0].startswith('[') or not end[0], end
            found.append(match.groups())
    return found


def only(server, why):
    """The one line with these words: its client, share and path"""
    lines = [line for line in said(server) if why in line[3]]
    assert len(lines) == 1, (why, said(server))
    return lines[0][:3]


def test_no_line_goes_past():
    """What logs does so by the macro that names all that"""
    files = [*(TOP / 'source' / 'module').glob('*.c'),
             *(TOP / 'source' / 'bus').glob('*.c')]
    assert len(files) > 15
    for file in files:
        assert not re.search(r'\b(?:DBG_\w+|DEBUG|D_\w+)\(',
                             file.read_text()), file


def test_what_clients_are_refused(drained):
    """Opens, moves, and what is closed by force"""
    server, drain = drained(log_level='1 drain:10')
    root = server.share_path('pkg')
    with connect(server.port) as tree:
        moved = tree.create('other', Access.DELETE | Access.FILE_READ_ATTRIBUTES,
                            options=Option.DIRECTORY_FILE)
        tree.create('app/tool.exe')
        drain.begin('pkg/app', '--reason=update to 7.2')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        with pytest.raises(SmbError):
            moved.rename('app/other')
        drain.call('close', 'pkg/app')
        drain_id = drain.status()['drains'][0]['id']
    tool = ('127.0.0.1', 'pkg', f'{root}/app/tool.exe')
    assert only(server, 'refused with NT_STATUS_SHARING_VIOLATION: '
                f'{root}/app is drained ({drain_id}): update to 7.2') == tool
    assert only(server, f'refused rename or link to {root}/app/other') == (
        '127.0.0.1', 'pkg', f'{root}/other')
    assert only(server, 'closed by force, user nobody') == tool


def test_share_that_is_not_right(drained):
    """Options that are misspelt, and records that nobody can read"""
    server, drain = drained(log_level='1 drain:10')
    server.set_share('pkg', {'drain:refuse': 'x'})
    share = ('127.0.0.1', 'pkg', str(server.share_path('pkg')))
    drain.call('status')
    store = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'),
                     flags=os.O_RDWR)
    store[b'junk'] = b'junk'
    store.close()
    with pytest.raises(SmbError):
        connect(server.port)
    assert only(server, 'It has no effect') == share
    assert only(server, 'cannot read 1 records of ') == share


def test_what_is_of_no_share(drained):
    """It is of all that the client uses"""
    server, drain = drained(log_level='1 drain:10')
    with connect(server.port) as tree:
        child = server.child_of(tree.connection)
        send_messages(server, child, MSG_DRAIN_REQUEST, b'junk')
        server.smbcontrol(child, 'ping')
        assert only(server, 'cannot read a message') == ('127.0.0.1', '*', '*')
        assert 'cannot read a message' in drain.status()['errors'][0]['last']


def test_smbcontrol(drained):
    """What it has begun, ended, and what it could not"""
    server, _ = drained(log_level='1 drain:10')
    app = ('127.0.0.1', 'pkg', str(server.share_path('pkg') / 'app'))
    with connect(server.port) as tree:
        for words in 'drain:pkg/app', 'resume:pkg/app', 'drain:pkg/none':
            server.smbcontrol('smbd', 'close-share', words)
        server.smbcontrol('smbd', 'ping')
        server.smbcontrol(server.child_of(tree.connection), 'ping')
    assert only(server, 'drained by smbcontrol') == app
    assert only(server, 'resumed by smbcontrol') == app
    assert only(server, 'smbcontrol close-share drain: ') == (
        '127.0.0.1', 'pkg', 'pkg/none')


def test_names_that_deceive(drained):
    """Nobody writes lines of his own into the log"""
    server, drain = drained(log_level='1 drain:10')
    server.put('pkg', 'app/a\n  drain: client 10.0.0.1, share x, path y: z')
    with connect(server.port) as tree:
        name = next(entry.name for entry in tree.list_directory('app')
                    if entry.name not in ('.', '..', 'tool.exe'))
        drain.begin('pkg/app', '--reason=\n[2026/11/26')
        assert tree.status_of_open(f'app/{name}') == REFUSED
    client, share, path = only(server, r'\x0a[2026/11/26')
    assert (client, share) == ('127.0.0.1', 'pkg')
    assert '/app/a\\x0a' in path
