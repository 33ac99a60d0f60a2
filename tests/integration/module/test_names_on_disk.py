"""Names of clients that are not the names on the disk.

A module such as catia maps them, or the file system finds one directory by
several names. What is drained is the directory, by whatever name.
"""

import os
import struct
import uuid
from pathlib import Path

import pytest

from lib import normfs, smb2
from lib.drain import Drain
from lib.faults import stops_at
from lib.smb2 import (Access, Disposition, NtStatus, Option, SmbError,
                      SMB_3_1_1, connect)
from lib.smbd import (DURABLE_SHARE, is_stopped, samba_release,
                      wait_until)

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION
RENAMES = Access.READ_WRITE | Access.DELETE

# The target is pkg/a:b, which clients call so
MAPPED = 'a\uf022b'
CATIA = {'catia:mappings': '0x3a:0xf022', **DURABLE_SHARE}
ORDERS = pytest.mark.parametrize('objects', ['drain catia', 'catia drain'])

# Of previous versions there are none, so that the file as it is now is opened
BEFORE = {'contexts': [(b'TWrp', struct.pack('<Q', 133000000000000000))]}


def status_of(call, *args, **keywords):
    """What a call of a client is told"""
    try:
        call(*args, **keywords)
    except SmbError as error:
        return error.status
    return GRANTED


# -- names that a module maps

@pytest.fixture
def mapped(drained):
    """``mapped('drain catia')``: a server with a:b/f.txt, a:b/x:y.txt, and
    app/x:y.txt"""
    def start(objects='drain catia', **options):
        server, drain = drained({'pkg': {'vfs objects': objects, **CATIA,
                                         **options}})
        for name in 'a:b/f.txt', 'a:b/x:y.txt', 'app/x:y.txt':
            server.put('pkg', name, b'old')
        (server.share_path('pkg') / 'a:b').chmod(0o777)
        return server, drain
    return start


@ORDERS
def test_mapped_file_is_no_previous_version(mapped, objects):
    """It counts, before and after, though a client says that it is one"""
    server, drain = mapped(objects)
    name = 'app/x\uf022y.txt'
    with connect(server.port) as tree:
        handle = tree.create(name, Access.READ_WRITE, **BEFORE)
        drain.begin('pkg/app')
        assert len(drain.holders('pkg/app')) == 1
        for access in Access.READ, Access.READ_WRITE:
            assert tree.status_of_open(name, access, **BEFORE) == REFUSED
        drain.wait('pkg/app', '--timeout=0.1', expect=124)
        handle.close()
        drain.wait('pkg/app')


def test_previous_version_of_a_mapped_file(mapped):
    """It is somewhere else, so it stays, though it is the same inode"""
    server, drain = mapped('drain catia shadow_copy2')
    root = server.share_path('pkg')
    server.set_share('pkg', {'shadow:snapdir': root / '.snapshots',
                             'shadow:basedir': root})
    snapshot = root / '.snapshots/@GMT-2022.06.18-04.26.40/app'
    snapshot.mkdir(parents=True)
    os.link(root / 'app/x:y.txt', snapshot / 'x:y.txt')
    with connect(server.port) as tree:
        drain.begin('pkg/app', '--wait')
        assert tree.status_of_open('app/x\uf022y.txt') == REFUSED
        assert tree.status_of_open('app/x\uf022y.txt', **BEFORE) == GRANTED


def test_renamed_file_is_no_previous_version(drained):
    """A holder is one, though its name leads nowhere any more"""
    server, drain = drained()
    app = server.share_path('pkg') / 'app'
    with connect(server.port) as tree, tree.create('app/tool.exe', **BEFORE):
        (app / 'tool.exe').rename(app / 'tool.old')
        drain.begin('pkg/app')
        assert len(drain.holders('pkg/app')) == 1


@ORDERS
def test_holder_renames_a_mapped_file(mapped, objects):
    """Within the target, from and to mapped names; not out of it"""
    server, drain = mapped(objects)
    root = server.share_path('pkg')
    with connect(server.port) as tree:
        handle = tree.create(f'{MAPPED}/x\uf022y.txt', RENAMES)
        drain.begin('pkg/a:b', '--let-holders-finish')
        handle.rename(f'{MAPPED}/x\uf022z.txt')
        assert (root / 'a:b/x:z.txt').exists()
        assert status_of(handle.rename, 'app/out\uf022.txt') == REFUSED
        handle.rename(f'{MAPPED}/plain.txt')
        assert (root / 'a:b/plain.txt').exists()


@ORDERS
def test_target_with_a_mapped_name_stays(mapped, objects):
    """Neither a handle from before, nor an open, moves it or makes another"""
    server, drain = mapped(objects)
    root = server.share_path('pkg')
    root.chmod(0o777)
    options = {'options': Option.DIRECTORY_FILE}
    with connect(server.port) as tree:
        directory = tree.create(MAPPED, Access.DELETE | Access.READ, **options)
        other = tree.create('app', Access.DELETE | Access.READ, **options)
        drain.begin('pkg/a:b', '--wait')
        assert status_of(directory.rename, 'moved') == REFUSED
        assert tree.status_of_open(MAPPED, Access.DELETE) == REFUSED
        (root / 'a:b').rename(root / 'away')
        assert status_of(other.rename, MAPPED) == REFUSED
        assert tree.status_of_open(
            MAPPED, disposition=Disposition.CREATE, **options) == REFUSED
        assert sorted(os.listdir(root)) == ['app', 'away']


def _leave(server, name, share='pkg'):
    """A client with a durable handle, gone: its GUID and the handle"""
    guid = uuid.uuid4().bytes_le
    tree = connect(server.port, share, client_guid=guid)
    handle = tree.create(name, Access.READ_WRITE, lease='RWH', durable=2)
    assert handle.durable
    child = server.child_of(tree.connection)
    tree.connection.drop(reset=True)
    server.wait_gone(child)
    return guid, handle


@ORDERS
def test_durable_handle_below_a_mapped_name(mapped, objects):
    """It is waited for, comes back, counts again, and then it is quiet"""
    server, drain = mapped(objects)
    guid, handle = _leave(server, f'{MAPPED}/f.txt')
    drain.begin('pkg/a:b')
    assert [h['disconnected'] for h in drain.holders('pkg/a:b')] == [True]
    drain.wait('pkg/a:b', '--timeout=0.3', expect=124)
    with connect(server.port, client_guid=guid) as tree:
        again = tree.reconnect(handle)
        assert [h['disconnected'] for h in drain.holders('pkg/a:b')] == [False]
        drain.wait('pkg/a:b', '--timeout=0.3', expect=124)
        again.close()
        drain.wait('pkg/a:b')


def test_durable_handle_elsewhere_is_none_of_the_target(mapped):
    """Though its name says as little"""
    server, drain = mapped()
    _leave(server, 'app/x\uf022y.txt')
    drain.begin('pkg/a:b', '--wait')
    assert drain.holders('pkg/a:b') == []


def test_durable_handle_in_a_directory_that_was_renamed(mapped):
    """By root: the name of the client does not lead to it any more"""
    server, drain = mapped()
    root = server.share_path('pkg')
    _leave(server, 'app/x\uf022y.txt')
    (root / 'app').rename(root / 'moved')
    drain.begin('pkg/moved')
    drain.wait('pkg/moved', '--timeout=0.3', expect=124)


def test_durable_handle_of_a_share_that_was_moved(mapped):
    """By root, to below the target: no path of that share is left"""
    server, drain = mapped()
    root = server.share_path('pkg')
    former = root.with_name('former')
    former.mkdir()
    server.set_share('former', {'path': former, 'vfs objects': 'drain',
                                **DURABLE_SHARE})
    server.put('former', 'f.txt', b'old')
    former.chmod(0o777)
    server.reload()
    _leave(server, 'f.txt', share='former')
    server.remove_share('former')
    former.rename(root / 'app/moved')
    server.reload()
    drain.begin('pkg/app')
    assert [h['disconnected'] for h in drain.holders('pkg/app')] == [True]
    drain.wait('pkg/app', '--timeout=0.3', expect=124)


@pytest.mark.no_memcheck('the tool is stopped in the middle')
def test_smbd_does_not_wait_for_a_look_at_the_target(mapped, preloaded):
    """No record of the table of open files is locked while that lasts"""
    server, drain = mapped()
    name = f'{MAPPED}/f.txt'
    environment = preloaded(stops_at('fts_open'))
    with connect(server.port) as tree:
        handle = tree.create(name, Access.READ, lease='RH')
        _leave(server, name)
        with drain.start('begin', 'pkg/a:b', '--wait',
                         env={**os.environ, **environment}) as looking:
            try:
                wait_until(lambda: is_stopped(looking.pid), 10, 'a look')
                handle.close()  # of the same record
            finally:
                looking.kill()


def test_durable_handle_is_refused_once_quiescent(mapped):
    """Though the tool had not seen it"""
    server, drain = mapped()
    guid, handle = _leave(server, f'{MAPPED}/f.txt')
    root = server.share_path('pkg')
    # What was not there when the tool looked
    (root / 'a:b/f.txt').rename(root / 'f.txt')
    drain.begin('pkg/a:b', '--wait')
    (root / 'f.txt').rename(root / 'a:b/f.txt')
    with connect(server.port, client_guid=guid) as tree:
        assert (status_of(tree.reconnect, handle)
                == NtStatus.OBJECT_NAME_NOT_FOUND)


# -- names that a file system takes for the same

NFC, NFD = 'B\u00fcro', 'Bu\u0308ro'


@pytest.fixture
def normalizing(smbd, tmp_path):
    """A server whose share finds Büro by either name; NFC is on the disk"""
    back = tmp_path / 'back'
    root = tmp_path / 'share'
    root.mkdir()
    for name in f'{NFC}/sub/f.txt', 'other/f.txt':
        (back / name).parent.mkdir(parents=True)
        (back / name).write_bytes(b'old')
    for path in [back, *back.rglob('*')]:
        path.chmod(0o777)
    with normfs.mounted(back, root):
        server = smbd({'pkg': {'vfs objects': 'drain', 'path': root,
                               'force user': 'root', **DURABLE_SHARE}})
        yield server, Drain(server), Path(back)
        server.stop()


@pytest.mark.parametrize('target', [NFC, NFD], ids=['nfc', 'nfd'])
def test_two_spellings_are_one_target(normalizing, target):
    """For opens, for holders, and for the tool"""
    server, drain, _ = normalizing
    names = [f'{NFC}/sub/f.txt', f'{NFD}/sub/f.txt']
    with connect(server.port) as tree:
        handles = [tree.create(name) for name in names]
        drain.begin(f'pkg/{target}')
        for name in names:
            assert tree.status_of_open(name) == REFUSED
            assert tree.status_of_open(
                f'{name}.new', Access.READ_WRITE,
                disposition=Disposition.CREATE) == REFUSED
        assert tree.status_of_open('other/f.txt') == GRANTED
        for other in NFC, NFD:
            drain.begin(f'pkg/{other}', expect=1)
            assert len(drain.holders(f'pkg/{other}')) == 2
            assert drain.state(f'pkg/{other}') == 'armed'
        for handle in handles:
            drain.wait(f'pkg/{NFD}', '--timeout=0.1', expect=124)
            handle.close()
        drain.wait(f'pkg/{NFD}')
        drain.resume(f'pkg/{NFD}')
        assert tree.status_of_open(names[0]) == GRANTED


def test_other_spelling_cannot_be_moved(normalizing):
    """Neither the target nor the directory above it"""
    server, drain, back = normalizing
    with connect(server.port) as tree:
        above = tree.create(NFD, Access.DELETE | Access.READ)
        target = tree.create(f'{NFD}/sub', Access.DELETE | Access.READ)
        drain.begin(f'pkg/{NFC}/sub', '--wait')
        assert status_of(target.rename, f'{NFD}/moved') == REFUSED
        target.close()  # smbd moves no directory with handles below it
        assert status_of(above.rename, 'moved') == REFUSED
        assert os.listdir(back / NFC) == ['sub']


def test_other_spelling_of_what_was_exchanged(normalizing):
    """The drain goes on for the directory that has come in its place"""
    server, drain, back = normalizing
    (back / 'new/sub').mkdir(parents=True)
    (back / 'new/sub/f.txt').write_bytes(b'new')
    root = server.share_path('pkg')
    with connect(server.port) as tree:
        drain.begin(f'pkg/{NFC}', '--wait')
        assert tree.status_of_open(f'{NFD}/sub/f.txt') == REFUSED
        assert tree.status_of_open('new/sub/f.txt') == GRANTED
        (root / NFC).rename(root / 'old')
        (root / 'new').rename(root / NFC)
        assert tree.status_of_open(f'{NFD}/sub/f.txt') == REFUSED
        assert tree.status_of_open('old/sub/f.txt') == GRANTED
        drain.resume(f'pkg/{NFD}')
        assert tree.read_file(f'{NFD}/sub/f.txt') == b'new'


def test_durable_handle_by_the_other_spelling(normalizing):
    """It is found in Samba's table of open files"""
    server, drain, _ = normalizing
    _leave(server, f'{NFD}/sub/f.txt')
    drain.begin(f'pkg/{NFC}')
    assert [h['disconnected'] for h in drain.holders(f'pkg/{NFC}')] == [True]
    drain.wait(f'pkg/{NFC}', '--timeout=0.3', expect=124)


@pytest.mark.parametrize('path,target', [
    (NFD, NFC), (f'{NFD}/sub', NFC), (NFD, f'{NFC}/sub')],
    ids=['same', 'below', 'above'])
def test_share_without_the_module_by_the_other_spelling(normalizing, path,
                                                        target):
    """It is in the way of a drain, and one of a directory beside is not"""
    server, drain, _ = normalizing
    root = server.share_path('pkg')
    server.set_share('beside', {'path': root / 'other'})
    server.set_share('plain', {'path': root / path})
    server.reload()
    done = drain.begin(f'pkg/{target}', expect=1)
    assert 'share plain ' in done.stderr and 'beside' not in done.stderr
    server.remove_share('plain')
    server.reload()
    drain.wait(f'pkg/{target}')


# -- names that smbd itself uses

POSIX = bytes.fromhex('93AD25509CB411E7B42383DE968BCD7C')


def _posix_negotiate(pack):
    """A client that asks for the POSIX extensions of SMB 3.1.1 besides"""
    def packed(self, dialect):
        data = bytearray(pack(self, dialect))
        data += bytes(-len(data) % 8)
        data += struct.pack('<HHI', 0x100, len(POSIX), 0) + POSIX
        struct.pack_into('<H', data, 32, 2)
        return bytes(data)
    return packed


class _PosixName(str):
    """A name in which nothing is replaced"""

    def replace(self, *_):
        return self


@pytest.mark.skipif(samba_release() < (4, 22),
                    reason='smbd has no names of its own')
def test_file_with_a_name_of_smbd_is_not_moved_in(drained, monkeypatch):
    """A POSIX client may call one so, and rename it over a drained file"""
    monkeypatch.setattr(smb2.Negotiate, 'pack',
                        _posix_negotiate(smb2.Negotiate.pack))
    server, drain = drained(global_options={
        'smb3 unix extensions': 'yes', 'server min protocol': 'SMB3_11'})
    root = server.share_path('pkg')
    before = (root / 'app/tool.exe').read_bytes()
    context = {'contexts': [(POSIX, struct.pack('<I', 0o666))]}
    with connect(server.port, dialects=(SMB_3_1_1,)) as tree:
        handles = [tree.create(_PosixName(name), RENAMES,
                               disposition=Disposition.CREATE, **context)
                   for name in ('plain', '.::TMPNAME:x', '.::TMPNAME:D:x')]
        drain.begin('pkg/app', '--wait')
        for handle in handles:
            assert handle.rename_nowait(
                _PosixName('app/tool.exe'), replace=True).status() == REFUSED
    assert (root / 'app/tool.exe').read_bytes() == before
