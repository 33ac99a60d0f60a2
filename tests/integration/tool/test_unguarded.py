"""What stands in the way of a drain: smbds that are silent, connections that
reach the target past the module."""

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from lib.drain import ended, stopped
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
WITH, WITHOUT = {'vfs objects': 'drain'}, {'vfs objects': None}


@pytest.fixture
def late(drained):
    """A server whose share has no module yet: ``server, drain = late()``

    arrive() adds it, as an administrator would.
    """
    def start():
        server, drain = drained({'pkg': {}, 'other': {}})
        server.put('pkg', TOOL, b'MZ')
        return server, drain

    return start


def _arrive(server, share='pkg'):
    server.set_share(share, WITH)
    server.reload()


def _names_client(done, child):
    """Whether a complaint says who is connected, and to which smbd"""
    return re.search(r'client \S*\b127\.0\.0\.1\b\S* \(smbd %d\)' % child,
                     done.stderr)


def _advice(child, share='pkg', module=True):
    """What disconnects it, and what that does"""
    again = '; it gets the module when it connects again' if module else '\n'
    return (f'"smbcontrol {child} close-share {share}" disconnects it, and '
            f'closes the files that it has open there{again}')


# -- silent smbds

def test_silent_smbd(drained):
    """begin names its process, and wait goes on when it is back"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port) as other:
        child = server.child_of(tree.connection)
        with stopped(child):
            done = drain.begin('pkg', '--timeout=1', expect=1)
            assert f'smbd {child} has not answered' in done.stderr
            assert 'is not armed' in done.stderr
            assert other.status_of_open(TOOL) == REFUSED
            status = drain.status('pkg')['drains'][0]
            assert status['state'] == 'arming'
            assert status['unacknowledged'] == [str(child)]
        drain.wait('pkg')
        assert tree.status_of_open(TOOL) == REFUSED


def test_silent_smbd_is_waited_for(drained):
    """Ten seconds by default: long enough for one that is only busy"""
    server, drain = drained()
    with connect(server.port) as tree:
        with stopped(server.child_of(tree.connection)):
            process = drain.start('begin', 'pkg')
            time.sleep(1.5)
            assert process.poll() is None
        assert process.wait(5) == 0, process.communicate()
        process.communicate()
        assert tree.status_of_open(TOOL) == REFUSED


def test_silent_smbd_that_dies(drained):
    """Nobody waits for the dead"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port):
        child = server.child_of(tree.connection)
        with stopped(child):
            process = drain.start('begin', 'pkg')
            with ended(process):
                time.sleep(0.3)
                assert process.poll() is None
                server.kill(child)
                assert process.wait(3) == 0, process.communicate()


def test_silent_smbd_of_another_share(drained):
    """All on the roster are asked: shares overlap, and nobody else knows"""
    server, drain = drained({'pkg': WITH, 'two': WITH})
    with connect(server.port, 'two') as tree:
        child = server.child_of(tree.connection)
        with stopped(child):
            done = drain.begin('pkg', '--timeout=1', expect=1)
            assert f'smbd {child} has not answered' in done.stderr


def test_smbd_with_another_database(drained):
    """Somebody has removed the file: it answers, and knows of no drain"""
    server, drain = drained()
    with connect(server.port):
        (server.base / 'state' / 'smbdrain.tdb').unlink()
        done = drain.begin('pkg', expect=1)
        assert 'could not apply the drain' in done.stderr
        assert 'cannot find the record' in done.stderr
        drain.begin('pkg', '--allow-unguarded', expect=1)
        assert drain.state('pkg') == 'arming'
    server.wait_children(0)
    with connect(server.port) as tree:
        drain.wait('pkg')
        assert tree.status_of_open(TOOL) == REFUSED


# -- connected before the module was configured

def test_client_from_before_the_module(late):
    """begin names client and remedy, and is not armed; then it is"""
    server, drain = late()
    with connect(server.port) as tree:
        tree.create(TOOL)
        _arrive(server)
        done = drain.begin('pkg', expect=1)
        child = server.child_of(tree.connection)
        assert _names_client(done, child)
        assert _advice(child) in done.stderr
        assert drain.state('pkg') == 'arming'
        server.smbcontrol(str(child), 'close-share', 'pkg')
        drain.begin('pkg')
        assert drain.state('pkg') == 'armed'
        again = tree.session.tree('pkg')
        assert again.status_of_open(TOOL) == REFUSED


def test_check_finds_what_begin_will(late):
    """The one client that has no module, in the same words; not another one,
    whose files stay open when that one is disconnected as check says"""
    server, drain = late()
    with connect(server.port) as old:
        _arrive(server)
        with connect(server.port) as new:
            handle = new.create(TOOL)
            child = server.child_of(old.connection)
            whole = drain.call('check', expect=1).stdout
            part = drain.call('check', 'pkg/app', expect=1).stderr
            for said in whole, part:
                assert len(re.findall(r'client \S+ \(smbd', said)) == 1
                assert f'(smbd {child}) is connected to share pkg' in said
                assert _advice(child) in said
            assert drain.records() == {}
            begun = drain.begin('pkg', expect=1).stderr
            found, = re.findall(r'client .* connects again', begun)
            assert found in whole and found in part
            server.smbcontrol(str(child), 'close-share', 'pkg')
            wait_until(lambda: drain.call('check', expect=None).returncode
                       == 0, 20, 'all to be well')
            assert handle.read() == b'MZ'
            drain.wait('pkg', '--timeout=1', expect=124)


def test_check_of_clients_elsewhere(late):
    """Who is connected to a share that nobody drains is no problem"""
    server, drain = late()
    with connect(server.port, 'other'):
        _arrive(server)
        assert 'all is well' in drain.call('check').stdout
        with connect(server.port):
            assert drain.call('check', 'pkg').stderr == ''


def test_check_of_a_silent_smbd(drained):
    """It may guard its clients or not; it is named"""
    server, drain = drained()
    with connect(server.port) as tree:
        child = server.child_of(tree.connection)
        with stopped(child):
            done = drain.call('check', expect=1)
            assert f'problem: smbd {child} has not answered' in done.stdout
            assert 'client' not in done.stdout
        assert 'all is well' in drain.call('check').stdout


def test_advice_can_be_copied(drained):
    """A share whose name has a blank; it has no module, now or later"""
    server, drain = drained()
    server.set_share('by side', {'path': server.share_path('pkg')})
    server.reload()
    with connect(server.port, 'by side') as tree:
        child = server.child_of(tree.connection)
        assert _advice(child, "'by side'", module=False) in (
            drain.begin('pkg', expect=1).stderr)
        assert _advice(child, "'by side'", module=False) in (
            drain.call('check', expect=1).stdout)


def test_old_tree_beside_a_guarded_one(late):
    """One smbd, one client: its old connection is not covered by a new one"""
    server, drain = late()
    with connect(server.port) as old:
        _arrive(server)
        new = old.session.tree('pkg')
        done = drain.begin('pkg', expect=1)
        assert 'without the module' in done.stderr
        assert new.status_of_open(TOOL) == REFUSED
        old.disconnect()
        drain.wait('pkg')
        assert new.status_of_open(TOOL) == REFUSED


def test_allow_unguarded(late):
    """It goes on with a warning; those handles count, and nobody is refused"""
    server, drain = late()
    server.put('pkg', 'app/other.exe', b'MZ')
    with connect(server.port) as old, connect(server.port) as away:
        handle = old.create(TOOL)
        _arrive(server)
        with connect(server.port) as new:
            done = drain.begin('pkg', '--allow-unguarded')
            assert 'connected to share pkg without the module' in done.stderr
            assert 'are not refused' in done.stderr
            assert drain.state('pkg') == 'armed'
            assert new.status_of_open(TOOL) == REFUSED
            assert away.status_of_open(TOOL) == OPEN
            holders = drain.holders('pkg')
            assert [h['unguarded'] for h in holders] == [True]
            assert drain.call('holders', 'pkg').stdout.endswith('  unguarded\n')
            drain.wait('pkg', '--timeout=1', expect=124)
            waiter = drain.start('wait', 'pkg')
            with ended(waiter):
                time.sleep(0.3)
                again = away.create('app/other.exe')
                handle.close()
                time.sleep(0.3)
                assert waiter.poll() is None
                again.close()
                assert waiter.wait(8) == 0


@pytest.mark.parametrize('verb', [('begin',), ('run', '--', 'true')],
                         ids=lambda verb: verb[0])
def test_allow_unguarded_after_all(late, verb):
    """Who is told what is in the way may go on with the option"""
    server, drain = late()
    with connect(server.port):
        _arrive(server)
        drain.begin('pkg', '--reason=first', expect=1)
        assert drain.state('pkg') == 'arming'
        done = drain.call(verb[0], 'pkg', '--allow-unguarded', *verb[1:])
        assert 'are not refused' in done.stderr
        if verb[0] == 'begin':
            record, = drain.status('pkg')['drains']
            assert record['is_armed'] and record['allow_unguarded']
            assert record['reason'] == 'first'


def test_unguarded_handle_in_a_guarded_smbd(late):
    """One smbd has both kinds of connections; the handle still blocks"""
    server, drain = late()
    with connect(server.port) as old:
        handle = old.create(TOOL)
        _arrive(server)
        old.session.tree('pkg')
        drain.begin('pkg', '--allow-unguarded')
        holders = drain.holders('pkg')
        assert [h['unguarded'] for h in holders] == [True]
        drain.wait('pkg', '--timeout=1', expect=124)
        handle.close()
        drain.wait('pkg', '--timeout=5')


# -- clients that connect while begin looks

CONNECTING = 16     # clients that connect again and again


@contextmanager
def _connecting(server):
    """Clients that connect to the tree in a loop; yields {client: number}"""
    made, stop = Counter(), threading.Event()

    def connect_on(number):
        with connect(server.port) as tree:
            while not stop.is_set():
                tree.session.tree('pkg').disconnect()
                made[number] += 1

    with ThreadPoolExecutor(CONNECTING) as pool:
        clients = [pool.submit(connect_on, number)
                   for number in range(CONNECTING)]
        try:
            yield made
        finally:
            stop.set()
        for client in clients:
            client.result(30)


def test_clients_that_connect_on_and_on(drained):
    """Whoever connects after smb.conf was read is no obstacle"""
    server, drain = drained()
    with _connecting(server) as made:
        wait_until(lambda: len(made) == CONNECTING, 20, 'clients')
        for _ in range(5):
            before = made.total()
            drain.begin('pkg')
            drain.resume('pkg')
            assert made.total() > before


# -- a share without the module

def test_share_without_the_module(drained):
    """Over the same tree: it is named, connected to or not"""
    server, drain = drained()
    server.set_share('side', {'path': server.share_path('pkg') / 'app'})
    server.reload()
    done = drain.begin('pkg', expect=1)
    assert 'share side' in done.stderr and 'client' not in done.stderr
    assert drain.state('pkg') == 'arming'
    with connect(server.port, 'side') as tree:
        done = drain.begin('pkg', expect=1)
        child = server.child_of(tree.connection)
        assert _names_client(done, child)
        assert tree.status_of_open('tool.exe') == OPEN
    server.wait_children(0)
    _arrive(server, 'side')
    drain.begin('pkg')
    with connect(server.port, 'side') as tree:
        assert tree.status_of_open('tool.exe') == REFUSED


def test_share_elsewhere_does_not_matter(drained):
    """Nor its clients, nor a sibling directory with the same beginning"""
    server, drain = drained()
    server.put('pkg', 'app2/file')
    server.set_share('side', {'path': server.share_path('pkg') / 'app2'})
    server.reload()
    with connect(server.port, 'side') as tree:
        handle = tree.create('file')
        drain.begin('pkg/app', '--wait')
        drain.resume('pkg/app')
        handle.close()


def test_share_that_smb_conf_has_no_more(drained):
    """Its clients stay connected; nobody knows where that leads"""
    server, drain = drained()
    server.set_share('gone', {'path': server.share_path('pkg')})
    server.reload()
    with connect(server.port, 'gone'):
        server.remove_share('gone')
        server.reload()
        done = drain.begin('pkg', expect=1)
        assert 'share gone that is no longer in smb.conf' in done.stderr
        server.smbcontrol('smbd', 'close-share', 'gone')
        drain.wait('pkg')


# -- smbds that have not read smb.conf again

def test_smbd_that_has_not_read_smb_conf(late):
    """The file has the module, the smbd does not know: nothing is granted

    smbd looks at smb.conf every three minutes, or when it is told to. Who
    begins a drain in between must not be left with an open share.
    """
    server, drain = late()
    with connect(server.port, 'other') as other:
        server.set_share('pkg', WITH)
        drain.begin('pkg')
        tree = other.session.tree('pkg')
        assert tree.status_of_open(TOOL) == REFUSED


def test_module_is_taken_away_again(drained):
    """Who connects then is not guarded, and wait says so after that one"""
    server, drain = drained()
    with connect(server.port) as holder:
        holder.create(TOOL)
        drain.begin('pkg/app')
        server.set_share('pkg', WITHOUT)
        server.reload()
        waiter = drain.start('wait', 'pkg/app')
        with ended(waiter):
            time.sleep(0.2)
            with connect(server.port) as tree:
                handle = tree.create(TOOL)
                holder.connection.drop()
                wait_until(lambda: len(server.children()) == 1, 5, 'drop')
                time.sleep(0.5)
                assert drain.state('pkg/app') == 'armed'
                handle.close()
                assert waiter.wait(8) == 1
                assert 'share pkg (' in waiter.stderr.read()
