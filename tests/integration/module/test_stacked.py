"""The module together with others that people use.

In both orders where both make sense. What is before drain changes names unseen,
and so does what it moves: fruit, which moves its own files along with a file
that a client renames, has to come after it.
"""

import struct
from datetime import datetime, timezone

import pytest

from lib.smb2 import (
    Access, Disposition, InfoType, NtStatus, Option, connect)
from lib.smbd import DURABLE_SHARE
from lib.waiting import HOLD, waits

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION

COLON = {'catia:mappings': '0x3a:0xa8'}
AUDIT = {'full_audit:prefix': 'AUDIT', 'full_audit:syslog': 'no',
         'full_audit:success': 'create_file',
         'full_audit:failure': 'create_file'}
STACKS = {
    'drain catia': COLON,
    'catia drain': COLON,
    'drain fruit streams_xattr': {},
    'drain streams_xattr': {},
    'streams_xattr drain': {},
    'drain acl_xattr': {},
    'acl_xattr drain': {},
    'drain recycle': {},
    'recycle drain': {},
    'drain full_audit': AUDIT,
    'full_audit drain': AUDIT,
    'drain shadow_copy2': {},
    'shadow_copy2 drain': {},
    'drain catia fruit streams_xattr acl_xattr recycle full_audit '
    'shadow_copy2': AUDIT,
}


def both_orders(module):
    """A test for each place of drain in the stack"""
    return pytest.mark.parametrize(
        'objects', [f'drain {module}', f'{module} drain'],
        ids=['drain_first', 'drain_last'])


@pytest.fixture(name='stacked')
def _stacked(drained):
    """A server with such "vfs objects": ``server, drain = stacked(...)``"""
    def start(objects, **options):
        return drained({'pkg': {**DURABLE_SHARE, 'vfs objects': objects,
                                **options}})
    return start


def fill(server):
    """The files that are used below"""
    server.put('pkg', 'app/tool.exe', b'MZ' * 100)
    server.put('pkg', 'other/data.bin', b'data')


@pytest.mark.parametrize('objects', STACKS, ids=lambda name:
                         name.replace(' ', '-'))
def test_a_drain_from_its_begin_to_its_end(stacked, objects):
    """Refused, held, waited for and let in, as with drain alone"""
    server, drain = stacked(objects, **STACKS[objects])
    fill(server)
    with connect(server.port) as tree, connect(server.port) as other:
        holder = tree.create('app/tool.exe', Access.READ_WRITE | Access.DELETE,
                             lease='RWH', durable=2)
        drain.begin('pkg/app', HOLD)
        assert len(drain.holders('pkg/app')) == 1
        assert tree.status_of_open('other/data.bin') == GRANTED
        late = other.create_nowait('app/tool.exe')
        assert waits(late)
        assert holder.write(b'late') == 4
        holder.rename('app/done.exe')
        holder.close()
        drain.wait('pkg/app')
        assert not late.done
        (server.share_path('pkg') / 'app/tool.exe').write_bytes(b'new')
        drain.resume('pkg/app')
        with late.wait() as handle:
            assert handle.read() == b'new'
        assert other.read_file('app/done.exe').startswith(b'late')
        other.unlink('app/done.exe')


@pytest.mark.parametrize('objects', STACKS, ids=lambda name:
                         name.replace(' ', '-'))
def test_nothing_gets_in(stacked, objects):
    """Neither by an open, nor a name, nor from the side"""
    server, drain = stacked(objects, **STACKS[objects])
    fill(server)
    with connect(server.port) as tree:
        outside = tree.create('other/data.bin', Access.READ | Access.DELETE)
        drain.begin('pkg/app', '--wait')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert tree.status_of_open(
            'app/new', Access.READ_WRITE,
            disposition=Disposition.CREATE) == REFUSED
        assert tree.status_of_open(
            'app/tool.exe', Access.DELETE,
            options=Option.DELETE_ON_CLOSE) == REFUSED
        assert outside.rename_nowait('app/data.bin').status() == REFUSED
        assert [entry.name for entry in tree.list_directory('app')] == [
            'tool.exe']
        outside.close()
        drain.resume('pkg/app')
        assert tree.status_of_open('app/tool.exe') == GRANTED


# -- what they do themselves

def test_a_name_that_catia_maps(stacked):
    """The administrator says it as it is on the disk"""
    server, drain = stacked('drain catia', **COLON)
    server.put('pkg', 'app:1/tool:2.exe', b'MZ')
    server.put('pkg', 'app:2/tool.exe', b'MZ')
    name = 'app\u00a81/tool\u00a82.exe'
    with connect(server.port) as tree:
        with tree.create(name):
            drain.begin('pkg/app:1')
            assert [holder['path']
                    for holder in drain.holders('pkg/app:1')] == [name]
        drain.wait('pkg/app:1')
        assert tree.status_of_open(name) == REFUSED
        assert tree.status_of_open(
            'app\u00a81/new', Access.READ_WRITE,
            disposition=Disposition.CREATE) == REFUSED
        assert tree.status_of_open('app\u00a82/tool.exe') == GRANTED
        drain.resume('pkg/app:1')
        assert tree.read_file(name) == b'MZ'


def test_forks_of_fruit(stacked):
    """What a Mac keeps beside a file counts as the file. (In the root of the
    share: in a directory fruit itself does not find it, from 4.22 on.)"""
    server, drain = stacked('drain fruit streams_xattr')
    server.put('pkg', 'tool.exe', b'MZ')
    fork = 'tool.exe:AFP_Resource'
    with connect(server.port) as tree:
        tree.write_file(fork, b'fork')
        with tree.create(fork):
            drain.begin('pkg')
            assert len(drain.holders('pkg')) == 1
        drain.wait('pkg')
        assert tree.status_of_open(fork) == REFUSED
        drain.resume('pkg')
        assert tree.read_file(fork) == b'fork'


@both_orders('streams_xattr')
def test_streams(stacked, objects):
    """A stream counts as its file"""
    server, drain = stacked(objects)
    fill(server)
    with connect(server.port) as tree:
        tree.write_file('app/tool.exe:zone', b'zone')
        with tree.create('app/tool.exe:zone'):
            drain.begin('pkg/app')
            assert len(drain.holders('pkg/app')) == 1
        drain.wait('pkg/app')
        assert tree.status_of_open('app/tool.exe:zone') == REFUSED
        drain.resume('pkg/app')
        assert tree.read_file('app/tool.exe:zone') == b'zone'


@both_orders('acl_xattr')
def test_acls(stacked, objects):
    """Set and read by a handle while its file drains"""
    server, drain = stacked(objects)
    fill(server)
    dacl = 4
    with connect(server.port) as tree:
        access = Access.READ | Access.READ_CONTROL | Access.WRITE_DAC
        with tree.create('app/tool.exe', access) as handle:
            drain.begin('pkg/app')
            acl = handle.query_info(0, InfoType.SECURITY, dacl)
            handle.set_info(0, acl, InfoType.SECURITY, dacl)
            assert handle.query_info(0, InfoType.SECURITY, dacl) == acl
        drain.wait('pkg/app')
        assert tree.status_of_open('app/tool.exe', access) == REFUSED


@both_orders('recycle')
def test_the_last_holder_deletes(stacked, objects):
    """The file is gone from the package, kept if recycle comes later"""
    server, drain = stacked(objects, **{'recycle:repository': '.bin',
                                        'recycle:keeptree': 'yes'})
    fill(server)
    root = server.share_path('pkg')
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', Access.READ | Access.DELETE)
        drain.begin('pkg/app')
        handle.set_delete()
        handle.close()
        drain.wait('pkg/app')
        assert not (root / 'app/tool.exe').exists()
        kept = root / '.bin/app/tool.exe'
        assert kept.exists() == objects.startswith('drain')
        tree.unlink('other/data.bin')
        assert (root / '.bin/other/data.bin').exists()


@both_orders('full_audit')
def test_audit_of_what_is_refused(stacked, objects):
    """It is noted if full_audit comes first"""
    server, drain = stacked(objects, **AUDIT)
    fill(server)
    with connect(server.port) as tree:
        assert tree.status_of_open('other/data.bin') == GRANTED
        drain.begin('pkg/app')
        assert tree.status_of_open('app/tool.exe') == REFUSED
    audit = [line for line in server.logs().splitlines()
             if 'create_file|' in line]
    assert any('|ok|' in line and 'data.bin' in line for line in audit)
    assert any('|fail' in line and 'tool.exe' in line
               for line in audit) == objects.endswith('drain')


SNAPSHOT = '@GMT-2020.01.02-03.04.05'
TWRP = 10 ** 7 * (11644473600 + int(datetime(
    2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()))


@both_orders('shadow_copy2')
def test_previous_versions(stacked, objects):
    """They are somewhere else, so they stay"""
    server, drain = stacked(objects)
    fill(server)
    root = server.share_path('pkg')
    server.set_share('pkg', {'shadow:snapdir': root / '.snapshots',
                             'shadow:basedir': root})
    server.put('pkg', f'.snapshots/{SNAPSHOT}/app/tool.exe', b'old')
    before = {'contexts': [(b'TWrp', struct.pack('<Q', TWRP))]}
    with connect(server.port) as tree:
        drain.begin('pkg/app', '--wait')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        with tree.create('app/tool.exe', **before) as handle:
            assert handle.read() == b'old'
