"""run --publish: begin, wait, publish and resume by one process, so that opens
that wait do so for the exchange alone."""

import contextlib
import os
import shutil
import signal
import subprocess

import pytest

from lib.drain import complaint, ended
from lib.faults import injected
from lib.memcheck import SLOWNESS
from lib.publish import Package
from lib.smb2 import NtStatus, connect
from lib.waiting import HOLD, waits

MODULE = {'vfs objects': 'drain'}


@pytest.fixture(name='package')
def _package(drained):
    return Package(*drained({'pkg': MODULE}))


def words(package, *options):
    """Of the command line"""
    return 'run', package.target, f'--publish={package.new}', *options


def run(package, *options, **keywords):
    """To its end"""
    return package.drain.call(*words(package, *options), **keywords)


def failed(package, *options, **keywords):
    """The one line with which it fails; the old version is served"""
    done = run(package, *options, expect=125, **keywords)
    assert done.stdout == ''
    assert package.version() == 'old'
    assert package.drain.state(package.target) == 'open'
    return complaint(done)


@contextlib.contextmanager
def waiting(package, *options):
    """One that waits for the last holder: its process, and who holds"""
    with connect(package.server.port) as tree:
        handle = tree.create('app/tool.exe')
        process = package.drain.start(*words(package, *options))
        with ended(process):
            package.drain.wait_for_state(package.target, 'armed')
            yield process, handle


def test_published(package):
    """The old version is where the new one was, and the drain has ended"""
    done = run(package)
    assert done.stdout == (f'{package.target} is published; the old version '
                           f'is in {package.new}\n')
    assert done.stderr == ''
    assert package.version() == 'new'
    assert package.version(package.new) == 'old'
    assert package.drain.state(package.target) == 'open'


def test_open_that_waits_gets_the_new_version(package):
    """With --new-opens=hold nobody is told anything"""
    with waiting(package, HOLD) as (process, handle), \
            connect(package.server.port) as other:
        request = other.create_nowait('app/tool.exe')
        assert waits(request)
        assert handle.read() == b'old'
        handle.close()
        assert request.wait(20).read() == b'new'
        assert process.wait(20) == 0


def test_rights_of_the_last_moment(package):
    """What was changed on the old directory while it waited is kept"""
    with waiting(package) as (process, handle):
        assert package.new.stat().st_mode & 0o7777 == 0o755
        package.path.chmod(0o2775)
        os.chown(package.path, 4711, 4712)
        os.setxattr(package.path, 'user.test', b'late')
        handle.close()
        assert process.wait(20) == 0
    state = package.path.stat()
    assert (state.st_mode & 0o7777, state.st_uid, state.st_gid) == (
        0o2775, 4711, 4712)
    assert os.getxattr(package.path, 'user.test') == b'late'


def killed_at(drain, call, number, *words):
    """kill -9 as it begins that system call for the time `number`"""
    done = subprocess.run(
        injected(f'{call}:signal=KILL:when={number}', *drain.command(*words)),
        check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


def test_prepared_before_users_are_kept_out(package):
    """There is no drain yet while all goes to disk"""
    killed_at(package.drain, 'syncfs', 1, *words(package))
    assert package.drain.state(package.target) == 'open'
    assert package.version() == 'old'
    run(package)


def test_whole_share(drained):
    """Entry by entry; nothing is left of it"""
    server, drain = drained({'pkg': MODULE})
    server.put('pkg', 'old/file')
    new = server.base / 'new'
    (new / 'new').mkdir(parents=True)
    drain.call('run', 'pkg', f'--publish={new}')
    assert os.listdir(server.share_path('pkg')) == ['new']
    assert os.listdir(new) == ['old']
    assert drain.state('pkg') == 'open'


def test_whole_share_killed(drained):
    """It stays drained; --continue goes on"""
    server, drain = drained({'pkg': MODULE})
    new = server.base / 'new'
    for name in 'abc':
        server.put('pkg', f'{name}/file', b'old')
        (new / name).mkdir(parents=True)
        (new / name / 'file').write_text('new')
    killed_at(drain, 'renameat2', 3, 'run', 'pkg', f'--publish={new}')
    assert drain.status('pkg')['drains'][0]['publishing'] == str(new)
    drain.call('run', 'pkg', f'--publish={new}', '--continue')
    for name in 'abc':
        path = server.share_path('pkg') / name / 'file'
        assert path.read_text() == 'new'
    assert drain.state('pkg') == 'open'


def test_link(drained):
    """The link leads to the new release"""
    server, drain = drained({'pkg': MODULE})
    server.put('pkg', 'release-1/tool.exe', b'1')
    server.put('pkg', 'release-2/tool.exe', b'2')
    root = server.share_path('pkg')
    (root / 'current').symlink_to('release-1')
    with connect(server.port) as tree:
        drain.call('run', 'pkg/current', f'--publish={root}/release-2')
        assert tree.create('current/tool.exe').read() == b'2'
    assert os.readlink(root / 'current') == 'release-2'


# -- what goes wrong

def test_it_could_not_work(package):
    """Nobody is kept out for that"""
    shutil.rmtree(package.new)
    with connect(package.server.port) as tree:
        handle = tree.create('app/tool.exe')
        assert str(package.new) in failed(package)
        handle.close()


def test_replaced_while_it_waits(package):
    """By somebody else; then it opens again what is there"""
    with waiting(package) as (process, handle):
        package.new.rename(package.new.with_name('gone'))
        package.write(package.new, 'other')
        handle.close()
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 125
        assert 'another process has replaced it' in errors
    assert package.version() == 'old'
    assert package.drain.state(package.target) == 'open'


def test_kept_on_failure(package):
    """If that is asked for"""
    with waiting(package, '--on-failure=keep') as (process, handle):
        shutil.rmtree(package.new)
        handle.close()
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 125
        assert (f'the publish failed; {package.target} stays drained'
                in errors)
        assert package.drain.state(package.target) == 'quiescent'
        assert (handle.tree.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)


def test_interrupted_while_it_waits(package):
    """It leaves no trace"""
    with waiting(package) as (process, handle):
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 125
        assert errors == (
            f'smbdrain: interrupted; {package.target} is open again\n')
        handle.close()
    assert package.version() == 'old'
    assert package.drain.state(package.target) == 'open'


def test_killed_before_the_exchange(package):
    """It stays drained, wholly old; the same again with --continue does it"""
    killed_at(package.drain, 'renameat2', 1, *words(package))
    assert package.version() == 'old'
    assert package.drain.state(package.target) == 'quiescent'
    run(package, '--continue')
    assert package.version() == 'new'
    assert package.drain.state(package.target) == 'open'


def test_not_resumed_meanwhile(package):
    """As while a command runs"""
    process = subprocess.Popen(injected(
        f'renameat2:delay_enter={3000000 * SLOWNESS}:when=1',
        *package.drain.command(*words(package))))
    with ended(process):
        package.drain.wait_for_state(package.target, 'quiescent')
        done = package.drain.resume(package.target, expect=1)
        assert 'is working on it' in complaint(done)
        assert process.wait(20 * SLOWNESS) == 0
    assert package.version() == 'new'


@pytest.mark.parametrize('more, text', [
    (['--', 'true'], 'both --publish and a command'),
    (['--undo'], 'cannot use --undo with run'),
    (['extra'], 'one argument too many')])
def test_usage(package, more, text):
    """Nothing begins"""
    assert text in failed(package, *more)
