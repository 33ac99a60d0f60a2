"""What smbd does by itself while a Mac lists a directory.

vfs_fruit converts AppleDouble files (._NAME) that it meets in a listing: it
moves what is in them to extended attributes and streams, and may delete them.
"""

import os
import shutil
import struct

import pytest

from lib.smb2 import Access, Option, connect
from lib.smbd import PrivateSmbd, samba_release

# Seen with 4.22.11: it ends with a panic if an attribute is damaged, with or
# without drain, and leaves all else as it is
pytestmark = pytest.mark.skipif(
    samba_release() >= (4, 22),
    reason='vfs_fruit converts nothing when a Mac lists a directory')

STACK = {'vfs objects': 'drain catia fruit streams_xattr'}
SHARES = {
    'pkg': STACK,
    'delete': {**STACK, 'fruit:delete_empty_adfiles': 'yes'},
    'wipe': {**STACK, 'fruit:wipe_intentionally_left_blank_rfork': 'yes'},
    'xattr': {**STACK, 'fruit:resource': 'xattr'},
    'stream': {**STACK, 'fruit:resource': 'stream'},
    'exempt': {**STACK, 'drain:exempt hosts': '127.0.0.2'},
}

MAC = b'Mac OS X        '
FINDER_INFO = b'TEXTttxt'.ljust(32, b'\0')
BLANK_FORK = (struct.pack('>IIII', 256, 256, 0, 30)
              + b'This resource fork intentionally left blank   ')
READ_DIR_ATTR = 1
AAPL = (b'AAPL', struct.pack('<IIQQ', 1, 0, 7, READ_DIR_ATTR))


def apple_double(finder_info, fork, filler=MAC):
    """A ._ file as a Mac writes it on a disk that has no forks"""
    start = 50
    return (struct.pack('>II16sH', 0x00051607, 0x00020000, filler, 2)
            + struct.pack('>III', 9, start, len(finder_info))
            + struct.pack('>III', 2, start + len(finder_info), len(fork))
            + finder_info + fork)


def with_attribute(name, value):
    """Finder info that is followed by an extended attribute"""
    header, entry = 84, 120
    data = entry + 11 + len(name)
    total = data + len(value)
    return (FINDER_INFO + bytes(2)
            + struct.pack('>4sIIII12xHH', b'ATTR', 0, total, data, len(value),
                          0, 1)
            + struct.pack('>IIHB', data, len(value), 0, len(name)) + name
            + value)


COMPANIONS = {
    'info': apple_double(FINDER_INFO, b'fork' * 50),
    'attribute': apple_double(
        with_attribute(b'com.apple.quarantine\0', b'0001;Safari'), b'fork'),
    'blank': apple_double(FINDER_INFO, BLANK_FORK.ljust(286, b'\0'), bytes(16)),
    'empty': apple_double(FINDER_INFO, b'', bytes(16)),
}


def snapshot(root):
    """All that is in a directory, byte for byte"""
    def look(path):
        info = path.stat()
        return (info.st_mtime_ns, info.st_ino, info.st_mode,
                path.read_bytes() if path.is_file() else b'',
                {name: os.getxattr(path, name) for name in os.listxattr(path)})
    return {str(path.relative_to(root)): look(path)
            for path in [root, *root.rglob('*')]}


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('mac', SHARES) as server:
        yield server


def fill(server, share, names=tuple(COMPANIONS)):
    """A package of files and their companions, and of nothing else"""
    shutil.rmtree(server.share_path(share) / 'app', ignore_errors=True)
    for name in names:
        server.put(share, f'app/{name}', b'data')
        server.put(share, f'app/._{name}', COMPANIONS[name])
    return server.share_path(share) / 'app'


def mac(server, share, **options):
    """Connect as a Mac does"""
    tree = connect(server.port, share, **options)
    tree.create('', Access.FILE_READ_ATTRIBUTES, contexts=[AAPL],
                options=Option.DIRECTORY_FILE).close()
    return tree


def list_as_a_mac(server, share, **options):
    """The names that a Mac finds in the package"""
    with mac(server, share, **options) as tree:
        return {entry.name for entry in tree.list_directory('app')}


def differences(before, now):
    """The names of what is not the same"""
    return sorted(name for name in before | now
                  if before.get(name) != now.get(name))


@pytest.mark.parametrize('share', sorted(set(SHARES) - {'exempt'}))
def test_listing_changes_nothing(server, drain, share):
    """What is quiescent is the same after a Mac has looked at it, and is
    converted after that; so it is fruit that the drain has kept from it"""
    package = fill(server, share)
    drain.begin(f'{share}/app', '--wait')
    before = snapshot(package)
    assert set(COMPANIONS) <= list_as_a_mac(server, share)
    assert differences(before, snapshot(package)) == []
    drain.resume(f'{share}/app')
    list_as_a_mac(server, share)
    assert {'attribute', '._attribute', 'info'} <= set(
        differences(before, snapshot(package)))


def test_damaged_metadata_stay(server, drain):
    """fruit removes an attribute that it cannot read"""
    package = fill(server, 'pkg', ['attribute'])
    os.setxattr(package / 'attribute', 'user.org.netatalk.Metadata',
                bytes(402))
    drain.begin('pkg/app', '--wait')
    before = snapshot(package)
    list_as_a_mac(server, 'pkg')
    assert differences(before, snapshot(package)) == []


def test_elsewhere_it_is_converted(server, drain):
    """Only what drains is kept as it is"""
    package = fill(server, 'pkg')
    server.put('pkg', 'other/f', b'data')
    drain.begin('pkg/other', '--wait')
    before = snapshot(package)
    list_as_a_mac(server, 'pkg')
    assert 'attribute' in differences(before, snapshot(package))


def test_exempt_mac(server, drain):
    """An updater has fruit convert, and deletes files with their companion"""
    package = fill(server, 'exempt')
    drain.begin('exempt/app', '--wait')
    before = snapshot(package)
    with mac(server, 'exempt', source='127.0.0.2') as tree:
        tree.list_directory('app')
        assert 'attribute' in differences(before, snapshot(package))
        tree.unlink('app/info')
        tree.write_file('app/attribute', b'new')
    assert not (package / 'info').exists()
    assert not (package / '._info').exists()
    assert (package / 'attribute').read_bytes().startswith(b'new')


def test_holder_is_served(server, drain):
    """A Mac that has a file open may write its forks and delete it"""
    package = fill(server, 'pkg')
    with mac(server, 'pkg') as tree:
        fork = tree.create('app/info:AFP_Resource', Access.READ_WRITE)
        gone = tree.create('app/attribute', Access.READ_WRITE | Access.DELETE,
                           options=Option.DELETE_ON_CLOSE)
        drain.begin('pkg/app')
        fork.write(b'FORK')
        fork.close()
        gone.close()
        drain.wait('pkg/app', '--timeout=10')
        before = snapshot(package)
        tree.list_directory('app')
        assert differences(before, snapshot(package)) == []
    assert b'FORK' in (package / '._info').read_bytes()
    assert not (package / 'attribute').exists()
    assert not (package / '._attribute').exists()
