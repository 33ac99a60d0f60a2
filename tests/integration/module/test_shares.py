"""Several drains, and several shares over one tree."""

import itertools

import pytest

from lib.impacket_client import ImpacketClient
from lib.smb2 import (Access, Create, Durable, LeaseState, NtStatus,
                      OplockLevel, Option, QueryInfo, SmbError, connect,
                      SMB_2_1, SMB_3_1_1)
from lib.smbclient import SmbClient
from lib.smbd import DURABLE_SHARE

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION
MODULE = {'vfs objects': 'drain'}


def open_all(tree, *names):
    """What plain opens of files are told, in order"""
    return [tree.status_of_open(name) for name in names]


# -- several drains

def test_several_drains(drained):
    """Each is a drain of its own, whatever happens to the other"""
    server, drain = drained()
    names = ['app/tool.exe', 'other/data.bin', 'third/x']
    server.put('pkg', 'third/x')
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        drain.begin('pkg/other', '--wait')
        assert open_all(tree, *names) == [REFUSED, REFUSED, GRANTED]
        assert (drain.state('pkg/app'), drain.state('pkg/other')) == (
            'armed', 'quiescent')
        drain.resume('pkg/other')
        assert open_all(tree, *names) == [REFUSED, GRANTED, GRANTED]
        handle.close()
        drain.wait('pkg/app')
        assert open_all(tree, *names) == [REFUSED, GRANTED, GRANTED]


def test_move_between_two_drains(drained):
    """Out of one and into the other: refused"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe', Access.READ | Access.DELETE)
        drain.begin('pkg/app')
        drain.begin('pkg/other')
        with pytest.raises(SmbError) as caught:
            handle.rename('other/tool.exe')
        assert caught.value.status == REFUSED


@pytest.fixture
def nested(drained):
    """Files in a target, in one inside of it and in one inside of that"""
    server, drain = drained()
    names = ['app/tool.exe', 'app/in/x', 'app/in/deep/x']
    for name in names[1:]:
        server.put('pkg', name)
    with connect(server.port) as tree:
        yield server, drain, tree, names


def test_inner_resumed_first(nested):
    """The outer drain closes the inner directory still"""
    _, drain, tree, names = nested
    drain.begin('pkg/app')
    drain.begin('pkg/app/in')
    assert open_all(tree, *names) == [REFUSED] * 3
    drain.resume('pkg/app/in')
    assert open_all(tree, *names) == [REFUSED] * 3
    drain.resume('pkg/app')
    assert open_all(tree, *names) == [GRANTED] * 3


@pytest.mark.parametrize('first', ['pkg/app', 'pkg/app/in'])
def test_outer_resumed_first(nested, first):
    """The inner drain goes on, begun before or after the outer one"""
    _, drain, tree, names = nested
    drain.begin(first)
    drain.begin('pkg/app' if first != 'pkg/app' else 'pkg/app/in')
    drain.resume('pkg/app')
    assert open_all(tree, *names) == [GRANTED, REFUSED, REFUSED]
    drain.resume('pkg/app/in')
    assert open_all(tree, *names) == [GRANTED] * 3


def test_holder_of_nested_drains(nested):
    """A handle in the inner one holds both, one in the outer one only it"""
    _, drain, tree, names = nested
    outer, inner = tree.create(names[0]), tree.create(names[1])
    drain.begin('pkg/app')
    drain.begin('pkg/app/in')
    assert len(drain.holders('pkg/app')) == 2
    assert len(drain.holders('pkg/app/in')) == 1
    outer.close()
    drain.wait('pkg/app', '--timeout=0.3', expect=124)
    inner.close()
    drain.wait('pkg/app')
    drain.wait('pkg/app/in')


def test_strictest_of_nested_drains(nested):
    """A directory that one of them refuses is refused"""
    server, drain, tree, _ = nested
    drain.begin('pkg/app/in')
    server.set_share('pkg', {'drain:count directories': 'yes'})
    drain.begin('pkg/app')
    assert tree.status_of_open('app/in') == REFUSED
    drain.resume('pkg/app')
    assert tree.status_of_open('app/in') == GRANTED


def test_whole_share_and_a_part(nested):
    """A drain of the share and one of a directory in it"""
    _, drain, tree, names = nested
    drain.begin('pkg/app/in')
    drain.begin('pkg')
    assert open_all(tree, 'other/data.bin', *names) == [REFUSED] * 4
    drain.resume('pkg')
    assert open_all(tree, 'other/data.bin', *names) == [
        GRANTED, GRANTED, REFUSED, REFUSED]


@pytest.mark.time_limit(90)
def test_fifty_drains(drained):
    """All are obeyed, by clients of before and of after, until they end"""
    server, drain = drained()
    names = [f'd{number}/x' for number in range(50)]
    for name in names + ['free/x']:
        server.put('pkg', name)
    with connect(server.port) as tree:
        handle = tree.create('d7/x')
        for number in range(50):
            drain.begin(f'pkg/d{number}')
        with connect(server.port) as late:
            for client in tree, late:
                assert open_all(client, *names) == [REFUSED] * 50
                assert open_all(client, 'free/x') == [GRANTED]
        assert len(drain.holders('pkg/d7')) == 1
        assert len(drain.status()['drains']) == 50
        handle.close()
        drain.wait('pkg/d7')
        drain.resume('pkg/d25')
        assert open_all(tree, *names) == [
            GRANTED if number == 25 else REFUSED for number in range(50)]
        drain.call('resume', '--all')
        assert open_all(tree, *names) == [GRANTED] * 50


# -- several shares

@pytest.fixture
def shares(drained, tmp_path):
    """Shares one, two (the same tree), inner and outer (parts of it)"""
    root = tmp_path / 'tree'
    paths = {'one': root, 'two': root, 'inner': root / 'app/in',
             'outer': tmp_path, 'app': root / 'app'}
    (root / 'app/in').mkdir(parents=True)
    for path in (tmp_path, root, root / 'app', root / 'app/in'):
        path.chmod(0o777)
    server, drain = drained({name: {**MODULE, 'path': path}
                             for name, path in paths.items()})
    server.put('one', 'app/tool.exe', b'MZ')
    server.put('one', 'app/in/x', b'x')
    server.put('one', 'other/data.bin', b'data')
    with connect(server.port, 'one') as tree:
        yield server, drain, {name: tree.session.tree(name)
                              for name in paths}


def test_two_shares_over_one_tree(shares):
    """A drain through one refuses through the other"""
    _, drain, trees = shares
    drain.begin('one/app')
    for name in 'one', 'two':
        assert open_all(trees[name], 'app/tool.exe', 'other/data.bin') == [
            REFUSED, GRANTED]
    assert drain.state('two/app') == 'armed'
    drain.resume('two/app')
    assert open_all(trees['one'], 'app/tool.exe') == [GRANTED]


def test_holders_through_two_shares(shares):
    """Both are shown with their share, and both are waited for"""
    server, drain, trees = shares
    with connect(server.port, 'two') as other:
        handles = [trees['one'].create('app/tool.exe'),
                   other.create('app/tool.exe')]
        drain.begin('one/app')
        assert sorted(holder['share'] for holder
                      in drain.holders('one/app')) == ['one', 'two']
        for handle in handles:
            drain.wait('one/app', '--timeout=0.3', expect=124)
            handle.close()
        drain.wait('one/app')


def test_share_nested_in_the_other(shares):
    """A target of the outer share, opened through shares of its parts"""
    _, drain, trees = shares
    drain.begin('outer/tree/app')
    assert open_all(trees['one'], 'app/tool.exe') == [REFUSED]
    assert open_all(trees['app'], 'tool.exe', 'in/x') == [REFUSED] * 2
    assert open_all(trees['one'], 'other/data.bin') == [GRANTED]


def test_share_whose_root_is_below_the_target(shares):
    """All of it is closed, and its holders are the target's"""
    server, drain, trees = shares
    handle = trees['inner'].create('x')
    drain.begin('one/app')
    assert open_all(trees['inner'], 'x') == [REFUSED]
    assert trees['inner'].status_of_open('', Access.READ) == GRANTED
    assert trees['inner'].status_of_open('', Access.FILE_ADD_FILE) == REFUSED
    assert [(holder['share'], holder['path']) for holder
            in drain.holders('one/app')] == [('inner', 'x')]
    with connect(server.port, 'inner') as late:
        assert open_all(late, 'x') == [REFUSED]
    handle.close()
    drain.wait('one/app')


def test_target_below_the_root_of_another_share(shares):
    """A drain of a whole inner share is seen from above"""
    _, drain, trees = shares
    handle = trees['outer'].create('tree/app/in/x')
    drain.begin('inner')
    assert open_all(trees['one'], 'app/in/x', 'app/tool.exe') == [
        REFUSED, GRANTED]
    assert open_all(trees['outer'], 'tree/app/in/x') == [REFUSED]
    assert [holder['share'] for holder in drain.holders('inner')] == ['outer']
    handle.close()
    drain.wait('inner')


def test_rename_above_through_another_share(shares):
    """What is above the target in another share cannot be renamed"""
    _, drain, trees = shares
    access = Access.READ | Access.DELETE
    into = trees['one'].create('other/data.bin', access)
    drain.begin('inner')
    with pytest.raises(SmbError) as caught:
        into.rename('app/in/data.bin')
    assert caught.value.status == REFUSED
    into.close()
    above = trees['outer'].create('tree', access)
    with pytest.raises(SmbError) as caught:
        above.rename('away')
    assert caught.value.status == REFUSED


def test_case_rules_are_those_of_the_share(drained, tmp_path):
    """One tree, a share that ignores case and one that does not"""
    server, drain = drained({
        'any': {**MODULE, 'path': tmp_path},
        'exact': {**MODULE, 'path': tmp_path, 'case sensitive': 'yes'}})
    tmp_path.chmod(0o777)
    for name in 'app', 'App':
        server.put('any', f'{name}/x')
    with connect(server.port, 'exact') as tree:
        drain.begin('exact/app')
        assert open_all(tree, 'app/x', 'App/x') == [REFUSED, GRANTED]
        other = tree.session.tree('any')
        assert open_all(other, 'app/x') == [REFUSED]


def test_share_whose_path_is_a_link(drained, tmp_path):
    """A share that leads to the tree by a symbolic link is that tree"""
    root = tmp_path / 'real'
    root.mkdir()
    root.chmod(0o777)
    (tmp_path / 'current').symlink_to('real')
    server, drain = drained({
        'pkg': {**MODULE, 'path': root},
        'link': {**MODULE, 'path': tmp_path / 'current'}})
    server.put('pkg', 'app/tool.exe')
    with connect(server.port, 'link') as tree:
        handle = tree.create('app/tool.exe')
        for target in 'pkg/app', 'link/app', 'link':
            drain.begin(target)
            assert open_all(tree, 'app/tool.exe') == [REFUSED]
            assert open_all(tree.session.tree('pkg'), 'app/tool.exe') == [
                REFUSED]
            assert len(drain.holders(target)) == 1
            drain.resume(target)
        handle.close()


def test_share_with_a_path_for_each_user(drained, tmp_path):
    """What %U comes to is known once somebody is connected"""
    server, drain = drained({
        'pkg': {**MODULE, 'path': tmp_path},
        'own': {**MODULE, 'path': f'{tmp_path}/%U'}})
    tmp_path.chmod(0o777)
    server.put('pkg', 'daemon/app/x')
    server.add_user('daemon', 'secret')
    with connect(server.port, 'own', user='daemon',
                 password='secret') as tree:
        handle = tree.create('app/x')
        drain.begin('pkg/daemon/app')
        assert open_all(tree, 'app/x') == [REFUSED]
        assert [holder['share'] for holder
                in drain.holders('pkg/daemon/app')] == ['own']
        handle.close()
        drain.wait('pkg/daemon/app')


# -- nothing drains: clients cannot tell

REQUESTS = [
    {'oplock': OplockLevel.BATCH}, {'oplock': OplockLevel.EXCLUSIVE},
    {'oplock': OplockLevel.II}, {'lease': 'RWH'}, {'lease': 'RH'},
    {'lease': 'R'}, {'oplock': OplockLevel.BATCH, 'durable': 1},
    {'lease': 'RWH', 'durable': 1}, {'lease': 'RWH', 'durable': 2},
    {'oplock': OplockLevel.BATCH, 'durable': 2},
]

OPENS = [
    ('app/tool.exe', Access.READ_WRITE), ('app/tool.exe', Access.READ),
    ('app/tool.exe', Access.MAXIMUM_ALLOWED),
    ('app/tool.exe', Access.ATTRIBUTES_ONLY), ('app', Access.READ),
    ('app', Access.MAXIMUM_ALLOWED), ('none', Access.READ),
    ('app/none/x', Access.READ),
]


def granted_with(tree, name, access, fields):
    """All that an open gives and that is not different each time"""
    fields = {key: Durable(value) if key == 'durable' else value
              for key, value in fields.items()}
    try:
        with tree.create(name, access, **fields) as handle:
            return (handle.oplock, handle.lease and handle.lease.state,
                    handle.durable, sorted(handle.contexts), handle.action,
                    handle.size, handle.attributes, handle.query_info(8))
    except SmbError as error:
        return error.status


@pytest.mark.parametrize('dialect', [SMB_2_1, SMB_3_1_1], ids=hex)
def test_module_without_drain_is_not_seen(smbd, dialect):
    """Leases, oplocks and durable handles are those of a plain share"""
    server = smbd({'plain': DURABLE_SHARE, 'pkg': {**DURABLE_SHARE,
                                                   **MODULE}})
    for share in 'plain', 'pkg':
        server.put(share, 'app/tool.exe', b'x')
    answers = {}
    for share in 'plain', 'pkg':
        with connect(server.port, share, dialects=(dialect,)) as tree:
            answers[share] = {
                (name, access, str(fields)): granted_with(tree, name, access,
                                                          fields)
                for (name, access), fields
                in itertools.product(OPENS, REQUESTS)}
            answers[share]['tree'] = tree.maximal_access
    assert answers['pkg'] == answers['plain']
    states = [answer[1] for answer in answers['pkg'].values()
              if isinstance(answer, tuple)]
    assert LeaseState.of('RWH') in states


def test_module_after_a_drain_is_not_seen(drained):
    """When the drain is over leases and durable handles come as before"""
    server, drain = drained()
    server.set_share('pkg', DURABLE_SHARE)
    with connect(server.port) as tree:
        before = [granted_with(tree, name, access, fields)
                  for (name, access), fields
                  in itertools.product(OPENS, REQUESTS)]
        drain.begin('pkg/app', '--wait')
        drain.resume('pkg/app')
        assert before == [granted_with(tree, name, access, fields)
                          for (name, access), fields
                          in itertools.product(OPENS, REQUESTS)]


def test_ordinary_clients_work_with_the_module(drained):
    """smbclient and impacket do all they can do on a plain share"""
    server, _ = drained({'pkg': {'vfs objects': 'drain'}, 'plain': {}})
    server.put('pkg', 'app/tool.exe')
    told, plain = (
        {command: SmbClient(server, share).run(command).statuses
         for command in ('mkdir new', 'put smb.conf new/a',
                         'rename new/a new/b', 'allinfo new/b', 'get new/b -',
                         'del new/b', 'rmdir new', 'ls')}
        for share in ('pkg', 'plain'))
    assert told == plain
    assert set(map(tuple, told.values())) <= {
        (), (NtStatus.INVALID_DEVICE_REQUEST,)}  # allinfo: of old versions
    with ImpacketClient(server.port) as client:
        client.make_directory('new')
        client.write_file('new/a', b'text')
        client.rename('new/a', 'new/b')
        assert client.read_file('new/b') == b'text'
        client.delete('new/b')
    with connect(server.port) as tree:
        chain = tree.compound(Create('app', options=Option.DIRECTORY_FILE),
                              QueryInfo(5))
        assert [request.status() for request in chain] == [GRANTED] * 2
