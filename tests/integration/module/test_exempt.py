"""Exemptions: users and hosts that a drain does not concern."""

import json
import os

import pytest

from lib.drain import Drain
from lib.impacket_client import ImpacketClient
from lib.network import has_ipv6
from lib.smb2 import (Access, Disposition, Durable, NtStatus, SmbError,
                      connect)
from lib.smbclient import SmbClient
from lib.smbd import DURABLE_SHARE, PrivateSmbd, wait_until

MODULE = {'vfs objects': 'drain'}
USER, OTHER, PASSWORD = 'daemon', 'games', 'Not-a-secret-1'
REFUSED, GRANTED = NtStatus.SHARING_VIOLATION, NtStatus.SUCCESS


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all, with two users"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('exempt', {'pkg': MODULE}) as server:
        for user in (USER, OTHER):
            server.add_user(user, PASSWORD)
        yield server


@pytest.fixture(name='exempting')
def _exempting(server):
    """Begin to drain pkg/app with options: ``server, drain = ...``

    They are copied when a drain begins, so that smbd need not know them.
    """
    drain = Drain(server)

    def start(options, begin=()):
        server.set_share('pkg', {'drain:exempt users': None,
                                 'drain:exempt hosts': None, **options})
        server.put('pkg', 'app/tool.exe', b'MZ' * 100)
        server.put('pkg', 'app/lib/tool.dll', b'MZ')
        drain.begin('pkg/app', *begin)
        return server, drain

    yield start
    drain.resume('--all')


def open_by(server, user=None, **options):
    """What a user is told who wants to write"""
    with connect(server.port, user=user, password=user and PASSWORD,
                 **options) as tree:
        return tree.status_of_open('app/tool.exe', Access.READ_WRITE)


IPV6 = pytest.mark.skipif(not has_ipv6(), reason='no ::1 here')


# -- users

@pytest.mark.parametrize('users', [
    'daemon',               # a name
    'root daemon',          # a list, as valid users
    'root, daemon',
    '+daemon',              # a unix group
    '@daemon',
    '%U',                   # whoever it is: everybody with a name
    '+%G',
], ids=lambda users: users.replace(' ', '_'))
def test_users(exempting, users):
    """Written as valid users are; nobody is let in by it whom it does not
    name"""
    server, _ = exempting({'drain:exempt users': users})
    assert open_by(server, USER) == GRANTED
    if '%' not in users:
        assert open_by(server, OTHER) == REFUSED
        assert open_by(server) == REFUSED


@IPV6
def test_user_by_ipv6(exempting):
    """Wherever the user comes from"""
    server, _ = exempting({'drain:exempt users': USER})
    assert open_by(server, USER, host='::1') == GRANTED
    assert open_by(server, host='::1') == REFUSED


def test_substitution_of_the_share(exempting):
    """%S is the share, so that a user may be named after it"""
    server, drain = exempting({'drain:exempt users': '%S'})
    assert open_by(server, USER) == REFUSED
    server.set_share('daemon', {**MODULE, 'drain:exempt users': '%S',
                                'path': server.share_path('pkg')})
    server.reload()
    drain.resume('pkg/app')
    drain.begin('daemon/app')
    with connect(server.port, 'daemon', user=USER, password=PASSWORD) as tree:
        assert tree.status_of_open('app/tool.exe') == GRANTED


def test_name_is_no_prefix(exempting):
    """Who is not named in full is not meant"""
    server, _ = exempting({'drain:exempt users': 'daemonic daem'})
    assert open_by(server, USER) == REFUSED


def test_two_users_on_one_connection(exempting):
    """The session decides, not the connection"""
    server, _ = exempting({'drain:exempt users': USER})
    with connect(server.port) as tree:
        other = tree.connection.session(USER, PASSWORD).tree('pkg')
        assert other.status_of_open('app/tool.exe') == GRANTED
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert other.status_of_open('app/tool.exe') == GRANTED


@pytest.mark.parametrize('forced', [OTHER, USER])
def test_force_user(server, forced):
    """Who has logged in counts, not whom the share makes of everybody; so it
    does for holders and for close"""
    drain = Drain(server)
    server.set_share('forced', {**MODULE, 'force user': forced,
                                'drain:exempt users': USER})
    server.reload()
    server.put('forced', 'app/tool.exe', b'MZ' * 100)
    with (connect(server.port, 'forced', user=USER,
                  password=PASSWORD) as exempt,
          connect(server.port, 'forced', user=OTHER,
                  password=PASSWORD) as other):
        handle = exempt.create('app/tool.exe')
        other.create('app/tool.exe')
        drain.begin('forced/app')
        assert {(holder['user'], holder['exempt'])
                for holder in drain.holders('forced/app')} == {
                    (USER, True), (OTHER, False)}
        assert exempt.status_of_open('app/tool.exe') == GRANTED
        assert other.status_of_open('app/tool.exe') == REFUSED
        assert drain.call('close', 'forced/app',
                          f'--user={OTHER}').stdout.startswith(
                              f'closed: {OTHER}@')
        drain.wait('forced/app', '--timeout=5')
        assert handle.read(length=2) == b'MZ'
    drain.resume('forced/app')
    server.remove_share('forced')
    server.reload()


# -- hosts

@pytest.mark.parametrize('hosts', [
    '127.0.0.2', '127.0.0.0/255.255.255.254 127.0.0.2', '127.0.0.2/31',
    '127.0.0. EXCEPT 127.0.0.1', 'ALL EXCEPT 127.0.0.1 ::1'],
    ids=lambda hosts: hosts.replace(' ', '_'))
def test_host_by_ipv4(exempting, hosts):
    """Written as hosts allow is; loopback is not let in by itself"""
    server, _ = exempting({'drain:exempt hosts': hosts})
    assert open_by(server, source='127.0.0.2') == GRANTED
    if '255.254' not in hosts:
        assert open_by(server) == REFUSED


@IPV6
@pytest.mark.parametrize('hosts', ['::1', '::1/128'],
                         ids=['address', 'network'])
def test_host_by_ipv6(exempting, hosts):
    """An address or a network, and the other loopback is another host"""
    server, _ = exempting({'drain:exempt hosts': hosts})
    assert open_by(server, host='::1') == GRANTED
    assert open_by(server) == REFUSED


@IPV6
def test_loopback_is_a_host_as_others_are(exempting):
    """hosts allow always means loopback; this does not"""
    server, _ = exempting({'drain:exempt hosts': '192.0.2.1 2001:db8::1'})
    assert open_by(server) == REFUSED
    assert open_by(server, host='::1') == REFUSED


def test_machine_is_no_host(exempting):
    """A client may call its machine as it likes, also by an address"""
    server, _ = exempting({'drain:exempt hosts': 'pc17 127.0.0.2'})
    for name in 'PC17', '127.0.0.2':
        client = SmbClient(server, options=(f'--netbiosname={name}',))
        assert client.run('get app/tool.exe -').status == REFUSED, name


# -- what they hold

def test_exempt_handle_is_shown_and_does_not_block(exempting):
    """As exempt, while the target gets quiescent and stays so"""
    server, drain = exempting({'drain:exempt users': USER})
    with connect(server.port, user=USER, password=PASSWORD) as tree:
        handle = tree.create('app/tool.exe', Access.READ_WRITE)
        holder, = drain.holders('pkg/app')
        assert holder['exempt'] and not holder['counts']
        assert holder['user'] == USER
        assert 'exempt' in drain.call('holders', 'pkg/app').stdout
        assert drain.status('pkg/app')['drains'][0]['holders'] == 0
        drain.wait('pkg/app', '--timeout=5')
        handle.write(b'new')
        assert (tree.status_of_open('app/lib/tool.dll') == GRANTED)


def test_exempt_handle_from_before(exempting):
    """It does not block either; that of somebody else does"""
    server, drain = exempting({'drain:exempt users': USER})
    drain.resume('pkg/app')
    with (connect(server.port, user=USER, password=PASSWORD) as exempt,
          ImpacketClient(server.port) as other):
        exempt.create('app/tool.exe')
        file_id = other.open('app/tool.exe')
        drain.begin('pkg/app')
        drain.wait('pkg/app', '--timeout=0.5', expect=124)
        assert sorted(holder['exempt'] for holder in drain.holders('pkg/app')
                      ) == [False, True]
        other.close(file_id)
        drain.wait('pkg/app', '--timeout=5')


def test_exempt_handle_is_not_closed(exempting):
    """Neither by close nor at a deadline with force"""
    server, drain = exempting({'drain:exempt users': USER})
    drain.resume('pkg/app')
    with (connect(server.port, user=USER, password=PASSWORD) as exempt,
          connect(server.port) as other):
        handle = exempt.create('app/tool.exe')
        other.create('app/tool.exe')
        drain.begin('pkg/app')
        drain.call('close', 'pkg/app')
        drain.wait('pkg/app', '--timeout=1', '--on-timeout=force')
        assert handle.read(length=2) == b'MZ'


def test_timeout_names_no_exempt_holder(exempting):
    """Who is left is who is waited for"""
    server, drain = exempting({'drain:exempt users': USER})
    drain.resume('pkg/app')
    with (connect(server.port, user=USER, password=PASSWORD) as exempt,
          connect(server.port) as other):
        exempt.create('app/lib/tool.dll')
        other.create('app/tool.exe')
        drain.begin('pkg/app')
        done = drain.wait('pkg/app', '--timeout=0.5', expect=124)
    assert '1 holders left' in done.stderr
    assert 'tool.exe' in done.stderr and 'tool.dll' not in done.stderr


def test_exempt_holder_is_not_warned(exempting, tmp_path):
    """Nobody asks it to leave"""
    server, drain = exempting({'drain:exempt users': USER})
    drain.resume('pkg/app')
    told = tmp_path / 'told'
    with (connect(server.port, user=USER, password=PASSWORD) as exempt,
          connect(server.port) as other):
        exempt.create('app/lib/tool.dll')
        other.create('app/tool.exe')
        drain.begin('pkg/app', f'--warn-command=cat >{told}.new; '
                    f'mv {told}.new {told}')
        wait_until(told.exists, 5, 'a warning', 0.05)
    holder, = json.loads(told.read_text(encoding='utf-8'))['holders']
    assert holder['path'] == 'app/tool.exe'


@pytest.mark.parametrize('how', ['user', 'forced', 'host'])
def test_exempt_durable_handle_whose_client_goes(drained, how):
    """It does not block either: smbd closes it, and does not keep it"""
    server, drain = drained({'pkg': {
        **MODULE, **DURABLE_SHARE,
        **({'drain:exempt hosts': '127.0.0.2'} if how == 'host'
           else {'drain:exempt users': USER}),
        **({'force user': OTHER} if how == 'forced' else {})}})
    for user in (USER, OTHER):
        server.add_user(user, PASSWORD)
    server.put('pkg', 'app/tool.exe', b'MZ' * 100)
    exempt = connect(server.port, **(
        {'source': '127.0.0.2'} if how == 'host'
        else {'user': USER, 'password': PASSWORD}))
    handle = exempt.create('app/tool.exe', lease='RWH', durable=Durable(2))
    assert handle.durable
    drain.begin('pkg/app')
    child = server.child_of(exempt.connection)
    exempt.connection.drop(reset=True)
    server.wait_gone(child)
    assert drain.holders('pkg/app') == []
    drain.wait('pkg/app', '--timeout=10')


def test_durable_handle_of_another_client(drained):
    """It is kept, blocks, and may be come back to, beside one that is exempt
    and one that is not in the target"""
    server, drain = drained({'pkg': {**MODULE, **DURABLE_SHARE,
                                     'drain:exempt hosts': '127.0.0.2'}})
    for name in ('app/tool.exe', 'other/data'):
        server.put('pkg', name, b'MZ' * 100)
    gone = {}
    for name, source in (('app/tool.exe', '127.0.0.1'),
                         ('other/data', '127.0.0.2')):
        tree = connect(server.port, source=source)
        gone[name] = tree.create(name, lease='RWH', durable=Durable(2))
        assert gone[name].durable
    drain.begin('pkg/app')
    for handle in gone.values():
        child = server.child_of(handle.tree.connection)
        handle.tree.connection.drop(reset=True)
        server.wait_gone(child)
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    for name, handle in gone.items():
        with connect(server.port, client_guid=handle.tree.connection
                     .client_guid) as tree:
            try:
                tree.reconnect(handle)
            except SmbError as error:
                pytest.fail(f'{name}: {error}')


# -- an updater

def names_and_contents(root):
    """All files below a directory"""
    return {str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob('*') if path.is_file()}


@pytest.mark.parametrize('how', ['user', 'ipv6'])
def test_updater_over_smb(exempting, tmp_path, how):
    """It replaces, renames and removes all, while others are out"""
    if how == 'ipv6' and not has_ipv6():
        pytest.skip('no ::1 here')
    server, drain = exempting(
        {'drain:exempt users': USER} if how == 'user'
        else {'drain:exempt hosts': '::1'}, ('--wait',))
    new = {'tool.exe': b'new' * 500, 'lib/tool.dll': b'new',
           'lib/more/extra.dll': b'extra'}
    for name, content in new.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (server.share_path('pkg') / 'app').chmod(0o777)

    updater = SmbClient(server, directory=tmp_path,
                        user=USER if how == 'user' else None,
                        password=PASSWORD,
                        options=('-I', '::1') if how == 'ipv6' else ())
    with connect(server.port) as other:
        result = updater.run('cd app', 'prompt', 'recurse', 'mput *',
                             'put tool.exe old.exe', 'rm old.exe',
                             'put tool.exe tmp.exe', 'rename tmp.exe b.exe',
                             'rm b.exe')
        assert result.statuses == [], result
        assert other.status_of_open('app/tool.exe') == REFUSED
        assert other.status_of_open(
            'app/x', Access.READ_WRITE,
            disposition=Disposition.CREATE) == REFUSED
        assert SmbClient(server).run('get app/tool.exe -').status == REFUSED
        assert drain.state('pkg/app') == 'quiescent'
        drain.resume('pkg/app')
        assert names_and_contents(server.share_path('pkg') / 'app') == new
        assert other.read_file('app/tool.exe') == new['tool.exe']
