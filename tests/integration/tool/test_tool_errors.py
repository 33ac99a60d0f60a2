"""What can be wrong with shares, targets and the machine: each is told in one
line that names the thing, and nothing is lost or left half done."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest

from lib.drain import Drain, as_nobody, complaint
from lib.smb2 import NtStatus, connect
from lib.smbd import PrivateSmbd, wait_until

MODULE = {'vfs objects': 'drain'}


@pytest.fixture(name='shared', scope='module')
def _shared():
    """A server with a share for each thing that can be wrong with one"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('errors', {
            'pkg': MODULE, 'plain': {}, 'gone': MODULE,
            'homes': {**MODULE, 'path': None},
            'profile': {**MODULE, 'path': None}}) as server:
        server.put('pkg', 'app/tool.exe', b'MZ')
        server.put('plain', 'app/file', b'')
        (server.base / 'elsewhere' / 'inner').mkdir(parents=True)
        (server.share_path('pkg') / 'away').symlink_to(
            server.base / 'elsewhere')
        (server.share_path('pkg') / 'loop').symlink_to('loop')
        (server.share_path('pkg') / 'inside').symlink_to('app')
        server.share_path('gone').rmdir()
        server.shares['homes'].pop('path')
        server.shares['profile']['path'] = '/srv/%U/data'
        server.write_conf()
        server.reload()
        yield server, Drain(server)


def refused(drain, target, verb='begin'):
    """The line with which a verb refuses a target, and nothing was begun"""
    words = ('--', 'true') if verb == 'run' else ()
    done = drain.call(verb, target, *words,
                      expect=125 if verb == 'run' else 1)
    assert done.stdout == ''
    assert drain.status()['drains'] == []
    return complaint(done)


# -- shares and paths

@pytest.mark.parametrize('verb', ['begin', 'run', 'wait', 'resume', 'status',
                                  'holders'])
def test_unknown_share(shared, verb):
    """The share is named, and those that there are"""
    _, drain = shared
    assert refused(drain, 'nosuch/app', verb).startswith(
        'cannot find share nosuch: smb.conf has no share of that name; '
        'shares with the module are ')


def test_unknown_share_of_monitor(shared):
    """monitor does not wait for ever for what cannot come"""
    _, drain = shared
    done = drain.call('monitor', 'nosuch', expect=1, timeout=3)
    assert 'nosuch' in complaint(done)


def test_share_without_module(shared):
    """It says what to add to smb.conf, and what more to do"""
    _, drain = shared
    text = refused(drain, 'plain/app')
    assert 'vfs objects = drain' in text and 'close-share plain' in text


def test_homes(shared):
    """[homes] is no place"""
    _, drain = shared
    assert '[homes]' in refused(drain, 'homes')


def test_path_that_varies(shared):
    """Nor is a path that is another one for each user"""
    _, drain = shared
    assert '%U' in refused(drain, 'profile')


@pytest.mark.parametrize('verb', ['begin', 'run', 'status', 'holders'])
def test_no_such_directory(shared, verb):
    """The path and the reason"""
    server, drain = shared
    text = refused(drain, 'pkg/nosuch/dir', verb)
    assert '%s/nosuch/dir' % server.share_path('pkg') in text
    assert 'No such file' in text


def test_file_as_target(shared):
    """Only directories are drained"""
    _, drain = shared
    text = refused(drain, 'pkg/app/tool.exe')
    assert 'not a directory' in text and 'tool.exe' in text


def test_file_on_the_way(shared):
    """A file cannot be gone through"""
    _, drain = shared
    assert 'Not a directory' in refused(drain, 'pkg/app/tool.exe/x')


@pytest.mark.parametrize('target', ['pkg/away', 'pkg/away/inner'])
def test_link_out_of_the_share(shared, target):
    """A link that leads out of the share is named with where it leads"""
    server, drain = shared
    text = refused(drain, target)
    assert f'{server.base}/elsewhere' in text and 'outside' in text


def test_link_to_itself(shared):
    """A loop of links"""
    _, drain = shared
    assert 'symbolic links' in refused(drain, 'pkg/loop')


def test_link_inside_the_share(shared):
    """A link that stays in the share is the directory that it names"""
    server, drain = shared
    drain.begin('pkg/inside')
    with connect(server.port) as tree:
        assert (tree.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
    drain.resume('pkg/app')


def test_share_root_is_missing(shared):
    """The path of the share and why it is not there"""
    server, drain = shared
    text = refused(drain, 'gone')
    assert str(server.share_path('gone')) in text and 'No such file' in text


def test_share_root_is_missing_and_another_one_is_odd(smbd):
    """The reason is that of this share, not of one that comes after it"""
    server = smbd({'pkg': MODULE, 'gone': MODULE, 'odd': MODULE})
    server.share_path('gone').rmdir()
    server.put('pkg', 'file', b'')
    server.shares['odd']['path'] = server.share_path('pkg') / 'file' / 'x'
    server.write_conf()
    assert 'No such file' in refused(Drain(server), 'gone')


def test_name_with_control_characters(shared):
    """What a person typed comes back readable, on one line"""
    _, drain = shared
    text = refused(drain, 'pkg/a\x1b[31m\nb')
    assert '\\x1b' in text and '\\x0a' in text and '\x1b' not in text


def test_sibling_that_varies(drained):
    """A share without the module that may be the target: not armed"""
    server, drain = drained()
    server.set_share('plain', {})
    server.shares['plain']['path'] = server.base / 'shares' / 'p%U'
    server.write_conf()
    server.reload()
    done = drain.begin('pkg', expect=1)
    assert 'share plain' in done.stderr
    assert drain.state('pkg') == 'arming'


# -- drains in force and not

def test_already_in_force(drained):
    """The line says since when, by whom, why, and how to end it"""
    _, drain = drained()
    drain.begin('pkg/app', '--reason=monthly update')
    text = complaint(drain.begin('pkg/app', expect=1))
    for word in ('pkg/app', 'armed', 'root@', 'monthly update',
                 'smbdrain resume pkg/app'):
        assert word in text
    assert len(drain.status()['drains']) == 1


def test_already_in_force_through_another_share(drained):
    """The same place by another name is the same drain"""
    server, drain = drained()
    server.set_share('alias', {**MODULE,
                               'path': server.share_path('pkg') / 'app'})
    drain.begin('pkg/app')
    text = complaint(drain.begin('alias', expect=1))
    assert 'pkg/app: it is already armed' in text
    assert drain.state('alias') == 'armed'
    assert 'pkg/app is open' in drain.resume('alias').stdout


def test_already_in_force_in_other_case(drained):
    """The share ignores case, and so does the target"""
    _, drain = drained()
    drain.begin('pkg/app')
    assert 'already' in complaint(drain.begin('PKG/App', expect=1))
    drain.resume('Pkg/APP')


def test_run_where_one_is_in_force(drained):
    """run says how to take it over, does nothing, and leaves it there"""
    _, drain = drained()
    drain.begin('pkg/app')
    done = drain.run('pkg/app', 'echo', 'ran', expect=125)
    assert 'already' in done.stderr and '--continue' in done.stderr
    assert done.stdout == ''
    assert drain.state('pkg/app') == 'armed'


@pytest.mark.parametrize('verb', ['wait', 'resume'])
def test_not_in_force(shared, verb):
    """There is nothing to wait for or to end"""
    _, drain = shared
    assert 'pkg/app: no drain' in refused(drain, 'pkg/app', verb)


def test_resume_of_a_place_inside_a_drain(drained):
    """A part of what drains is no drain"""
    _, drain = drained()
    drain.begin('pkg')
    assert 'pkg/app' in complaint(drain.resume('pkg/app', expect=1))
    assert drain.state('pkg') == 'armed'


def test_resume_all_with_none(shared):
    """--all of nothing is no error"""
    _, drain = shared
    done = drain.call('resume', '--all')
    assert 'no drain' in done.stdout and done.stderr == ''


def test_resume_all(drained):
    """--all ends each of them and says so"""
    _, drain = drained()
    drain.begin('pkg/app')
    drain.begin('pkg/other')
    said = drain.call('resume', '--all').stdout
    assert 'pkg/app is open' in said and 'pkg/other is open' in said
    assert drain.status()['drains'] == []


@pytest.mark.parametrize('verb', ['status', 'resume'])
def test_share_gone_from_smb_conf(drained, verb):
    """A drain whose share is no more can be seen and ended"""
    server, drain = drained()
    drain.begin('pkg/app')
    server.set_share('other', {})
    server.remove_share('pkg')
    if verb == 'status':
        assert drain.state('pkg/app') == 'armed'
    drain.resume('pkg/app')
    assert drain.status()['drains'] == []


def test_wait_when_the_share_is_gone(drained):
    """Nor does its waiter mind"""
    server, drain = drained()
    drain.begin('pkg/app')
    server.set_share('other', {})
    server.remove_share('pkg')
    assert 'quiescent' in drain.wait('pkg/app', '--timeout=10').stdout


def test_resume_when_the_directory_is_gone(drained):
    """A drain whose directory is no more can be ended"""
    server, drain = drained()
    drain.begin('pkg/app')
    shutil.rmtree(server.share_path('pkg') / 'app')
    assert drain.state('pkg/app') == 'armed'
    drain.resume('pkg/app')
    assert drain.status()['drains'] == []


# -- the machine

def test_smb_conf_missing(shared, tmp_path):
    """The file is named"""
    _, drain = shared
    name = str(tmp_path / 'nosuch.conf')
    done = subprocess.run([drain.program, '-s', name, 'status'], text=True,
                          capture_output=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == ''
    assert name in complaint(done)


def test_smb_conf_is_a_directory(shared, tmp_path):
    """It is no empty configuration, with no drain in force"""
    _, drain = shared
    done = subprocess.run([drain.program, '-s', tmp_path, 'status'], text=True,
                          capture_output=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == ''
    assert f'cannot read {tmp_path}: Is a directory' in complaint(done)


def test_smb_conf_missing_for_run(shared, tmp_path):
    """As for the others, with the status of run"""
    _, drain = shared
    name = str(tmp_path / 'nosuch.conf')
    done = subprocess.run(
        [drain.program, '-s', name, 'run', 'pkg', '--', 'echo', 'ran'],
        text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 125 and done.stdout == ''


def tool_as_nobody(drain, tmp_path, *words):
    """smbdrain by a user without rights"""
    program = shutil.copy(drain.program, tmp_path)
    return as_nobody(program, '-s', drain.server.conf, *words)


@pytest.mark.parametrize('words', [
    'begin pkg/app', 'wait pkg/app', 'resume pkg/app', 'resume --all',
    'holders pkg/app', 'status', 'monitor', 'top', 'close pkg/app',
    'publish pkg/app /tmp', 'check'])
def test_not_root(shared, tmp_path, words):
    """Only root speaks on the bus"""
    _, drain = shared
    done = tool_as_nobody(drain, tmp_path, *words.split())
    assert done.returncode == 1 and done.stdout == ''
    assert 'only root' in complaint(done)
    assert drain.status()['drains'] == []


def test_not_root_for_run(shared, tmp_path):
    """As for the others, with the status of run; the command does not run"""
    _, drain = shared
    done = tool_as_nobody(drain, tmp_path, 'run', 'pkg/app', '--', 'echo', 'ran')
    assert done.returncode == 125 and done.stdout == ''
    assert 'only root' in complaint(done)


def test_not_root_and_smb_conf_unreadable(shared, tmp_path):
    """One line as well"""
    server, drain = shared
    os.chmod(server.conf, 0o600)
    try:
        done = tool_as_nobody(drain, tmp_path, 'status')
    finally:
        os.chmod(server.conf, 0o644)
    assert done.returncode == 1
    assert complaint(done)


@pytest.fixture(name='stopped')
def _stopped(drained):
    """A server that has drained pkg/other and stopped since"""
    server, drain = drained()
    drain.begin('pkg/other')
    server.stop()
    return server, drain


@pytest.mark.parametrize('verb', ['begin', 'run'])
def test_smbd_not_running(stopped, verb):
    """Nothing is begun that nobody obeys"""
    server, drain = stopped
    words = ('--', 'echo', 'ran') if verb == 'run' else ()
    done = drain.call(verb, 'pkg/app', *words,
                      expect=125 if verb == 'run' else 1)
    text = complaint(done)
    assert 'smbd is not running' in text and str(server.base) in text
    assert done.stdout == ''
    assert len(drain.status()['drains']) == 1


def test_status_without_smbd(stopped):
    """status shows the drains, and that smbd is not running"""
    _, drain = stopped
    assert drain.status()['smbd_running'] is False
    assert drain.state('pkg/other') == 'armed'
    assert 'smbd is not running' in drain.call('status').stdout


def test_smbd_beside_others(drained):
    """From 4.25 on Samba's table of smbds has whatever program was last to look
    at the table of open files, such as rpcd_classic"""
    server, drain = drained()
    server.run('net', 'vfs', 'getntacl', 'pkg', 'app')
    assert drain.status()['smbd_running'] is True
    drain.begin('pkg/app')


def test_wait_without_smbd(stopped):
    """Where nobody serves nobody has anything open"""
    _, drain = stopped
    drain.wait('pkg/other', '--timeout=10')
    assert drain.state('pkg/other') == 'quiescent'


def test_resume_without_smbd(stopped):
    """A drain can be ended, and the next smbd serves"""
    server, drain = stopped
    drain.resume('pkg/other')
    server.start()
    with connect(server.port) as tree:
        assert tree.status_of_open('other/data.bin') == NtStatus.SUCCESS


def test_smbd_that_does_not_answer(drained):
    """begin that cannot arm says who keeps it, and leaves it arming"""
    server, drain = drained()
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        os.kill(pid, signal.SIGSTOP)
        try:
            done = drain.begin('pkg/app', '--timeout=0.7', expect=None)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert str(pid) in done.stderr and 'has not answered' in done.stderr
        assert 'smbdrain resume' in done.stderr
        assert drain.state('pkg/app') == 'arming'
        assert done.returncode == 1
        drain.wait('pkg/app', '--timeout=10')


def test_lock_directory_missing(drained):
    """It is named; nothing else is made up in its place"""
    server, drain = drained()
    server.stop()
    shutil.rmtree(server.base / 'lock')
    server.global_options['lock directory'] = server.base / 'no' / 'lock'
    server.write_conf()
    done = drain.call('status', expect=1)
    assert str(server.base / 'no' / 'lock') in complaint(done)


def test_state_directory_missing(drained):
    """The same"""
    server, drain = drained()
    server.stop()
    server.global_options['state directory'] = server.base / 'no' / 'state'
    server.write_conf()
    done = drain.call('status', expect=1)
    assert str(server.base / 'no' / 'state') in complaint(done)


@contextlib.contextmanager
def mounted(path, *arguments):
    """A file system that goes with the block"""
    subprocess.run(['mount', *arguments, path], check=True, timeout=10)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', path], check=True, timeout=10)


def test_state_directory_read_only(drained):
    """The database that cannot be written is named"""
    server, drain = drained()
    state = server.base / 'state'
    drain.begin('pkg/other')
    with mounted(state, '--bind', state):
        subprocess.run(['mount', '-o', 'remount,bind,ro', state], check=True,
                       timeout=10)
        done = drain.begin('pkg/app', expect=1)
    drain.begin('pkg/app')
    text = complaint(done)
    assert str(state) in text and 'ead-only' in text


# -- disk full

def fill(directory):
    """Fill a file system to the last byte; returns the file that does"""
    name = directory / 'filler'
    with open(name, 'wb', buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return name


@pytest.fixture(name='small')
def _small():
    """A server whose state directory is a file system of 6 MB"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    server = PrivateSmbd('small', {'pkg': MODULE})
    with mounted(server.base / 'state', '-t', 'tmpfs', '-o',
                 'size=6m,mode=755', 'drain'):
        try:
            server.put('pkg', 'app/tool.exe', b'MZ')
            server.put('pkg', 'other/data.bin', b'')
            server.start()
            yield server, Drain(server)
            server.stop()
            server.check_logs()
        finally:
            server.stop()
    server.close()


def begin_until_full(drain, targets, reason):
    """Begin drains until one fails; returns that call and what succeeded"""
    begun = []
    for target in targets:
        done = drain.begin(target, '--reason=%s' % reason, expect=None)
        if done.returncode != 0:
            return done, begun
        begun.append(target)
    pytest.fail('the disk never was full')
    return None


def test_disk_full(small):
    """begin fails; what was there stays, no half record; when there is room
    again it works"""
    server, drain = small
    drain.begin('pkg/other')
    for number in range(20):
        server.put('pkg', 'd%d/file' % number, b'')
    filler = fill(server.base / 'state')
    done, begun = begin_until_full(
        drain, ['pkg/d%d' % number for number in range(20)], 'x' * 4000)
    assert done.returncode == 1 and 'smbdrain.tdb' in done.stderr

    status = drain.status()
    assert status['unreadable_records'] == 0
    assert (sorted(one['target'] for one in status['drains'])
            == sorted(['pkg/other', *begun]))
    with connect(server.port) as tree:
        assert (tree.status_of_open('other/data.bin') ==
                NtStatus.SHARING_VIOLATION)
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS

    filler.unlink()
    drain.begin('pkg/app')
    drain.call('resume', '--all')


def test_disk_full_says_so(small):
    """One line, that names the reason: not a corrupt database"""
    server, drain = small
    drain.begin('pkg/other')
    for number in range(20):
        server.put('pkg', 'd%d/file' % number, b'')
    fill(server.base / 'state')
    done, _ = begin_until_full(
        drain, ['pkg/d%d' % number for number in range(20)], 'x' * 4000)
    text = complaint(done)
    assert 'smbdrain.tdb' in text and 'CORRUPT' not in text


def test_disk_full_before_the_first_drain(small):
    """The database cannot even be made: one line, and the reason"""
    server, drain = small
    filler = fill(server.base / 'state')
    done = drain.begin('pkg/app', expect=1)
    filler.unlink()
    drain.begin('pkg/app')
    text = complaint(done)
    assert str(server.base / 'state') in text and 'No space' in text


def make_sparse(server):
    """A database with holes, as a backup may bring it back: what is there
    needs room when it is written, and so does all on btrfs"""
    database = server.base / 'state' / 'smbdrain.tdb'
    server.stop()
    subprocess.run(['cp', '--sparse=always', database, f'{database}.new'],
                   check=True, timeout=10)
    os.rename(f'{database}.new', database)
    stat = database.stat()
    assert stat.st_blocks * 512 < stat.st_size
    server.start()


def test_disk_full_and_database_sparse(small):
    """Neither smbdrain nor smbd dies of it (SIGBUS); both say why"""
    server, drain = small
    drain.begin('pkg/other')
    make_sparse(server)
    with connect(server.port) as tree:
        filler = fill(server.base / 'state')
        done = drain.begin('pkg/app', expect=1)
        assert 'is the disk full?' in complaint(done)
        server.smbcontrol('smbd', 'close-share', 'drain:pkg/app')
        wait_until(lambda: 'smbcontrol close-share drain:' in server.logs(),
                   10, 'what smbd has to say of it')
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
        assert (tree.status_of_open('other/data.bin') ==
                NtStatus.SHARING_VIOLATION)
        filler.unlink()
        drain.begin('pkg/app')


def test_resume_on_a_full_disk(small):
    """What is closed can be opened when the disk is full"""
    server, drain = small
    drain.begin('pkg/app')
    fill(server.base / 'state')
    drain.resume('pkg/app')
    with connect(server.port) as tree:
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS


def test_run_on_a_full_disk(small):
    """run fails before its command, and leaves no drain of its own"""
    server, drain = small
    drain.begin('pkg/other')
    fill(server.base / 'state')
    done = drain.run('pkg/app', 'echo', 'ran', expect=125,
                     options=['--reason=%s' % ('x' * 100000)])
    assert done.stdout == ''
    assert drain.state('pkg/app') == 'open'


def test_timeout_is_bounded(drained):
    """A wait that times out does so in time, with 124 and who holds what"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        start = time.monotonic()
        done = drain.wait('pkg/app', '--timeout=0.5', expect=124)
        assert time.monotonic() - start < 3
        assert 'tool.exe' in done.stderr and '127.0.0.1' in done.stderr


def test_resume_of_one_that_is_over(drained):
    """With --id another drain of the same target is left alone"""
    _, drain = drained()
    drain.begin('pkg/app')
    first = drain.status('pkg/app')['drains'][0]['id']
    drain.resume('pkg/app', f'--id={first}')
    drain.begin('pkg/app')
    done = drain.resume('pkg/app', f'--id={first}', expect=1)
    assert first in complaint(done)
    assert drain.state('pkg/app') == 'armed'
    assert '--id' in complaint(drain.call('resume', '--all', '--id=x',
                                          expect=2))
