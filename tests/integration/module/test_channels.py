"""Whose address is shown and judged: that of the connections of the session.

smbd serves all connections with one client GUID in one process, and knows of
that only where its first connection came from.
"""

import json
import os
import re
import time
import uuid
from pathlib import Path

import pytest

from lib.drain import Monitor
from lib.smb2 import Access, NtStatus, connect
from lib.smbd import PrivateSmbd, wait_until

USER, PASSWORD = 'daemon', 'Not-a-secret-1'
FIRST, SECOND = '127.0.0.2', '127.0.0.3'
REFUSED, GRANTED = NtStatus.SHARING_VIOLATION, NtStatus.SUCCESS
TOOL, OTHER = 'app/tool.exe', 'app/lib/tool.dll'


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all, with a user who can bind channels"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('channels', {'pkg': {'vfs objects': 'drain'}},
                     {'hostname lookups': 'yes'},
                     log_level='1 drain:10') as server:
        server.add_user(USER, PASSWORD)
        server.put('pkg', TOOL, b'MZ' * 100)
        server.put('pkg', OTHER, b'MZ')
        yield server


def num_sockets(pid):
    """How many a process has"""
    return sum(os.readlink(fd).startswith('socket:')
               for fd in Path(f'/proc/{pid}/fd').iterdir() if fd.is_symlink())


class Client:
    """A client with one GUID: it is served by one smbd"""

    def __init__(self, server):
        self._server = server
        self._guid = uuid.uuid4().bytes_le
        self._trees = []

    def connect(self, source, binding=None):
        """A tree on a new connection, in a session of its own or of the
        tree that it is bound to"""
        tree = connect(self._server.port, user=USER, password=PASSWORD,
                       source=source, client_guid=self._guid,
                       binding=binding and binding.session)
        self._trees.append(tree)
        return tree

    def drop(self, tree):
        """End a connection; smbd knows when this returns"""
        child = self._server.child_of(tree.connection)
        before = num_sockets(child)
        tree.connection.drop()
        self._trees.remove(tree)
        wait_until(lambda: num_sockets(child) < before, 10,
                   'the end of a connection')
        self._server.smbcontrol(child, 'ping')

    def close(self):
        """End all connections"""
        for tree in self._trees:
            tree.connection.drop()


@pytest.fixture(name='client')
def _client(server):
    """A client whose connections end with the test"""
    client = Client(server)
    yield client
    client.close()
    server.wait_children(0)


def exempting(server, hosts):
    """Let hosts in while pkg/app is drained"""
    server.set_share('pkg', {'drain:exempt hosts': hosts})


def test_guid_of_an_exempt_host(server, drain, client):
    """It lets nobody in, neither while that one is there nor afterwards"""
    exempting(server, FIRST)
    drain.begin('pkg/app', '--wait')
    exempt, other = client.connect(FIRST), client.connect(SECOND)
    assert server.child_of(exempt.connection) == server.child_of(
        other.connection)
    for _ in range(2):
        assert exempt.status_of_open(TOOL) == GRANTED
        assert other.status_of_open(TOOL) == REFUSED
    client.drop(exempt)
    assert other.status_of_open(TOOL) == REFUSED
    assert client.connect(SECOND).status_of_open(TOOL) == REFUSED
    assert client.connect(FIRST).status_of_open(TOOL) == GRANTED


def test_exempt_host_after_another(server, drain, client):
    """That smbd met another address first keeps no exempt host out"""
    exempting(server, SECOND)
    drain.begin('pkg/app', '--wait')
    other, exempt = client.connect(FIRST), client.connect(SECOND)
    assert exempt.status_of_open(TOOL) == GRANTED
    assert other.status_of_open(TOOL) == REFUSED


def test_host_name(server, drain, client):
    """smbd has looked the name of each connection up"""
    exempting(server, 'localhost')
    drain.begin('pkg/app', '--wait')
    other, exempt = client.connect(FIRST), client.connect('127.0.0.1')
    assert exempt.status_of_open(TOOL) == GRANTED
    assert other.status_of_open(TOOL) == REFUSED


def test_session_with_a_foreign_channel(server, drain, client):
    """It is exempt while all its connections are of exempt hosts. What it has
    open stays exempt, so that what is quiescent stays so."""
    exempting(server, FIRST)
    drain.begin('pkg/app', '--wait')
    exempt = client.connect(FIRST)
    handle = exempt.create(TOOL, Access.READ_WRITE)
    foreign = client.connect(SECOND, binding=exempt)
    for tree in exempt, foreign:
        assert tree.status_of_open(OTHER) == REFUSED
    drain.status()      # every smbd looks at its handles again
    holder, = drain.holders('pkg/app')
    assert holder['exempt'] and not holder['counts']
    assert drain.state('pkg/app') == 'quiescent'
    assert handle.read(length=2) == b'MZ'
    client.drop(foreign)
    assert exempt.status_of_open(OTHER) == GRANTED


def test_handle_that_counts_goes_on_counting(server, drain, client):
    """Also when only connections of exempt hosts are left"""
    exempting(server, FIRST)
    exempt = client.connect(FIRST)
    foreign = client.connect(SECOND, binding=exempt)
    handle = exempt.create(TOOL)
    drain.begin('pkg/app')
    client.drop(foreign)
    assert exempt.status_of_open(OTHER) == GRANTED
    drain.status()      # every smbd looks at its handles again
    drain.wait('pkg/app', '--timeout=0.5', expect=124)
    holder, = drain.holders('pkg/app')
    assert holder['counts'] and not holder['exempt']
    handle.close()
    drain.wait('pkg/app', '--timeout=5')


def test_two_sessions(server, drain, client):
    """Each has its own address, also after the first connection has ended"""
    first, second = client.connect(FIRST), client.connect(SECOND)
    first.create(TOOL)
    second.create(OTHER)
    assert sorted((h['client'], h['addresses'], h['path'])
                  for h in drain.holders('pkg/app')) == [
                      (FIRST, [FIRST], TOOL), (SECOND, [SECOND], OTHER)]
    client.drop(first)
    drain.begin('pkg/app')
    holder, = drain.holders('pkg/app')
    assert (holder['client'], holder['path']) == (SECOND, OTHER)
    assert second.status_of_open(TOOL) == REFUSED
    logs = server.logs()
    assert f'drain: client {SECOND}, share pkg' in logs
    assert 'nothing to close' in drain.call(
        'close', 'pkg/app', f'--client={FIRST}').stdout
    assert f'closed: {USER}@{SECOND} pkg/{OTHER}' in drain.call(
        'close', 'pkg/app', f'--client={SECOND}').stdout


@pytest.mark.parametrize('address', [FIRST, SECOND])
def test_one_session_on_two_connections(drain, client, address):
    """All its addresses are shown, and close knows it by each"""
    tree = client.connect(FIRST)
    client.connect(SECOND, binding=tree)
    client.connect(SECOND, binding=tree)
    tree.create(TOOL)
    drain.begin('pkg/app')
    holder, = drain.holders('pkg/app')
    assert (holder['client'], holder['addresses']) == (FIRST, [FIRST, SECOND])
    text = f'{FIRST}+1'
    assert text in drain.call('holders', 'pkg/app').stdout.split()
    assert f'{USER}@{text} has' in drain.wait(
        'pkg/app', '--timeout=0.2', expect=124).stderr
    assert drain.call('close', 'pkg/app', f'--client={address}').stdout == (
        f'closed: {USER}@{text} pkg/{TOOL}\n')


def test_event_after_the_first_connection(drain, client):
    """The holder that goes with its connection is named by its address"""
    first, second = client.connect(FIRST), client.connect(SECOND)
    second.create(TOOL)
    client.drop(first)
    drain.begin('pkg/app')
    with Monitor(drain, 'pkg/app') as monitor:
        monitor.wait_for('present')
        time.sleep(0.5)     # until it is told of holders that go
        second.connection.drop()
        monitor.wait_for('holder_gone')
    holder, = (event['holder'] for event in monitor.events
               if event['event'] == 'holder_gone')
    assert (holder['client'], holder['addresses']) == (SECOND, [SECOND])


def test_warning_names_all(drain, client, tmp_path):
    """The command gets the same JSON"""
    tree = client.connect(FIRST)
    client.connect(SECOND, binding=tree)
    tree.create(TOOL)
    told = tmp_path / 'told'
    drain.begin('pkg/app', f'--warn-command=cat >{told}.new; '
                f'mv {told}.new {told}')
    wait_until(told.exists, 10, 'a warning', 0.05)
    holder, = json.loads(told.read_text(encoding='utf-8'))['holders']
    assert holder['addresses'] == [FIRST, SECOND]


def test_unguarded_tree(server, drain, client):
    """Whose connection stands in the way is named by all its addresses"""
    server.set_share('late', {'path': server.share_path('pkg')})
    server.reload()
    client.connect('127.0.0.4')
    tree = client.connect(FIRST)
    client.connect(SECOND, binding=tree)
    tree.session.tree('late')
    server.set_share('late', {'vfs objects': 'drain'})
    server.reload()
    try:
        done = drain.begin('pkg/app', '--timeout=2', expect=1)
        assert re.search(rf'client {re.escape(FIRST)}\+1 \(smbd \d+\)',
                         done.stderr), done.stderr
    finally:
        server.remove_share('late')
        server.reload()
