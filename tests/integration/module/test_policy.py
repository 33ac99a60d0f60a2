"""What clients are told while a target drains: the policy table."""

import contextlib
import re
import struct
import time
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from lib.impacket_client import ImpacketClient
from lib.smb2 import (Access, Attribute, Close, Create, Disposition, FileInfo,
                      InfoType, NtStatus, Option, Read, SmbError, connect,
                      SMB_2_1, SMB_3_0)
from lib.smbclient import SMB1_SERVER, SmbClient

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION
# Newer smbds by themselves let nobody rename who has not opened for DELETE
NOT_RENAMED = (REFUSED, NtStatus.ACCESS_DENIED)
USER, PASSWORD = 'root', 'Not-a-secret-1'
COUNTED = Access.READ_WRITE | Access.DELETE
FILE_ACCESS_INFORMATION = 8
BOUNDED = 15  # seconds; smbd itself retries an SMB1 open for one


@pytest.fixture
def client(drained):
    """A raw client who may do anything, of a server where nothing drains."""
    server, drain = drained()
    server.put('pkg', 'app/sub/part.dll', b'part')
    server.add_user(USER, PASSWORD)
    with connect(server.port, user=USER, password=PASSWORD) as tree:
        yield SimpleNamespace(server=server, drain=drain, tree=tree,
                              root=server.share_path('pkg'))


def opened(tree, name, accesses, **fields):
    """What opens with several accesses are told: {access: status}."""
    return {access: tree.status_of_open(name, access, **fields)
            for access in accesses}


def status_of(call, *arguments, **fields):
    """What a call of a client is told."""
    try:
        call(*arguments, **fields)
    except SmbError as error:
        return error.status
    return GRANTED


def tree_of_names(root):
    """All names below a directory, to see that nothing has changed."""
    return sorted(str(path.relative_to(root)) for path in root.rglob('*'))


# -- opens of files

USES = [
    Access.FILE_READ_DATA, Access.FILE_EXECUTE, Access.FILE_WRITE_DATA,
    Access.FILE_APPEND_DATA, Access.FILE_WRITE_EA,
    Access.FILE_WRITE_ATTRIBUTES, Access.DELETE, Access.WRITE_DAC,
    Access.WRITE_OWNER, Access.GENERIC_READ, Access.GENERIC_WRITE,
    Access.GENERIC_EXECUTE, Access.GENERIC_ALL, Access.READ,
    Access.READ_WRITE, Access.EXECUTE, Access.MAXIMUM_ALLOWED,
    Access.MAXIMUM_ALLOWED | Access.FILE_READ_ATTRIBUTES,
]

LOOKS = [
    Access.FILE_READ_ATTRIBUTES, Access.ATTRIBUTES_ONLY, Access.READ_CONTROL,
    Access.FILE_READ_EA, Access.SYNCHRONIZE,
    Access.FILE_READ_ATTRIBUTES | Access.READ_CONTROL,
]


def test_every_use_of_a_file_is_refused(client):
    """Each kind of data and modifying access, and no other, is refused"""
    before = opened(client.tree, 'app/tool.exe', USES + LOOKS)
    assert set(before.values()) == {GRANTED}, before
    client.drain.begin('pkg/app')
    assert (opened(client.tree, 'app/tool.exe', USES)
            == dict.fromkeys(USES, REFUSED))
    assert (opened(client.tree, 'app/tool.exe', LOOKS)
            == dict.fromkeys(LOOKS, GRANTED))
    assert (opened(client.tree, 'other/data.bin', USES + LOOKS)
            == dict.fromkeys(USES + LOOKS, GRANTED))
    client.drain.resume('pkg/app')
    assert opened(client.tree, 'app/tool.exe', USES + LOOKS) == before


def test_all_depths_are_refused(client):
    """A file deep in the target is as closed as one at its top"""
    client.server.put('pkg', 'app/a/b/c/d/deep.dll')
    client.drain.begin('pkg/app')
    assert client.tree.status_of_open('app/a/b/c/d/deep.dll') == REFUSED
    assert client.tree.status_of_open('app/sub/part.dll') == REFUSED


@pytest.mark.parametrize('directory', [False, True],
                         ids=['file', 'directory'])
def test_dispositions(client, directory):
    """What would create, replace or empty something is refused"""
    options = Option.DIRECTORY_FILE if directory else Option.NONE
    there, new = ('app/sub' if directory else 'app/tool.exe'), 'app/new'
    before = tree_of_names(client.root)
    client.drain.begin('pkg/app')

    def told(name):
        return {disposition.name: client.tree.status_of_open(
            name, Access.ATTRIBUTES_ONLY, disposition=disposition,
            options=options) for disposition in Disposition}

    changing = dict.fromkeys(
        ['SUPERSEDE', 'CREATE', 'OVERWRITE', 'OVERWRITE_IF'], REFUSED)
    assert told(there) == {**changing, 'OPEN': GRANTED, 'OPEN_IF': GRANTED}
    assert told(new) == {**changing, 'OPEN': NtStatus.OBJECT_NAME_NOT_FOUND,
                         'OPEN_IF': REFUSED}
    assert tree_of_names(client.root) == before
    assert (client.root / 'app/tool.exe').read_bytes() == b'MZ' * 100


def test_delete_on_close_is_refused(client):
    """Whatever access comes with it, of files and directories"""
    (client.root / 'app/empty').mkdir()
    client.drain.begin('pkg/app')
    for name in 'app/tool.exe', 'app/empty':
        for access in (Access.DELETE, Access.ATTRIBUTES_ONLY,
                       Access.MAXIMUM_ALLOWED):
            assert client.tree.status_of_open(
                name, access, options=Option.DELETE_ON_CLOSE) == REFUSED
    assert (client.root / 'app/tool.exe').exists()
    assert (client.root / 'app/empty').exists()


def test_root_of_a_whole_share(client):
    """Drained as a whole: its root can be listed and not written to"""
    client.drain.begin('pkg')
    tree = client.tree
    assert tree.status_of_open('', Access.READ) == GRANTED
    assert tree.status_of_open('', Access.FILE_ADD_FILE) == REFUSED
    assert tree.status_of_open('app/tool.exe') == REFUSED
    assert tree.status_of_open(
        'new', Access.READ_WRITE, disposition=Disposition.CREATE) == REFUSED


def test_compound_is_refused_as_a_whole(client):
    """CREATE+READ+CLOSE: nothing is read through the refused handle"""
    client.drain.begin('pkg/app')
    chain = client.tree.compound(Create('app/tool.exe'), Read(), Close())
    assert [request.status() for request in chain] == [REFUSED] * 3
    chain = client.tree.compound(Create('other/data.bin'), Read(), Close())
    assert [request.status() for request in chain] == [GRANTED] * 3
    assert client.drain.holders('pkg/app') == []


# -- opens of directories

WRITES = [
    Access.FILE_ADD_FILE, Access.FILE_ADD_SUBDIRECTORY,
    Access.FILE_DELETE_CHILD, Access.FILE_WRITE_ATTRIBUTES,
    Access.FILE_WRITE_EA, Access.DELETE, Access.WRITE_DAC,
    Access.WRITE_OWNER, Access.GENERIC_WRITE, Access.GENERIC_ALL,
    Access.MAXIMUM_ALLOWED | Access.DELETE,
    Access.READ | Access.FILE_ADD_FILE,
]

LISTS = [
    Access.FILE_LIST_DIRECTORY, Access.FILE_TRAVERSE, Access.READ,
    Access.EXECUTE, Access.GENERIC_READ, Access.GENERIC_EXECUTE,
    Access.MAXIMUM_ALLOWED, Access.ATTRIBUTES_ONLY, Access.READ_CONTROL,
]


@pytest.mark.parametrize('options', [Option.NONE, Option.DIRECTORY_FILE],
                         ids=['any', 'directory'])
def test_directories_are_listed_only(client, options):
    """Opens that list are granted, opens that could change are refused"""
    ask = {'options': options}
    before = opened(client.tree, 'app', WRITES + LISTS, **ask)
    assert set(before.values()) == {GRANTED}, before
    client.drain.begin('pkg/app')
    for name in 'app', 'app/sub':
        assert (opened(client.tree, name, WRITES, **ask)
                == dict.fromkeys(WRITES, REFUSED))
        assert (opened(client.tree, name, LISTS, **ask)
                == dict.fromkeys(LISTS, GRANTED))


def test_maximum_allowed_on_a_directory_lists_only(client):
    """The granted handle can list, and neither add, delete nor be deleted"""
    client.drain.begin('pkg/app')
    for name in 'app', 'app/sub':
        with client.tree.create(name, Access.MAXIMUM_ALLOWED) as handle:
            mask, = struct.unpack(
                '<I', handle.query_info(FILE_ACCESS_INFORMATION))
            forbidden = (Access.FILE_ADD_FILE | Access.FILE_ADD_SUBDIRECTORY
                         | Access.FILE_DELETE_CHILD | Access.DELETE
                         | Access.FILE_WRITE_ATTRIBUTES | Access.WRITE_DAC
                         | Access.FILE_WRITE_EA | Access.WRITE_OWNER)
            assert Access(mask) & forbidden == 0
            assert Access(mask) & Access.FILE_LIST_DIRECTORY
            handle.list()
            assert status_of(handle.set_delete) == NtStatus.ACCESS_DENIED


def test_maximum_allowed_on_a_directory_that_one_may_not_list(client):
    """As before: granted with what there is"""
    directory = client.root / 'app/closed'
    directory.mkdir(mode=0o700)
    directory.chmod(0o711)
    with connect(client.server.port) as guest:
        ask = 'app/closed', Access.MAXIMUM_ALLOWED
        assert guest.status_of_open(*ask) == GRANTED
        client.drain.begin('pkg/app')
        assert guest.status_of_open(*ask) == GRANTED


# -- what goes on

def test_explorer_goes_on(client):
    """Listing, attribute queries, security and free space are as before"""
    client.drain.begin('pkg/app')
    tree = client.tree
    assert ({entry.name for entry in tree.list_directory('app')}
            == {'tool.exe', 'sub'})
    with tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY
                     | Access.READ_CONTROL) as handle:
        assert handle.size == 200
        assert handle.query_info(FileInfo.BASIC)
        assert handle.query_info(FileInfo.STANDARD)
        assert handle.query_info(0, InfoType.SECURITY, 1)
    with tree.create('app', Access.READ) as handle:
        assert handle.query_info(3, InfoType.FILESYSTEM)
    assert client.drain.holders('pkg/app') == []


def test_change_notification_goes_on(client):
    """A watch from before the drain reports what the updater does"""
    watcher = client.tree.create('app', Access.READ)
    request = watcher.notify_nowait()
    assert request.wait_interim()
    client.drain.begin('pkg/app', '--wait')
    (client.root / 'app/new').mkdir()
    client.tree.connection.echo()
    assert not request.wait() or request.status() == GRANTED
    again = watcher.notify_nowait()
    assert again.wait_interim()
    watcher.close()
    assert again.status() == NtStatus.NOTIFY_CLEANUP


def test_change_notification_can_be_asked_for(client):
    """A watch can be set up in a target that drains"""
    client.drain.begin('pkg/app')
    with client.tree.create('app', Access.READ) as watcher:
        request = watcher.notify_nowait()
        assert request.wait_interim()
        (client.root / 'app/new').touch()
        assert request.status(10) == GRANTED


def test_mapped_drive_stays(client):
    """The tree goes on, and new ones are let in, of a share that drains"""
    client.drain.begin('pkg', '--wait')
    assert {entry.name for entry in client.tree.list_directory()} == {
        'app', 'other'}
    with connect(client.server.port) as late:
        assert {entry.name for entry in late.list_directory()} == {
            'app', 'other'}
        assert late.status_of_open('app/tool.exe') == REFUSED
    client.drain.resume('pkg')
    assert client.tree.status_of_open('app/tool.exe') == GRANTED


def test_handles_of_before_go_on(client):
    """Through a counted handle: reads, writes and all of set-info"""
    handle = client.tree.create('app/tool.exe', COUNTED)
    client.drain.begin('pkg/app')
    assert handle.read() == b'MZ' * 100
    assert handle.write(b'text') == 4
    handle.flush()
    handle.set_size(10)
    handle.set_allocation(20)
    handle.set_attributes(Attribute.HIDDEN)
    handle.lock(0, 1)
    handle.unlock(0, 1)
    assert (client.root / 'app/tool.exe').read_bytes() == b'textMZMZMZ'
    handle.set_delete()
    handle.close()
    assert not (client.root / 'app/tool.exe').exists()


def test_read_only_handle_of_before_goes_on(client):
    """A counted handle for reading can be read from when it is refused"""
    handle = client.tree.create('app/tool.exe', Access.READ)
    client.drain.begin('pkg/app')
    assert handle.read(0, 2) == b'MZ'
    assert client.tree.status_of_open('app/tool.exe') == REFUSED
    assert handle.read(0, 2) == b'MZ'


def test_attribute_handles_can_not_write(client):
    """Sizes set through an uncounted handle would be an open for data

    Elsewhere smbd 4.17 loses the handle, and later its life, over this.
    """
    look = Access.ATTRIBUTES_ONLY | Access.READ_CONTROL
    before = client.tree.create('app/tool.exe', look)
    client.drain.begin('pkg/app')
    for handle in before, client.tree.create('app/tool.exe', look):
        assert status_of(handle.set_size, 1) == REFUSED
        assert status_of(handle.set_allocation, 0) == REFUSED
        handle.query_info()
        handle.close()
    assert (client.root / 'app/tool.exe').stat().st_size == 200


# -- moves through handles of before

LOOKS_DELETED = 'old (deleted)'  # as the kernel calls what is deleted


def test_rename_inside_the_target(client):
    """Through a counted handle: an existing user finishing"""
    handle = client.tree.create('app/tool.exe', COUNTED)
    client.drain.begin('pkg/app')
    handle.rename('app/renamed.exe')
    handle.rename('app/sub/renamed.exe')
    handle.link('app/linked.exe')
    handle.close()
    assert tree_of_names(client.root / 'app') == [
        'linked.exe', 'sub', 'sub/part.dll', 'sub/renamed.exe']


@pytest.mark.parametrize('move', ['rename', 'link'])
def test_moves_over_the_border(client, move):
    """Out of the target and into it are refused, elsewhere granted"""
    inside = client.tree.create('app/tool.exe', COUNTED)
    outside = client.tree.create('other/data.bin', COUNTED)
    (client.root / 'app' / LOOKS_DELETED).mkdir()
    client.drain.begin('pkg/app')
    before = tree_of_names(client.root)
    assert status_of(getattr(inside, move), 'other/tool.exe') == REFUSED
    assert status_of(getattr(inside, move), 'tool.exe') == REFUSED
    assert status_of(getattr(outside, move), 'app/data.bin') == REFUSED
    assert status_of(getattr(outside, move), 'app/sub/data.bin') == REFUSED
    assert status_of(getattr(outside, move),
                     f'app/{LOOKS_DELETED}/data.bin') == REFUSED
    assert tree_of_names(client.root) == before
    assert status_of(getattr(outside, move), 'other/moved.bin') == GRANTED
    client.drain.resume('pkg/app')
    assert status_of(getattr(inside, move), 'other/tool.exe') == GRANTED


def test_rename_over_a_file_of_the_target(client):
    """Replacing is no way in"""
    outside = client.tree.create('other/data.bin', COUNTED)
    client.drain.begin('pkg/app')
    assert status_of(outside.rename, 'app/tool.exe', replace=True) == REFUSED
    assert (client.root / 'app/tool.exe').read_bytes() == b'MZ' * 100


def test_rename_of_a_directory_into_the_target(client):
    """Neither is a whole directory let in"""
    directory = client.tree.create('other', COUNTED)
    client.drain.begin('pkg/app')
    assert status_of(directory.rename, 'app/other') == REFUSED
    assert (client.root / 'other').exists()


def test_rename_of_a_directory_above(client):
    """The target stays where it is: nothing above it can be renamed"""
    client.server.put('pkg', 'top/mid/app/tool.exe')
    client.drain.begin('pkg/top/mid/app')
    for name in 'top', 'top/mid':
        with client.tree.create(name, Access.DELETE) as directory:
            assert status_of(directory.rename, 'away') == REFUSED
            assert status_of(directory.rename, 'other/away') == REFUSED
    with client.tree.create('top/mid/app', Access.ATTRIBUTES_ONLY) as target:
        assert status_of(target.rename, 'away') in NOT_RENAMED
        assert status_of(target.rename, 'other/away') in NOT_RENAMED
    assert (client.root / 'top/mid/app').exists()
    client.drain.resume('pkg/top/mid/app')
    with client.tree.create('top', COUNTED) as directory:
        assert status_of(directory.rename, 'away') == GRANTED


def test_rename_of_a_directory_beside(client):
    """A directory that has nothing to do with the target can be renamed"""
    directory = client.tree.create('other', COUNTED)
    client.drain.begin('pkg/app')
    assert status_of(directory.rename, 'another') == GRANTED


def test_rename_of_a_directory_inside(client):
    """Nothing moves in a quiescent target; smbd needs no access for that"""
    names = ['app/sub'] + [f'app/dir{number}' for number in range(5)]
    for name in names[1:]:
        (client.root / name).mkdir()
    directories = [client.tree.create(name, access) for name, access in zip(
        names[:3], [COUNTED, Access.READ, Access.ATTRIBUTES_ONLY])]
    client.drain.begin('pkg/app', '--wait')
    directories += [client.tree.create(name, access) for name, access in zip(
        names[3:], [Access.MAXIMUM_ALLOWED, Access.READ,
                    Access.ATTRIBUTES_ONLY])]
    before = tree_of_names(client.root)
    statuses = [status_of(directory.rename, f'app/renamed{number}')
                for number, directory in enumerate(directories)]
    assert statuses[0] == REFUSED
    assert set(statuses) <= set(NOT_RENAMED)
    assert tree_of_names(client.root) == before


def test_link_through_an_uncounted_handle(client):
    """No new name comes into a quiescent target"""
    client.drain.begin('pkg/app', '--wait')
    handle = client.tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY)
    assert status_of(handle.link, 'app/linked.exe') == REFUSED
    assert not (client.root / 'app/linked.exe').exists()


@pytest.mark.parametrize('name', ['app/empty', f'app/{LOOKS_DELETED}/empty'])
def test_deletion_of_a_directory_inside(client, name):
    """An uncounted handle of before does not delete from an empty target"""
    (client.root / name).mkdir(parents=True)
    directory = client.tree.create(name, COUNTED)
    client.drain.begin('pkg/app', '--wait')
    status_of(directory.set_delete)
    assert status_of(directory.close) == REFUSED
    assert (client.root / name).exists()


def test_rename_inside_a_directory_that_looks_deleted(client):
    """An existing user finishes there as anywhere"""
    client.server.put('pkg', f'app/{LOOKS_DELETED}/tool.exe')
    handle = client.tree.create(f'app/{LOOKS_DELETED}/tool.exe', COUNTED)
    client.drain.begin('pkg/app')
    handle.rename(f'app/{LOOKS_DELETED}/renamed.exe')
    handle.close()
    assert (client.root / 'app' / LOOKS_DELETED / 'renamed.exe').exists()


# -- streams

STREAMS = {'pkg': {'vfs objects': 'drain streams_xattr'}}


@pytest.fixture
def streams(drained):
    """A client of a share with streams; app/tool.exe and app have one"""
    server, drain = drained(STREAMS)
    server.put('pkg', 'app/tool.exe', b'MZ')
    server.put('pkg', 'other/data.bin', b'data')
    with connect(server.port) as tree:
        for name in 'app/tool.exe:zone', 'other/data.bin:zone', 'app:note':
            tree.write_file(name, b'stream')
        yield SimpleNamespace(server=server, drain=drain, tree=tree)


def test_streams_are_files(streams):
    """Streams of files and of directories are closed like files"""
    streams.drain.begin('pkg/app')
    for name in 'app/tool.exe:zone', 'app:note':
        for access in (Access.READ, Access.READ_WRITE, Access.DELETE,
                       Access.MAXIMUM_ALLOWED):
            assert streams.tree.status_of_open(name, access) == REFUSED, name
        assert (streams.tree.status_of_open(name, Access.ATTRIBUTES_ONLY)
                == GRANTED)
    assert streams.tree.read_file('other/data.bin:zone') == b'stream'


def test_streams_are_not_created(streams):
    """A new stream of a file that is there is a change"""
    streams.drain.begin('pkg/app')
    for name in 'app/tool.exe:new', 'app:new', 'app/tool.exe:new:$DATA':
        assert streams.tree.status_of_open(
            name, Access.READ_WRITE,
            disposition=Disposition.OPEN_IF) == REFUSED, name
    assert streams.tree.status_of_open('app/tool.exe::$DATA') == REFUSED


@pytest.mark.parametrize('name', ['app/tool.exe:zone', 'app:note'])
def test_stream_handles_are_holders(streams, name):
    """They are listed by name and waited for"""
    handle = streams.tree.create(name)
    streams.drain.begin('pkg/app')
    assert [holder['path'].removesuffix(':$DATA')
            for holder in streams.drain.holders('pkg/app')] == [name]
    assert handle.read() == b'stream'
    waiter = streams.drain.start('wait', 'pkg/app')
    time.sleep(0.2)
    assert waiter.poll() is None
    handle.close()
    assert waiter.wait(10) == 0, waiter.communicate()


def test_deletion_with_streams_is_finished(streams):
    """The last close deletes a file and its streams while it drains"""
    handle = streams.tree.create('app/tool.exe', COUNTED)
    handle.set_delete()
    streams.drain.begin('pkg/app')
    waiter = streams.drain.start('wait', 'pkg/app')
    handle.close()
    assert waiter.wait(10) == 0, waiter.communicate()
    assert not (streams.server.share_path('pkg') / 'app/tool.exe').exists()


# -- previous versions

SNAPSHOT = '@GMT-2020.01.02-03.04.05'
TWRP = 10 ** 7 * (11644473600 + int(datetime(
    2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()))
# What smbd takes for no time at all, and a snapshot module for none either
NO_TIME = 2 ** 64 - 1


def at(twrp):
    """Fields of an open that asks for a previous version"""
    return {'contexts': [(b'TWrp', struct.pack('<Q', twrp))]}


@pytest.fixture
def versions(drained):
    """A client of a share with one snapshot, kept below it"""
    server, drain = drained({'pkg': {'vfs objects': 'drain shadow_copy2'}})
    root = server.share_path('pkg')
    server.set_share('pkg', {'shadow:snapdir': root / '.snapshots',
                             'shadow:basedir': root})
    server.put('pkg', 'app/tool.exe', b'new')
    server.put('pkg', f'.snapshots/{SNAPSHOT}/app/tool.exe', b'old')
    server.put('pkg', f'.snapshots/{SNAPSHOT}/app/gone.exe', b'gone')
    with connect(server.port) as tree:
        yield SimpleNamespace(server=server, drain=drain, tree=tree)


@pytest.mark.parametrize('target', ['pkg/app', 'pkg'])
def test_previous_versions_are_granted(versions, target):
    """Snapshots are elsewhere, even if kept below the share"""
    tree, drain, old = versions.tree, versions.drain, at(TWRP)
    before = tree.create('app/tool.exe', **old)
    drain.begin(target, '--wait')
    assert tree.status_of_open('app/tool.exe') == REFUSED
    with tree.create('app/tool.exe', **old) as handle:
        assert handle.read() == before.read() == b'old'
        assert drain.holders(target) == []
    with tree.create('app/gone.exe', **old) as handle:
        assert handle.read() == b'gone'
    assert tree.status_of_open('app/tool.exe', Access.READ,
                               lease='RWH', **old) == GRANTED
    result = SmbClient(versions.server).run(f'get {SNAPSHOT}/app/tool.exe -')
    assert result.statuses == [] and 'old' in result.output


VERSIONS = {'no_snapshots': ('drain', TWRP),
            'streams': ('drain streams_xattr', TWRP),
            'no_time': ('drain shadow_copy2', NO_TIME)}


@pytest.fixture(params=VERSIONS.values(), ids=VERSIONS)
def pretended(drained, request):
    """A client who asks for a version, and gets the file as it is now"""
    objects, twrp = request.param
    server, drain = drained({'pkg': {'vfs objects': objects}})
    server.put('pkg', 'app/tool.exe', b'live')
    names = ['app/tool.exe']
    with connect(server.port) as tree:
        if 'streams' in objects:
            tree.write_file('app/tool.exe:zone', b'live')
            names += ['app/tool.exe:zone']
        yield SimpleNamespace(server=server, drain=drain, tree=tree,
                              names=names, version=at(twrp))


def test_versions_that_are_none_are_refused(pretended):
    """What is read or written then is the file itself, by any access"""
    tree, version = pretended.tree, pretended.version
    for name in pretended.names:
        before = opened(tree, name, USES + LOOKS, **version)
        assert before[Access.READ] == GRANTED
        pretended.drain.begin('pkg/app', '--wait')
        told = opened(tree, name, USES + LOOKS, **version)
        assert told == {access: REFUSED if access in USES else status
                        for access, status in before.items()}
        pretended.drain.resume('pkg/app')
        assert opened(tree, name, USES + LOOKS, **version) == before


def test_versions_that_are_none_change_nothing(pretended):
    """Neither is anything created, replaced or deleted by such an open"""
    root = pretended.server.share_path('pkg')
    before = tree_of_names(root)
    pretended.drain.begin('pkg/app', '--wait')
    for name in [*pretended.names, 'app/new']:
        for disposition in set(Disposition) - {Disposition.OPEN}:
            assert pretended.tree.status_of_open(
                name, Access.READ_WRITE, disposition=disposition,
                **pretended.version) == REFUSED
        assert pretended.tree.status_of_open(
            name, Access.DELETE, disposition=Disposition.OPEN_IF,
            options=Option.DELETE_ON_CLOSE, **pretended.version) == REFUSED
    assert tree_of_names(root) == before
    assert (root / 'app/tool.exe').read_bytes() == b'live'


def test_versions_that_are_none_are_holders(pretended):
    """Who opened one before is listed and waited for"""
    accesses = Access.READ, Access.READ_WRITE, Access.DELETE
    for name in pretended.names:
        handles = []
        for access in accesses:
            with contextlib.suppress(SmbError):
                handles.append(pretended.tree.create(
                    name, access, **pretended.version))
        assert handles[0].read() == b'live'
        pretended.drain.begin('pkg/app')
        assert len(pretended.drain.holders('pkg/app')) == len(handles)
        for handle in handles:
            pretended.drain.wait('pkg/app', '--timeout=0.1', expect=124)
            handle.close()
        pretended.drain.wait('pkg/app')
        pretended.drain.resume('pkg/app')


@pytest.mark.parametrize('protocol', ['NT1', 'SMB3_11'])
def test_previous_version_of_smbclient(drained, protocol):
    """It says so by a part of the path"""
    server, drain = drained(global_options=SMB1_SERVER)
    client = SmbClient(server, protocol=protocol)
    command = f'get {SNAPSHOT}/app/tool.exe -'
    assert client.run(command).statuses == []
    drain.begin('pkg/app', '--wait')
    assert client.run(command).statuses == [REFUSED]


# -- other clients

# smbd tries a sharing violation of SMB1 again, which would never end here
NOT_MOVED_SMB1 = NtStatus.ACCESS_DENIED

COMMANDS = [
    'get app/tool.exe -', 'put smb.conf app/new', 'del app/tool.exe',
    'put smb.conf app/tool.exe', 'mkdir app/new', 'rmdir app/empty',
    'rename app/tool.exe app/new', 'rename app/tool.exe other/new',
    'rename other/data.bin app/new', 'rename app/empty other/empty',
    'rename app away',
]


@pytest.mark.parametrize('protocol', ['NT1', 'SMB2_10', 'SMB3_11'])
def test_smbclient(drained, protocol):
    """Samba's client is refused within bounded time, SMB1 included"""
    server, drain = drained(global_options=SMB1_SERVER)
    root = server.share_path('pkg')
    (root / 'app/empty').mkdir(mode=0o777)
    client = SmbClient(server, protocol=protocol)
    drain.begin('pkg/app')
    before = tree_of_names(root)
    begun = time.monotonic()
    runs = {command: client.start(command) for command in COMMANDS}
    told = {command: run.wait().statuses for command, run in runs.items()}
    assert time.monotonic() - begun < BOUNDED
    expected = dict.fromkeys(COMMANDS, [REFUSED])
    if protocol == 'NT1':
        expected['rename other/data.bin app/new'] = [NOT_MOVED_SMB1]
    assert told == expected
    assert tree_of_names(root) == before
    assert client.run('ls app/*', 'allinfo app/tool.exe').statuses == []
    drain.resume('pkg/app')
    assert client.run('get app/tool.exe -', 'mkdir app/new',
                      'rmdir app/empty', 'rename other/data.bin app/new/it',
                      'del app/tool.exe').statuses == []
    assert tree_of_names(root) == ['app', 'app/new', 'app/new/it', 'other']


@pytest.mark.parametrize('dialect', ['NT LM 0.12', SMB_2_1, SMB_3_0])
def test_impacket(drained, dialect):
    """A second library, SMB1 included, is told the same"""
    # impacket's SMB1 cannot answer when its oplock is broken
    server, drain = drained(global_options={**SMB1_SERVER, 'oplocks': 'no'})
    root = server.share_path('pkg')
    (root / 'app/empty').mkdir(mode=0o777)
    with ImpacketClient(server.port, dialect=dialect) as client:
        held = client.open('app/tool.exe')
        drain.begin('pkg/app')
        before = tree_of_names(root)
        begun = time.monotonic()
        assert [
            client.status_of_open('app/tool.exe'),
            client.status_of_open('app/tool.exe', Access.ATTRIBUTES_ONLY),
            status_of(client.write_file, 'app/new', b'text'),
            status_of(client.delete, 'app/tool.exe'),
            status_of(client.rename, 'other/data.bin', 'app/new'),
            status_of(client.make_directory, 'app/new'),
            client.status_of_open('app/empty', Access.DELETE,
                                  options=Option.DELETE_ON_CLOSE),
        ] == [REFUSED, GRANTED, REFUSED, REFUSED,
              NOT_MOVED_SMB1 if dialect == 'NT LM 0.12' else REFUSED,
              REFUSED, REFUSED]
        assert time.monotonic() - begun < 2 * BOUNDED
        assert client.read(held) == b'MZ' * 100
        assert client.list('app/*') == ['empty', 'tool.exe']
        assert client.read_file('other/data.bin') == b'data'
        assert tree_of_names(root) == before
        client.close(held)
        drain.wait('pkg/app')
        drain.resume('pkg/app')
        assert client.read_file('app/tool.exe') == b'MZ' * 100


UNIX_COMMANDS = [
    'posix_open app/tool.exe 0600', 'posix_mkdir app/made 0700',
    'posix_unlink app/tool.exe', 'posix_rmdir app/empty',
    'symlink tool.exe app/soft', 'hardlink app/tool.exe app/hard',
    'rename app/tool.exe app/renamed',
]


def test_unix_extensions_of_smb1(drained):
    """Neither do they open, make, link, move or delete anything

    They can change attributes: docs/design.md says so.
    """
    server, drain = drained(global_options={**SMB1_SERVER,
                                            'unix extensions': 'yes'})
    root = server.share_path('pkg')
    (root / 'app/empty').mkdir(mode=0o777)
    server.add_user(USER, PASSWORD)
    client = SmbClient(server, protocol='NT1', user=USER, password=PASSWORD)
    drain.begin('pkg/app')
    before = tree_of_names(root / 'app')
    runs = {command: client.start('posix', command)
            for command in UNIX_COMMANDS}
    assert ({command: run.wait().statuses for command, run in runs.items()}
            == {command: [NOT_MOVED_SMB1 if 'link' in command.split()[0]
                          and 'posix' not in command else REFUSED]
                for command in UNIX_COMMANDS})
    assert tree_of_names(root / 'app') == before


def test_attributes_are_not_written(drained):
    """That takes an open (SMB1 needs none: a limit, docs/design.md)"""
    server, drain = drained(global_options={
        'store dos attributes': 'no', 'map hidden': 'yes'})
    server.add_user(USER, PASSWORD)
    client = SmbClient(server, protocol='SMB3_11', user=USER,
                       password=PASSWORD)
    assert client.run('setmode other/data.bin +h').statuses == []
    drain.begin('pkg/app')
    mode = (server.share_path('pkg') / 'app/tool.exe').stat().st_mode
    assert set(client.run('setmode app/tool.exe +h').statuses) == {REFUSED}
    assert (server.share_path('pkg') / 'app/tool.exe').stat().st_mode == mode


def test_smb1_open_that_waited_for_a_lease(drained):
    """It is not tried again for ever when a drain begins meanwhile"""
    server, drain = drained(global_options=SMB1_SERVER)
    with connect(server.port) as holder:
        holder.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        run = SmbClient(server, protocol='NT1').start('get app/tool.exe -')
        notification = holder.connection.wait_break()
        drain.begin('pkg/app')
        notification.ack()
        begun = time.monotonic()
        assert run.wait().status == REFUSED
        assert time.monotonic() - begun < BOUNDED


def test_open_that_waited_for_a_lease(drained):
    """An SMB2 open that waits when the drain begins is refused, once"""
    server, drain = drained()
    with connect(server.port) as holder, connect(server.port) as other:
        holder.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        request = other.create_nowait('app/tool.exe', Access.READ_WRITE)
        notification = holder.connection.wait_break()
        assert request.wait_interim()
        drain.begin('pkg/app')
        assert not request.done
        notification.ack()
        assert request.status(10) == REFUSED
        other.connection.echo()


# -- options of smb.conf

STATUSES = ['SHARING_VIOLATION', 'FILE_NOT_AVAILABLE', 'FILE_LOCK_CONFLICT',
            'NETWORK_BUSY', 'ACCESS_DENIED']


def test_refuse_status(drained):
    """Every status that can be configured reaches every client"""
    server, drain = drained(global_options=SMB1_SERVER)
    with (connect(server.port) as raw,
          ImpacketClient(server.port) as impacket):
        for name in STATUSES:
            server.set_share('pkg', {'drain:refuse status': name.lower()})
            drain.begin('pkg/app')
            told = [raw.status_of_open('app/tool.exe'),
                    raw.status_of_open('app', Access.DELETE),
                    impacket.status_of_open('app/tool.exe')]
            for protocol in 'NT1', 'SMB3':
                told += SmbClient(server, protocol=protocol).run(
                    'get app/tool.exe -').statuses
            assert [status.name for status in told] == [name] * 5
            drain.resume('pkg/app')
        assert raw.status_of_open('app/tool.exe') == GRANTED


def test_options_are_those_of_the_begin(drained):
    """A change of smb.conf has no influence on a drain in force"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        server.set_share('pkg', {'drain:refuse status': 'access_denied',
                                 'drain:count directories': 'yes'})
        server.reload()
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert tree.status_of_open('app') == GRANTED
        with connect(server.port) as late:
            assert late.status_of_open('app/tool.exe') == REFUSED
        drain.resume('pkg/app')
        drain.begin('pkg/app')
        assert (tree.status_of_open('app/tool.exe')
                == NtStatus.ACCESS_DENIED)
        assert tree.status_of_open('app') == NtStatus.ACCESS_DENIED


COUNT_DIRECTORIES = {'drain:count directories': 'yes'}


def test_directories_that_count_are_refused(client):
    """Listing is refused, attribute-only opens are not"""
    client.server.set_share('pkg', COUNT_DIRECTORIES)
    client.drain.begin('pkg/app')
    for name in 'app', 'app/sub':
        assert opened(client.tree, name, LISTS) == {
            **dict.fromkeys(LISTS, REFUSED),
            Access.ATTRIBUTES_ONLY: GRANTED, Access.READ_CONTROL: GRANTED}
    assert client.tree.status_of_open('') == GRANTED
    assert (SmbClient(client.server).run('ls app/*').status == REFUSED)


def test_directories_that_count_are_holders(client):
    """They are waited for, attribute-only ones are not"""
    client.server.set_share('pkg', COUNT_DIRECTORIES)
    listing = client.tree.create('app', Access.READ)
    client.tree.create('app', Access.ATTRIBUTES_ONLY)
    client.tree.create('', Access.READ)
    client.drain.begin('pkg/app')
    holder, = client.drain.holders('pkg/app')
    assert holder['path'] == 'app' and holder['directory']
    waiter = client.drain.start('wait', 'pkg/app')
    time.sleep(0.2)
    assert waiter.poll() is None
    listing.close()
    assert waiter.wait(10) == 0, waiter.communicate()


def test_directories_do_not_count(client):
    """By default a target is quiescent with directories open in it"""
    client.tree.create('app', Access.READ)
    client.tree.create('app/sub', Access.MAXIMUM_ALLOWED)
    client.tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY)
    client.drain.begin('pkg/app', '--wait')
    assert client.drain.state('pkg/app') == 'quiescent'
    assert client.drain.holders('pkg/app') == []


WRONG = {
    'drain:refuse staus': 'access_denied',
    'drain:refuse status': 'go away',
    'drain:count directories': 'perhaps',
}


def test_wrong_options_are_logged_once(drained):
    """By name, by each smbd, and they have no effect"""
    server, drain = drained({'pkg': {'vfs objects': 'drain', **WRONG}})
    server.put('pkg', 'app/tool.exe')
    with connect(server.port) as tree:
        tree.session.tree('pkg')
        complaints = [line for line in server.logs().splitlines()
                      if 'It has no effect.' in line]
        assert len(complaints) == len(WRONG), complaints
        for option in WRONG:
            assert sum(option in line for line in complaints) == 1, option
        drain.begin('pkg/app')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert tree.status_of_open('app') == GRANTED


def test_check_tells_wrong_options(drained):
    """By name and share, with exit status 1; else all is well"""
    server, drain = drained()
    assert 'all is well' in drain.call('check').stdout
    server.set_share('pkg', WRONG)
    said = drain.call('check', expect=1).stdout
    for option in WRONG:
        assert re.search(f'share pkg: {option}', said), said
    assert 'go away' in said and 'perhaps' in said


def test_check_tells_wrong_global_options(drained):
    """[global] counts for every share"""
    _, drain = drained(global_options={'drain:refusal': 'later'})
    said = drain.call('check', expect=1).stdout
    assert 'drain:refusal' in said and 'share pkg' in said


def test_options_of_global_apply(drained):
    """A share without the option has that of [global]"""
    server, drain = drained(
        global_options={'drain:refuse status': 'network_busy'})
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        assert tree.status_of_open('app/tool.exe') == NtStatus.NETWORK_BUSY


def test_options_are_spelt_as_samba_allows(drained):
    """Case and blanks in the name do not matter"""
    server, drain = drained()
    with connect(server.port) as tree:
        for name in ('Drain:Refuse Status', 'drain:refusestatus',
                     'drain: refuse status'):
            server.set_share('pkg', {name: 'Access_Denied'})
            drain.call('check')
            drain.begin('pkg/app')
            assert (tree.status_of_open('app/tool.exe')
                    == NtStatus.ACCESS_DENIED)
            drain.resume('pkg/app')
            server.set_share('pkg', {name: None})
