"""smbdrain holders: who has what open, with or without a drain."""

import json
import os
import resource
import re
import signal
import subprocess
import time

import pytest

from lib.drain import Drain, complaint
from lib.load import Load
from lib.smb2 import (Access, Disposition, Durable, Lease, NtStatus,
                      OplockLevel, Option, connect)
from lib.smbd import DURABLE_SHARE, PrivateSmbd, wait_until

MODULE = {'vfs objects': 'drain'}
LEASES = {**MODULE, **DURABLE_SHARE}
FIELDS = {'client', 'machine', 'user', 'share', 'path', 'access',
          'access_mask', 'lease', 'opened', 'server_id', 'counts',
          'directory', 'unguarded', 'disconnected'}
USER = ('daemon', 'Not-a-secret-1')
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ')


@pytest.fixture(name='shared', scope='module')
def _shared():
    """A server that grants all leases"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('holders', {'pkg': LEASES}) as server:
        server.put('pkg', 'app/tool.exe', b'MZ' * 100).chmod(0o777)
        server.put('pkg', 'other/data.bin', b'data')
        server.add_user(*USER)
        yield server, Drain(server)


@pytest.fixture(name='tree')
def _tree(shared):
    """That server, its tool, a client's tree; nothing is open before"""
    server, drain = shared
    with connect(server.port) as tree:
        yield server, drain, tree
    drain.call('resume', '--all')
    server.wait_children(0)


def test_nobody(tree):
    """No holders: an empty list"""
    _, drain, _ = tree
    assert drain.holders('pkg') == []
    assert drain.call('holders', 'pkg').stdout == ''


def test_json_fields(tree):
    """The fields of a holder, without a drain"""
    server, drain, client = tree
    client.create('app/tool.exe', Access.READ)
    holder, = drain.holders('pkg/app')
    assert holder.keys() >= FIELDS
    assert holder['client'] == '127.0.0.1' and holder['user'] == 'nobody'
    assert (holder['share'], holder['path']) == ('pkg', 'app/tool.exe')
    assert holder['access'] == 'r' and holder['access_mask'] == Access.READ
    assert holder['lease'] == 'none' and TIME.fullmatch(holder['opened'])
    assert holder['server_id'] == str(server.child_of(client.connection))
    assert holder['counts'] is True
    assert not (holder['directory'] or holder['unguarded'] or
                holder['disconnected'])


@pytest.mark.parametrize('name, shown', [
    ('PC17', 'PC17'), ('a\x1b[31m\n"b', 'A__31M__B')],
    ids=['plain', 'hostile'])
def test_machine(shared, name, shown):
    """The name by which a client's machine has logged in; smbd leaves nothing
    in it that could do harm"""
    server, drain = shared
    client = subprocess.Popen(
        ['smbclient', '-s', server.conf, '-p', str(server.port), '-U',
         '%'.join(USER), f'--netbiosname={name}', '//127.0.0.1/pkg'],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    with client:
        client.stdin.write('open app/tool.exe\n')
        client.stdin.flush()
        holder, = wait_until(lambda: drain.holders('pkg'), 10, 'a holder')
        client.stdin.close()
    assert holder['machine'].upper() == shown
    server.wait_children(0)


def test_text(tree):
    """One line a holder, with client, user, access and path"""
    server, drain, client = tree
    client.create('app/tool.exe', Access.READ_WRITE)
    line, = drain.call('holders', 'pkg/app').stdout.splitlines()
    for word in ('127.0.0.1', 'nobody', 'pkg/app/tool.exe', 'rw',
                 str(server.child_of(client.connection))):
        assert word in line


@pytest.mark.parametrize('access, letters', [
    (Access.READ, 'r'), (Access.READ_WRITE, 'rwa'), (Access.EXECUTE, 'x'),
    (Access.DELETE, 'd'), (Access.FILE_APPEND_DATA, 'w')], ids=str)
def test_access(tree, access, letters):
    """What it may do, in letters"""
    _, drain, client = tree
    client.create('app/tool.exe', access)
    assert drain.holders('pkg')[0]['access'] == letters


@pytest.mark.parametrize('lease', ['R', 'RH', 'RW', 'RWH'])
def test_lease(tree, lease):
    """The lease that was granted"""
    _, drain, client = tree
    handle = client.create('app/tool.exe', lease=lease)
    granted = str(handle.lease.state)
    assert handle.lease.state == Lease(lease).state, granted
    assert drain.holders('pkg')[0]['lease'] == lease


@pytest.mark.parametrize('oplock, name', [
    (OplockLevel.BATCH, 'batch'), (OplockLevel.EXCLUSIVE, 'exclusive'),
    (OplockLevel.II, 'level2'), (OplockLevel.NONE, 'none')],
    ids=str)
def test_oplock(tree, oplock, name):
    """The oplock that was granted"""
    _, drain, client = tree
    assert client.create('app/tool.exe', oplock=oplock).oplock == oplock
    assert drain.holders('pkg')[0]['lease'] == name


def test_lease_after_a_break(tree):
    """The lease that is left, not the one that was asked for"""
    server, drain, _ = tree
    with connect(server.port, on_break=lambda note: note.ack()) as one, \
            connect(server.port) as two:
        one.create('app/tool.exe', lease='RWH')
        two.create('app/tool.exe')
        leases = {holder['lease'] for holder in drain.holders('pkg')}
    assert leases == {'RH', 'none'}


def test_users(tree):
    """Each by the name it works under"""
    server, drain, client = tree
    client.create('app/tool.exe')
    with connect(server.port, user=USER[0], password=USER[1]) as other:
        other.create('app/tool.exe')
        users = {holder['user'] for holder in drain.holders('pkg')}
    assert users == {'nobody', 'daemon'}


def test_two_sessions_on_a_connection(tree):
    """One smbd, two users"""
    _, drain, client = tree
    client.create('app/tool.exe')
    session = client.connection.session(*USER)
    session.tree('pkg').create('app/tool.exe')
    found = drain.holders('pkg')
    assert {holder['user'] for holder in found} == {'nobody', 'daemon'}
    assert len({holder['server_id'] for holder in found}) == 1


def test_only_the_target(tree):
    """A neighbour whose name begins alike is none of it"""
    server, drain, client = tree
    server.put('pkg', 'app2/tool.exe', b'')
    client.create('app2/tool.exe')
    assert drain.holders('pkg/app') == []
    assert len(drain.holders('pkg/app2')) == 1


def test_second_share(drained):
    """The same place through another share, with the path in that one"""
    server, drain = drained()
    server.set_share('alias', {**MODULE,
                               'path': server.share_path('pkg') / 'app'})
    server.reload()
    with connect(server.port, 'alias') as tree:
        tree.create('tool.exe')
        holder, = drain.holders('pkg/app')
    assert (holder['share'], holder['path']) == ('alias', 'tool.exe')


def test_share_without_module(drained):
    """A handle past the module is seen as well, and said to be so"""
    server, drain = drained()
    server.set_share('plain', {'path': server.share_path('pkg')})
    server.reload()
    with connect(server.port, 'plain') as tree:
        tree.create('app/tool.exe')
        holder, = drain.holders('pkg/app')
    assert holder['unguarded'] and 'tool.exe' in holder['path']
    assert holder['user'] == 'nobody'


def test_tree_without_module_in_an_smbd_with(drained):
    """The same in a process that has both"""
    server, drain = drained()
    server.set_share('plain', {'path': server.share_path('pkg')})
    server.reload()
    with connect(server.port) as tree:
        tree.session.tree('plain').create('app/tool.exe')
        holder, = drain.holders('pkg/app')
    assert holder['unguarded'] and holder['share'] == 'plain'


def test_disconnected(drained):
    """A durable handle whose client is away"""
    server, drain = drained({'pkg': LEASES})
    server.put('pkg', 'app/tool.exe', b'')
    with connect(server.port) as away:
        away.create('app/tool.exe', lease='RWH',
                    durable=Durable(2, timeout=60000))
        pid = server.child_of(away.connection)
        away.connection.drop(reset=True)
    server.wait_gone(pid)
    holder, = drain.holders('pkg/app')
    assert holder['disconnected'] and holder['path'] == 'app/tool.exe'
    assert '  disconnected' in drain.call('holders', 'pkg/app').stdout


def test_stream(drained):
    """A stream holds its file"""
    server, drain = drained({'pkg': {'vfs objects': 'drain streams_xattr'}})
    server.put('pkg', 'app/tool.exe', b'')
    with connect(server.port) as client:
        client.create('app/tool.exe:extra', Access.READ_WRITE,
                      disposition=Disposition.OPEN_IF)
        paths = {holder['path'] for holder in drain.holders('pkg/app')}
    assert any(path.startswith('app/tool.exe:extra') for path in paths)


def test_all(tree):
    """--all shows directories and handles for attributes, too"""
    _, drain, client = tree
    client.create('app', options=Option.DIRECTORY_FILE)
    client.create('app/tool.exe', Access.ATTRIBUTES_ONLY)
    client.create('app/tool.exe')
    found = drain.holders('pkg/app', '--all')
    kinds = sorted((one['counts'], one['directory']) for one in found)
    assert kinds == [(False, False), (False, True), (True, False)]
    assert len(drain.holders('pkg/app')) == 1
    assert drain.call('holders', 'pkg/app', '--all').stdout.count(
        'not counted') == 2


def test_count_directories(drained):
    """Where directories count they are holders"""
    _, drain = drained({'pkg': {**MODULE, 'drain:count directories': 'yes'}})
    server = drain.server
    server.put('pkg', 'app/tool.exe', b'')
    with connect(server.port) as client:
        client.create('app', options=Option.DIRECTORY_FILE)
        holder, = drain.holders('pkg/app')
    assert holder['directory'] and holder['counts']


def test_while_draining(tree):
    """The same list while it drains"""
    _, drain, client = tree
    client.create('app/tool.exe')
    before = drain.holders('pkg/app')
    drain.begin('pkg/app')
    assert drain.holders('pkg/app') == before


def test_silent_smbd(tree):
    """One that does not answer makes the list not whole: exit status 1"""
    server, drain, client = tree
    server.put('pkg', 'app/other.exe', b'')
    client.create('app/tool.exe')
    with connect(server.port) as second:
        second.create('app/other.exe')
        pid = server.child_of(client.connection)
        os.kill(pid, signal.SIGSTOP)
        try:
            done = drain.call('holders', 'pkg/app', '--json', expect=1)
        finally:
            os.kill(pid, signal.SIGCONT)
    found = json.loads(done.stdout)
    assert found['silent_smbds'] == 1
    assert [one['path'] for one in found['holders']] == ['app/other.exe']
    assert 'not answered' in complaint(done)


# -- names

NAMES = ['plain', 'ümlaut €', 'new\nline', 'tab\there', 'esc\x1b[31mred',
         'bell\x07', 'right\u202eto left', 'zero\u200bwidth', 'c1\u0085',
         'del\x7f', 'back\\slash', 'quote"s', 'a' * 200]


def open_all(server, client):
    """Open every file that smbd shows, under the name that it shows"""
    requests = [client.create_nowait('names/%s' % entry.name)
                for entry in client.list_directory('names')]
    return [request.wait() for request in requests
            if request.status() != NtStatus.OBJECT_NAME_INVALID]


@pytest.fixture(name='named')
def _named(tree):
    """Files with all of NAMES, open if smbd lets us"""
    server, drain, client = tree
    directory = server.share_path('pkg') / 'names'
    for name in NAMES:
        server.put('pkg', 'names/%s' % name, b'')
    for raw in (b'bad\xff\xfebytes', b'cut\xc3', b'over\xc0\xaflong'):
        with open(os.fsencode(directory) + b'/' + raw, 'wb'):
            pass
        os.chmod(os.fsencode(directory) + b'/' + raw, 0o666)
    handles = open_all(server, client)
    assert len(handles) >= len(NAMES) - 1
    return drain, len(handles)


def test_names_json(named):
    """JSON has them as they are, valid UTF-8"""
    drain, number = named
    done = drain.call('holders', 'pkg/names', '--json')
    paths = [one['path'] for one in json.loads(done.stdout)['holders']]
    assert len(paths) == number
    for name in NAMES:
        # Those are shown by another name, which newer smbds do not open
        if not set(name) & set('\\"'):
            assert 'names/%s' % name in paths


def test_names_text(named):
    """Text is a line a holder, and nothing in it moves the cursor"""
    drain, number = named
    text = drain.call('holders', 'pkg/names').stdout
    assert text.count('\n') == number
    assert not re.search('[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b]',
                         text)
    for escaped in ('new\\x0aline', 'esc\\x1b[31mred',
                    'right\\xe2\\x80\\xaeto left', 'ümlaut €'):
        assert 'pkg/names/%s' % escaped in text


def test_names_not_utf8(drained):
    """With another charset on disk the bytes are no UTF-8; JSON is"""
    server, drain = drained(
        {'pkg': MODULE}, {'unix charset': 'ISO-8859-1',
                          'dos charset': 'CP850'})
    server.put('pkg', 'app/x', b'')
    raw = os.fsencode(server.share_path('pkg')) + b'/app/caf\xe9.txt'
    with open(raw, 'wb'):
        pass
    os.chmod(raw, 0o666)
    with connect(server.port) as client:
        client.create('app/café.txt')
        done = drain.call('holders', 'pkg/app', '--json', encoding='utf-8')
        holder, = json.loads(done.stdout)['holders']
        text = drain.call('holders', 'pkg/app').stdout
        drain.begin('pkg/app')
        assert drain.status()['drains'][0]['holders'] == 1
    assert holder['path'] == 'app/caf\ufffd.txt'
    assert 'caf\\xe9.txt' in text


# -- many

NUMBER = 5000


@pytest.fixture(name='many', scope='module')
def _many():
    """5000 handles in one smbd"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('many', {'pkg': MODULE}) as server:
        for number in range(NUMBER):
            server.put('pkg', 'app/f%d' % number, b'')
        with Load(server.port, conns=1, files=NUMBER,
                  name='app/f%f') as load:
            assert load.state().open == NUMBER
            yield server, Drain(server), load


def test_many_are_all_listed_once(many):
    """Page after page, none left out, none twice; soon"""
    _, drain, _ = many
    start = time.monotonic()
    paths = [one['path'] for one in drain.holders('pkg/app')]
    assert time.monotonic() - start < 5
    assert sorted(paths) == sorted('app/f%d' % n for n in range(NUMBER))


def test_many_in_text(many):
    """A line each"""
    _, drain, _ = many
    lines = drain.call('holders', 'pkg/app').stdout.splitlines()
    assert len(lines) == len(set(lines)) == NUMBER


@pytest.mark.no_memcheck('measures memory')
def test_many_in_little_memory(many):
    """The list of 5000 takes little more than the libraries do

    Not by ru_maxrss: that of a child begins with what pytest itself takes.
    """
    _, drain, _ = many
    limit = (160 << 20, 160 << 20)
    done = drain.call('holders', 'pkg/app', '--json', preexec_fn=lambda:
                      resource.setrlimit(resource.RLIMIT_AS, limit))
    assert len(json.loads(done.stdout)['holders']) == NUMBER


def test_many_in_status(many):
    """status counts them without a list"""
    _, drain, _ = many
    drain.begin('pkg/app')
    assert drain.status()['drains'][0]['holders'] == NUMBER
    drain.resume('pkg/app')


def test_many_at_a_timeout(many):
    """A wait that times out names a few and says how many more there are"""
    _, drain, _ = many
    drain.begin('pkg/app')
    done = drain.wait('pkg/app', '--timeout=0.2', expect=124)
    drain.resume('pkg/app')
    assert '%d holders' % NUMBER in done.stderr
    assert '%d more' % (NUMBER - 10) in done.stderr
    assert done.stderr.count('\n') == 12


def test_closed_while_listed(many):
    """Handles that go meanwhile are listed or not, and nothing breaks"""
    _, drain, load = many
    process = drain.start('holders', 'pkg/app', '--json')
    load.close_all()
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    paths = [one['path'] for one in json.loads(out)['holders']]
    assert len(paths) == len(set(paths)) <= NUMBER
    assert drain.holders('pkg/app') == []
    load.open()


SLOW_WALK = '''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

void *files_forall(void *sconn, void *fn, void *private_data)
{
	void *(*next)(void *, void *, void *) = dlsym(RTLD_NEXT,
						      "files_forall");

	usleep(350000);
	return next(sconn, fn, private_data);
}
'''


def test_long_list_of_a_slow_smbd(drained, preloaded):
    """Six pages that come slowly: who answers is not silent"""
    server, drain = drained(environment=preloaded(SLOW_WALK))
    with Load(server.port, conns=1, files=3000) as load:
        assert load.state().open == 3000
        drain.begin('pkg')
        done = drain.wait('pkg', '--timeout=0.1', expect=124)
    assert '3000 holders left\n' in done.stderr
    assert 'not answer' not in done.stderr
