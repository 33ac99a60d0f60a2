"""No lease, oplock or durable handle is given while a target drains."""

import itertools

import pytest

from lib.smb2 import (Access, Durable, LeaseState, NtStatus, OplockLevel,
                      connect, SMB_2_1, SMB_3_1_1)
from lib.smbd import DURABLE_SHARE

REFUSED = NtStatus.SHARING_VIOLATION
SHARE = {'pkg': {**DURABLE_SHARE, 'vfs objects': 'drain'}}

REQUESTS = [
    {'oplock': OplockLevel.BATCH}, {'oplock': OplockLevel.EXCLUSIVE},
    {'oplock': OplockLevel.II}, {'lease': 'RWH'}, {'lease': 'RH'},
    {'lease': 'R'}, {'oplock': OplockLevel.BATCH, 'durable': 1},
    {'lease': 'RWH', 'durable': 2}, {'oplock': OplockLevel.BATCH,
                                     'durable': 2},
]

# All that is granted in a target that drains
OPENS = [
    ('tool.exe', Access.ATTRIBUTES_ONLY),
    ('tool.exe', Access.FILE_READ_ATTRIBUTES),
    ('tool.exe', Access.READ_CONTROL | Access.FILE_READ_ATTRIBUTES),
    ('tool.exe', Access.FILE_READ_EA),
    ('', Access.READ), ('', Access.ATTRIBUTES_ONLY),
    ('', Access.MAXIMUM_ALLOWED), ('sub', Access.READ),
]


def granted(tree, name, access, fields):
    """Oplock, lease and durability of an open"""
    fields = {key: Durable(value) if key == 'durable' else value
              for key, value in fields.items()}
    with tree.create(name, access, **fields) as handle:
        return (handle.oplock,
                handle.lease.state if handle.lease else LeaseState.NONE,
                handle.durable)


def all_granted(tree, directory):
    """The same for all opens and requests in a directory"""
    return {(name, access, str(fields)): granted(
        tree, f'{directory}/{name}'.strip('/'), access, fields)
        for (name, access), fields in itertools.product(OPENS, REQUESTS)}


NOTHING = (OplockLevel.NONE, LeaseState.NONE, False)


@pytest.fixture
def server_and_drain(drained):
    """Two directories of the same kind"""
    server, drain = drained(SHARE)
    for name in 'app', 'other':
        server.put('pkg', f'{name}/tool.exe', b'MZ')
        server.put('pkg', f'{name}/sub/part.dll', b'part')
    return server, drain


@pytest.mark.parametrize('dialect', [SMB_2_1, SMB_3_1_1], ids=hex)
def test_nothing_is_cached_in_the_target(server_and_drain, dialect):
    """Every open that is granted comes without; elsewhere and later with"""
    server, drain = server_and_drain
    with connect(server.port, dialects=(dialect,)) as tree:
        before = all_granted(tree, 'app')
        assert set(before.values()) != {NOTHING}
        assert before == all_granted(tree, 'other')
        drain.begin('pkg/app')
        assert all_granted(tree, 'app') == dict.fromkeys(before, NOTHING)
        assert all_granted(tree, 'other') == before
        drain.resume('pkg/app')
        assert all_granted(tree, 'app') == before


def test_leases_outside(server_and_drain):
    """Files outside get leases and durable handles while something drains"""
    server, drain = server_and_drain
    drain.begin('pkg/app')
    with connect(server.port, dialects=(SMB_3_1_1,)) as tree:
        handle = tree.create('other/tool.exe', Access.READ_WRITE,
                             lease='RWH', durable=2)
        assert handle.lease.state == LeaseState.of('RWH') and handle.durable


def test_target_by_another_case(server_and_drain):
    """The name that was asked for is not what counts"""
    server, drain = server_and_drain
    drain.begin('pkg/APP')
    with connect(server.port) as tree:
        assert granted(tree, 'App/Tool.exe', Access.ATTRIBUTES_ONLY,
                       {'lease': 'RWH'}) == NOTHING


def test_once_quiescent(server_and_drain):
    """Still nothing, or it would be broken when the updater writes"""
    server, drain = server_and_drain
    with connect(server.port) as tree:
        drain.begin('pkg/app', '--wait')
        assert set(all_granted(tree, 'app').values()) == {NOTHING}
        root = server.share_path('pkg')
        (root / 'app/tool.exe').write_bytes(b'new')
        assert tree.connection.breaks == []


def test_lease_key_of_before(server_and_drain):
    """A lease that a client has does not come back by its key"""
    server, drain = server_and_drain
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', lease='R')
        drain.begin('pkg/app')
        handle.lease.state = LeaseState.of('RWH')
        again = tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY,
                            lease=handle.lease)
        assert not again.lease or again.lease.state in (0, LeaseState.READ)
        again.close()
        handle.close()
        drain.wait('pkg/app')


def test_nested_drains(server_and_drain):
    """Nothing while any of them is in force"""
    server, drain = server_and_drain
    ask = 'app/sub/part.dll', Access.ATTRIBUTES_ONLY, {'lease': 'RWH'}
    with connect(server.port) as tree:
        before = granted(tree, *ask)
        drain.begin('pkg/app')
        drain.begin('pkg/app/sub')
        assert granted(tree, *ask) == NOTHING
        drain.resume('pkg/app')
        assert granted(tree, *ask) == NOTHING
        drain.resume('pkg/app/sub')
        assert granted(tree, *ask) == before != NOTHING


def test_attribute_open_breaks_no_lease(server_and_drain):
    """A look at a held file disturbs its holder as little as before"""
    server, drain = server_and_drain
    with connect(server.port) as holder, connect(server.port) as other:
        drain.begin('pkg/other')
        holder.create('app/tool.exe', Access.READ_WRITE, lease='RWH')
        assert other.status_of_open('app/tool.exe',
                                    Access.ATTRIBUTES_ONLY) == 0
        assert holder.connection.breaks == []
