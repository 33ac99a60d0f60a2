"""smbcontrol smbd close-share drain:TARGET, and resume:TARGET."""

import contextlib
import signal
import subprocess

import pytest

from lib.drain import Monitor, send_messages, stopped
from lib.faults import injected, owned_at_first
from lib.smb2 import NtStatus, SmbError, connect
from lib.smbd import wait_until
from lib.waiting import waits

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION
MSG_SMB_FORCE_TDIS = 0x0302


def ask(server, word, target='pkg/app'):
    """Send it, and wait until all smbds have read it"""
    server.smbcontrol('smbd', 'close-share', f'{word}:{target}')
    server.smbcontrol('smbd', 'ping')
    for pid in server.children():
        server.smbcontrol(pid, 'ping')


@contextlib.contextmanager
def clients(server, number, share='pkg'):
    """So many, each with an smbd"""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(server.port, share))
               for _ in range(number)]


def only_drain(drain):
    """What status says of the one that is in force"""
    drains = drain.status()['drains']
    assert len(drains) == 1
    return drains[0]


def test_begin_and_end(drained):
    """Who has files open goes on, the rest is refused, until resume"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        ask(server, 'drain')
        assert drain.state('pkg/app') == 'arming'
        assert tree.status_of_open('app/tool.exe') == REFUSED
        assert tree.status_of_open('other/data.bin') == GRANTED
        assert handle.read(0, 2) == b'MZ'
        ask(server, 'resume')
        assert drain.state('pkg/app') == 'open'
        assert tree.status_of_open('app/tool.exe') == GRANTED
        assert handle.read(0, 2) == b'MZ'


def test_tool_completes_it(drained):
    """wait arms it, and waits for the holders"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        ask(server, 'drain')
        drain.wait('pkg/app', '--timeout=0.3', expect=124)
        assert drain.state('pkg/app') == 'armed'
        handle.close()
        drain.wait('pkg/app')
        assert tree.status_of_open('app/tool.exe') == REFUSED
        ask(server, 'resume')
        assert drain.records() == {}
        assert tree.status_of_open('app/tool.exe') == GRANTED


def test_many_clients_one_record(drained):
    """The first smbd writes it, all obey, and nobody complains"""
    server, drain = drained()
    with clients(server, 12) as trees:
        for _ in range(3):
            ask(server, 'drain')
            assert only_drain(drain)['by'].startswith('smbcontrol')
            assert {tree.status_of_open('app/tool.exe')
                    for tree in trees} == {REFUSED}
            ask(server, 'resume')
            assert drain.records() == {}
            assert {tree.status_of_open('app/tool.exe')
                    for tree in trees} == {GRANTED}
    assert 'smbcontrol close-share' not in server.logs()


def test_another_was_there_for_a_moment(drained, preloaded):
    """Nobody is blamed who has done his work: it is done, and in silence"""
    server, drain = drained(environment=preloaded(owned_at_first(1)))
    with connect(server.port):
        ask(server, 'drain')
        ask(server, 'resume')
        assert drain.records() == {}
    assert 'smbcontrol close-share' not in server.logs()


def test_drain_in_force(drained):
    """It stays what it is, whoever began it"""
    server, drain = drained()
    with connect(server.port):
        drain.begin('pkg/app', '--reason=mine')
        before = drain.records()
        ask(server, 'drain')
        assert drain.records() == before
        ask(server, 'resume')
        assert drain.records() == {}


def test_terms_of_the_share(drained):
    """Opens wait if smb.conf says so, and resume lets them go on"""
    server, _ = drained()
    server.set_share('pkg', {'drain:new opens': 'hold'})
    server.reload()
    with connect(server.port) as tree:
        ask(server, 'drain')
        request = tree.create_nowait('app/tool.exe')
        assert waits(request)
        ask(server, 'resume')
        request.wait(10).close()


def test_later_client(drained):
    """Who comes afterwards obeys, and so does one after the writer's death"""
    server, drain = drained()
    with connect(server.port) as tree:
        ask(server, 'drain')
        server.kill(server.child_of(tree.connection))
    with connect(server.port) as late:
        assert late.status_of_open('app/tool.exe') == REFUSED
        assert drain.state('pkg/app') == 'arming'
        ask(server, 'resume')
        assert late.status_of_open('app/tool.exe') == GRANTED


def test_smbd_that_stands_still(drained):
    """It obeys when it goes on; wait does not arm without it"""
    server, drain = drained()
    with clients(server, 2) as (tree, other):
        pid = server.child_of(other.connection)
        with stopped(pid):
            server.smbcontrol('smbd', 'close-share', 'drain:pkg/app')
            wait_until(drain.records, 10, 'record')
            done = drain.wait('pkg/app', '--timeout=0.5', expect=1)
            assert f'smbd {pid} has not answered' in done.stderr
            assert tree.status_of_open('app/tool.exe') == REFUSED
        assert other.status_of_open('app/tool.exe') == REFUSED
        drain.wait('pkg/app')


def test_monitor_is_told(drained):
    """It wakes whoever watches, as the tool does"""
    server, drain = drained()
    with connect(server.port), Monitor(drain) as monitor:
        ask(server, 'drain')
        monitor.wait_for('begun', timeout=3)
        ask(server, 'resume')
        monitor.wait_for('resumed', timeout=3)


@pytest.mark.parametrize('target', ['PKG/App', 'alias'])
def test_other_names(drained, target):
    """Case is the share's, and a place may be named through another share"""
    server, drain = drained()
    server.set_share('alias', {'vfs objects': 'drain',
                               'path': server.share_path('pkg') / 'app'})
    server.reload()
    with connect(server.port) as tree:
        ask(server, 'drain')
        ask(server, 'resume', target)
        assert drain.records() == {}
        ask(server, 'drain', target)
        assert tree.status_of_open('app/tool.exe') == REFUSED


def test_share_gone_from_smb_conf(drained):
    """Its drain can be ended"""
    server, drain = drained()
    with connect(server.port, 'pkg'):
        server.set_share('gone', {'vfs objects': 'drain'})
        server.reload()
        ask(server, 'drain', 'gone')
        assert only_drain(drain)['target'] == 'gone'
        server.remove_share('gone')
        server.reload()
        ask(server, 'resume', 'gone')
        assert drain.records() == {}


def test_nobody_is_connected(drained):
    """Nothing happens: nobody is there who could do it"""
    server, drain = drained()
    ask(server, 'drain')
    assert drain.records() == {}


def test_clients_of_other_shares(drained):
    """They have nothing to do with drains"""
    server, drain = drained()
    server.set_share('plain', {})
    server.reload()
    with connect(server.port, 'plain') as tree:
        ask(server, 'drain')
        assert drain.records() == {}
        assert tree.connection.alive


@pytest.mark.parametrize('word, target, why', [
    ('drain', 'nosuch', 'smb.conf has no share of that name'),
    ('drain', 'pkg/nosuch', 'No such file or directory'),
    ('drain', 'plain', 'does not use the module'),
    ('drain', 'pkg/../..', '..'),
    ('drain', '', 'a share name is missing'),
    ('drain', 'no\x1bsuch', r'share no\x1bsuch: smb.conf has no share'),
    ('resume', 'nosuch', 'smb.conf has no share of that name'),
])
def test_what_is_wrong_is_in_the_log(drained, word, target, why):
    """One line, with the client and the words"""
    server, drain = drained()
    server.set_share('plain', {})
    server.reload()
    with connect(server.port) as tree:
        ask(server, word, target)
        lines = [line for line in server.logs().splitlines()
                 if f'smbcontrol close-share {word}: ' in line]
        assert len(lines) == 1 and why in lines[0], server.logs()
        assert 'client 127.0.0.1' in lines[0]
        assert drain.records() == {}
        assert tree.status_of_open('app/tool.exe') == GRANTED


def test_resume_while_a_command_runs(drained):
    """It is refused, as smbdrain resume is without --force"""
    server, drain = drained()
    with connect(server.port) as tree:
        runner = drain.start('run', 'pkg/app', '--', 'sleep', '30')
        try:
            drain.wait_for_state('pkg/app', 'quiescent')
            wait_until(lambda: any('owner' in name for name in drain.locks()),
                       10, 'command')
            ask(server, 'resume')
            assert tree.status_of_open('app/tool.exe') == REFUSED
            assert f'in use by pid {runner.pid}' in server.logs()
        finally:
            runner.terminate()
            runner.communicate(timeout=10)


def test_resume_of_half_a_publish(drained):
    """It is refused: nobody gets half of each version"""
    server, drain = drained()
    stage = server.base / 'stage'
    for name in 'app', 'new':
        (stage / name).mkdir(parents=True)
    drain.begin('pkg', '--wait')
    drain_id = only_drain(drain)['id']
    publish = drain.command('publish', 'pkg', str(stage), f'--id={drain_id}')
    done = subprocess.run(injected('renameat2:signal=KILL:when=2', *publish),
                          timeout=30, check=False)
    assert done.returncode == -signal.SIGKILL
    with connect(server.port) as tree:
        ask(server, 'resume', 'pkg')
        assert only_drain(drain)['id'] == drain_id
        assert 'a publish is not complete' in server.logs()
        assert tree.status_of_open('other/data.bin') == REFUSED


@pytest.mark.parametrize('name', ['pkg', 'PKG', '*'])
def test_close_share_as_before(drained, name):
    """What names a share is for smbd"""
    server, drain = drained()
    with connect(server.port) as tree:
        ask(server, 'drain', 'pkg/other')
        handle = tree.create('app/tool.exe')
        server.smbcontrol('smbd', 'close-share', name)
        with pytest.raises(SmbError):
            wait_until(lambda: not handle.read(0, 2), 10, 'end of the share')
        again = tree.session.tree('pkg')
        assert again.status_of_open('app/tool.exe') == GRANTED
        assert again.status_of_open('other/data.bin') == REFUSED
        assert only_drain(drain)['target'] == 'pkg/other'


@pytest.mark.parametrize('payload', [
    b'', b'drain:pkg/app', b'other:pkg/app\0', b'Drain:pkg/app\0', b'drain\0',
    b'\0', b'resume\0', b':pkg/app\0'])
def test_other_payloads(drained, payload):
    """They go on to smbd, which closes nothing of that name"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        child = server.child_of(tree.connection)
        send_messages(server, child, MSG_SMB_FORCE_TDIS, payload)
        server.smbcontrol(child, 'ping')
        assert drain.records() == {}
        assert handle.read(0, 2) == b'MZ'
