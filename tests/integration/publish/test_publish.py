"""publish: a prepared directory takes the place of a package, in one step."""

import contextlib
import json
import os
import re
import stat
import struct
import subprocess
from pathlib import Path

import pytest

from lib.drain import Started, complaint, ended
from lib.faults import injected, is_in_call
from lib.memcheck import SLOWNESS
from lib.publish import Package
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until

MODULE = {'vfs objects': 'drain'}
RUN_FAILED = 125
OPENAT2 = 437   # on all architectures
STRANGE = ['name with spaces', 'line\nbreak', 'grüße 東京', '-leading-dash',
           "quote'd \"twice\"", '$(echo no)', 'back`tick', '*?']


@pytest.fixture(name='package')
def _package(drained):
    return Package(*drained({'pkg': MODULE}))


@pytest.fixture(name='quiescent')
def _quiescent(package):
    """A package that is drained; its id is in the environment"""
    package.environment = {**os.environ, 'DRAIN_ID': package.quiesce()}
    return package


def refused(package, *options, **keywords):
    """The same, in the environment that run would give"""
    return package.refused(*options, env=package.environment, **keywords)


# -- what it is for

def test_published_by_run(package):
    """Clients read the new version afterwards; the old one is where the new
    one was"""
    done = package.drain.run(package.target,
                             *package.drain.command('publish', package.target,
                                                    str(package.new)))
    assert done.stdout == (f'{package.target} is published; the old version '
                           f'is in {package.new}\n')
    assert done.stderr == ''
    with connect(package.server.port) as tree:
        assert tree.create('app/tool.exe').read() == b'new'
        assert tree.create('app/only-new').read() == b'new'
        assert (tree.status_of_open('app/only-old') ==
                NtStatus.OBJECT_NAME_NOT_FOUND)
    assert package.version() == 'new'
    assert package.version(package.new) == 'old'


def test_connected_client_sees_it(package):
    """One that was there before, with directory handles that do not count"""
    with connect(package.server.port) as tree:
        handle = tree.create('app/tool.exe')
        assert handle.read() == b'old'
        handle.close()
        number = package.quiesce()
        package.publish(f'--id={number}')
        assert (tree.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        package.drain.resume(package.target)
        assert tree.create('app/tool.exe').read() == b'new'


def test_and_back(package):
    """The same once more is the rollback"""
    number = package.quiesce()
    for version in ('new', 'old', 'new'):
        package.publish(f'--id={number}')
        assert package.version() == version


def test_by_hand(quiescent):
    """The drain stays in force"""
    quiescent.publish(env=quiescent.environment)
    assert quiescent.version() == 'new'
    assert quiescent.drain.state(quiescent.target) == 'quiescent'


def test_id_goes_before_environment(package):
    """--id is what counts"""
    number = package.quiesce()
    package.publish(f'--id={number}',
                    env={**os.environ, 'DRAIN_ID': number[::-1]})
    assert package.version() == 'new'


def test_relative_directory(quiescent):
    """As everywhere, relative to where one is"""
    quiescent.publish(new='new', cwd=quiescent.new.parent,
                      env=quiescent.environment)
    assert quiescent.version() == 'new'


@pytest.mark.parametrize('name', STRANGE)
def test_strange_names(drained, name):
    """Of the package, the new directory, and what is in them"""
    package = Package(*drained({'pkg': MODULE}), name=name)
    new = package.new.rename(package.new.parent / name)
    (new / name).write_text('new')
    number = package.quiesce()
    done = package.publish(f'--id={number}', new=new)
    assert len(done.stdout.splitlines()) == 1
    assert (package.path / name).read_text() == 'new'
    assert package.version(new) == 'old'


def test_name_that_is_no_text(quiescent):
    """Bytes that no character set has"""
    new = os.path.join(os.fsencode(quiescent.new.parent), b'\xff\xfe')
    os.rename(quiescent.new, new)
    quiescent.publish(new=os.fsdecode(new), env=quiescent.environment)
    assert quiescent.version() == 'new'


# -- what the kernel refuses

@pytest.mark.parametrize('fault, said', [
    ('renameat2:error=EXDEV', 'they are on different file systems'),
    ('renameat2:error=EINVAL', 'cannot exchange two directories'),
    ('renameat2:error=EBUSY', 'one of them is a mount point'),
    ('renameat2:error=EROFS', ': Read-only file system'),
    ('syncfs:error=EIO', ' to disk: '),
    ('fchown:error=EPERM', ' the owner of '),
    ('fchmod:error=EPERM', ' the mode of '),
    ('flistxattr:error=EIO', ' the extended attributes of '),
    ('fsetxattr:error=ENOSPC', ' the user.one of '),
    ('fgetxattr:error=EIO', ' the user.one of '),
    ('fremovexattr:error=EPERM', ' the system.posix_acl_access of '),
])
def test_kernel_refuses(quiescent, fault, said):
    """Nothing has changed, and it says what could not be had"""
    os.chown(quiescent.path, 12, 34)
    os.setxattr(quiescent.path, 'user.one', b'1')
    done = publish_with(quiescent, fault)
    assert done.returncode == 1, done
    assert complaint(done).startswith('cannot ') and said in complaint(done)
    assert quiescent.version() == 'old'
    assert quiescent.version(quiescent.new) == 'new'
    quiescent.publish(env=quiescent.environment)


def test_not_known_to_be_on_disk(quiescent):
    """It is exchanged, and no success"""
    done = publish_with(quiescent, 'fsync:error=EIO')
    assert done.returncode == 1, done
    assert 'a power failure may undo that' in done.stderr
    assert quiescent.version() == 'new'


def publish_with(package, fault):
    """How a publish ends in which all such system calls fail"""
    return subprocess.run(
        injected(fault, *package.drain.command('publish', package.target,
                                               str(package.new))),
        env=package.environment, text=True, capture_output=True, timeout=30,
        check=False)


# -- rights

def test_rights_are_kept(quiescent):
    """Owner, group and mode of the package itself, and nothing below it"""
    os.chown(quiescent.path, 12, 34)
    quiescent.path.chmod(0o2751)
    os.chown(quiescent.new, 0, 0)
    quiescent.new.chmod(0o700)
    os.chown(quiescent.new / 'tool.exe', 56, 78)
    quiescent.publish(env=quiescent.environment)
    found = quiescent.path.stat()
    assert (found.st_uid, found.st_gid) == (12, 34)
    assert stat.S_IMODE(found.st_mode) == 0o2751
    assert (quiescent.path / 'tool.exe').stat().st_uid == 56


def test_attributes_are_kept(quiescent):
    """Windows' ACL, DOS attributes and others; others of the new one stay"""
    attributes = {'security.NTACL': b'\4\0\4\0acl', 'user.DOSATTRIB': b'\0x',
                  'user.empty': b'', 'user.long': b'x' * 3000}
    for name, value in attributes.items():
        os.setxattr(quiescent.path, name, value)
    os.setxattr(quiescent.new, 'user.empty', b'not')
    os.setxattr(quiescent.new, 'user.own', b'stays')
    quiescent.publish(env=quiescent.environment)
    for name, value in attributes.items():
        assert os.getxattr(quiescent.path, name) == value
    assert os.getxattr(quiescent.path, 'user.own') == b'stays'


def test_acl_of_the_new_one_goes(quiescent):
    """Rights that the old one does not give are not there afterwards"""
    os.setxattr(quiescent.new, 'security.NTACL', b'everybody')
    quiescent.publish(env=quiescent.environment)
    assert 'security.NTACL' not in os.listxattr(quiescent.path)


def acl(*entries):
    """A POSIX ACL as it is stored: (tag, permissions, id) each"""
    return struct.pack('<I', 2) + b''.join(
        struct.pack('<HHI', tag, permissions, number)
        for tag, permissions, number in entries)


ANY = 0xffffffff
ACCESS, DEFAULT = 'system.posix_acl_access', 'system.posix_acl_default'


def test_posix_acl_is_kept(quiescent):
    """Access and default, mask included; one that was not there goes"""
    attributes = {
        ACCESS: acl((1, 7, ANY), (2, 5, 12), (4, 5, ANY), (16, 7, ANY),
                    (32, 5, ANY)),
        DEFAULT: acl((1, 7, ANY), (2, 4, 13), (4, 5, ANY), (16, 5, ANY),
                     (32, 0, ANY))}
    for name, value in attributes.items():
        os.setxattr(quiescent.path, name, value)
    mode = quiescent.path.stat().st_mode
    quiescent.publish(env=quiescent.environment)
    assert quiescent.path.stat().st_mode == mode
    for name, value in attributes.items():
        assert os.getxattr(quiescent.path, name) == value
    os.removexattr(quiescent.path, ACCESS)
    quiescent.path.chmod(0o750)
    quiescent.publish(env=quiescent.environment)
    assert ACCESS not in os.listxattr(quiescent.path)
    assert stat.S_IMODE(quiescent.path.stat().st_mode) == 0o750


# -- who may

def test_no_id(package):
    """Who does not know the drain does not hold it"""
    package.quiesce()
    environment = {key: value for key, value in os.environ.items()
                   if key != 'DRAIN_ID'}
    assert '--id' in package.refused(expect=2, env=environment)


@pytest.mark.parametrize('number', ['', 'x', '1234', 'pkg/app'])
def test_no_such_id(package, number):
    """What is no id is quoted"""
    assert 'is not the id' in package.refused(f'--id={number}', expect=2)


def test_wrong_id(package):
    """One of a drain that is over"""
    number = package.quiesce()
    package.drain.resume(package.target)
    package.quiesce()
    assert number in package.refused(f'--id={number}')


def test_drain_of_another_target(package):
    """One of the share does not do for the package, nor the reverse"""
    package.drain.begin('pkg', '--wait')
    number = package.drain.status('pkg')['drains'][0]['id']
    text = package.refused(f'--id={number}')
    assert number in text and text.endswith('is that of pkg')


def test_not_quiescent(package):
    """While somebody has it open"""
    with connect(package.server.port) as tree:
        handle = tree.create('app/tool.exe')
        package.drain.begin(package.target)
        assert 'armed and not quiescent' in package.refused(
            f'--id={package.id()}')
        handle.close()


def slow_command(package, call, seconds):
    """The words of a publish that waits in its first such system call"""
    return injected(f'{call}:delay_enter={seconds * SLOWNESS}s:when=1',
                    *package.drain.command('publish', package.target,
                                           str(package.new)))


def slowly(package, call, seconds):
    """One in the background"""
    return Started(
        slow_command(package, call, seconds),
        env=package.environment, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE)


def is_at_work(package):
    """A publish has the lock that says so"""
    return any(name.startswith('drain/publish/')
               for name in package.drain.locks())


def wait_until_at_work(package):
    """Until it has"""
    wait_until(lambda: is_at_work(package), 10, 'the lock', interval=0.01)


def test_two_at_once(quiescent):
    """One does it, the other says who is"""
    with slowly(quiescent, 'syncfs', 2) as first, ended(first):
        wait_until_at_work(quiescent)
        assert 'another "smbdrain publish"' in refused(quiescent)
        assert first.wait(10) == 0


def test_not_resumed_meanwhile(quiescent):
    """resume has to wait until it is done"""
    with slowly(quiescent, 'syncfs', 3) as first, ended(first):
        wait_until_at_work(quiescent)
        done = quiescent.drain.resume(quiescent.target, expect=1)
        assert 'is working on it' in complaint(done)
        assert first.wait(10) == 0
    quiescent.drain.resume(quiescent.target)


@contextlib.contextmanager
def left_by_a_run(package, script):
    """A run whose command has begun a publish, and goes on beside

    The publish waits in a system call, and ends by itself.
    """
    run = package.drain.start(
        'run', package.target, '--', 'sh', '-c',
        f'"$@" >/dev/null 2>&1 & {script}', 'sh',
        *slow_command(package, 'syncfs', 3))
    with ended(run):
        wait_until_at_work(package)
        yield run
        wait_until(lambda: not is_at_work(package), 30, 'the end of publish')
    assert package.version() == 'new'
    package.drain.resume(package.target)


def test_outlives_its_run(package):
    """Which is killed, and owns the end no more"""
    server = package.server
    with left_by_a_run(package, 'wait') as run, connect(server.port):
        run.kill()
        run.wait(10)
        done = package.drain.resume(package.target, expect=1)
        assert 'is working on it' in complaint(done)
        server.smbcontrol('smbd', 'close-share', f'resume:{package.target}')
        wait_until(lambda: 'in use by pid' in server.logs(), 10, 'a word')
        assert package.drain.state(package.target) == 'quiescent'
        assert is_at_work(package) and package.version() == 'old'


def test_outlives_its_command(package):
    """The run does not resume under it"""
    come = package.server.base / 'come'
    with left_by_a_run(package, f'until [ -e {come} ]; do sleep 0.05; done'
                       ) as run:
        come.touch()
        _, err = run.communicate(timeout=10 * SLOWNESS)
        assert run.returncode == RUN_FAILED
        assert re.search(r'stays drained: process \d+ is working on it', err)
        assert is_at_work(package) and package.version() == 'old'


def test_no_lock_is_left(package):
    """Each has a key of its own, and nobody would come for it again"""
    with connect(package.server.port):
        package.drain.run(package.target, 'true')
        package.drain.call('run', package.target, f'--publish={package.new}')
        number = package.quiesce()
        package.publish(f'--id={number}')
        package.drain.resume(package.target)
        assert package.drain.locks() == {'drain/roster'}


# -- the new directory

def test_missing(quiescent):
    """It is named"""
    quiescent.new.rename(quiescent.new.parent / 'elsewhere')
    assert str(quiescent.new) in refused(quiescent)


def test_a_file(quiescent):
    """It has to be a directory"""
    file = quiescent.new / 'tool.exe'
    assert 'Not a directory' in refused(quiescent, new=file)


def test_inside_the_package(quiescent):
    """One cannot be exchanged with what it is in"""
    assert 'it is inside' in refused(quiescent, new=quiescent.path / 'bin')


def test_above_the_package(quiescent):
    """The same the other way round"""
    assert 'it contains' in refused(quiescent, new=quiescent.path.parent)


def test_the_package_itself(quiescent):
    """Through a link too"""
    link = quiescent.server.base / 'link'
    link.symlink_to(quiescent.path)
    assert 'the present version' in refused(quiescent, new=quiescent.path)
    assert 'the present version' in refused(quiescent, new=link)


def test_other_file_system(quiescent):
    """It says where to stage it"""
    other = quiescent.server.base / 'other'
    other.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', 'drain', other], check=True)
    try:
        quiescent.write(other / 'new', 'new')
        assert 'file system' in refused(quiescent, new=other / 'new')
        assert 'file system' in refused(quiescent, new=other)
        assert 'file system' in quiescent.refused('--dry-run',
                                                  new=other / 'later')
    finally:
        subprocess.run(['umount', other], check=True)


def test_bind_mount(quiescent):
    """The same file system by another mount is another one for renames"""
    other = quiescent.server.base / 'other'
    other.mkdir()
    subprocess.run(['mount', '--bind', quiescent.new.parent, other],
                   check=True)
    try:
        assert 'mount' in refused(quiescent, new=other / 'new')
    finally:
        subprocess.run(['umount', other], check=True)


@pytest.fixture(name='disk')
def _disk(tmp_path):
    """A small file system of its own"""
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1M,mode=755', 'drain',
                    tmp_path], check=True)
    yield tmp_path
    subprocess.run(['umount', '-l', tmp_path], check=True)


def test_read_only(disk, drained):
    """Found before anything is changed, by --dry-run too"""
    package = Package(*drained({'pkg': {**MODULE, 'path': disk / 'pkg'}}))
    new = disk / 'new'
    package.write(new, 'new')
    number = package.quiesce()
    subprocess.run(['mount', '-o', 'remount,ro', disk], check=True)
    for option in (f'--id={number}', '--dry-run'):
        assert 'Read-only file system' in package.refused(option, new=new)


# -- the place of the old version

def test_served(quiescent):
    """In the share itself: it says what to do"""
    new = quiescent.new.rename(quiescent.path.parent / 'app.new')
    text = refused(quiescent, new=new)
    assert 'pkg' in text and 'veto files' in text


def test_served_by_another_share(drained):
    """Whether it has the module or not"""
    package = Package(*drained({'pkg': MODULE, 'stage': {}}))
    new = package.new.rename(package.server.share_path('stage') / 'new')
    number = package.quiesce()
    assert 'in share stage' in package.refused(f'--id={number}', new=new)


def test_share_inside(drained):
    """A share whose root would move away with it"""
    package = Package(*drained({'pkg': MODULE, 'inner': {}}))
    package.server.shares['inner']['path'] = package.new / 'bin'
    package.server.write_conf()
    number = package.quiesce()
    assert 'in share inner' in package.refused(f'--id={number}')


@pytest.mark.parametrize('veto, name, hidden', [
    ('/.smbdrain/', '.smbdrain', True), ('/.smb*/', '.smbdrain', True),
    ('/x/.smbdrain/y/', '.smbdrain', True), ('/.smbdrain', '.smbdrain', True),
    ('/.other/', '.smbdrain', False), ('/smbdrain/', '.smbdrain', False)])
def test_vetoed(drained, veto, name, hidden):
    """A directory in the share that its clients cannot see"""
    package = Package(*drained({'pkg': {**MODULE, 'veto files': veto}}))
    hide = package.path.parent / name
    hide.mkdir()
    new = package.new.rename(hide / 'new')
    number = package.quiesce()
    if not hidden:
        assert 'veto files' in package.refused(f'--id={number}', new=new)
        return
    package.publish(f'--id={number}', new=new)
    package.drain.resume(package.target)
    with connect(package.server.port) as tree:
        assert tree.create('app/tool.exe').read() == b'new'
        assert tree.status_of_open(name) != NtStatus.SUCCESS


@pytest.mark.parametrize('case', ['yes', 'no', 'auto'])
def test_vetoed_is_not_served(drained, case):
    """What is in such a directory is not served by its full name either"""
    server, _ = drained({'pkg': {**MODULE, 'veto files': '/.smbdrain/',
                                 'case sensitive': case}})
    server.put('pkg', '.smbdrain/new/deep/tool.exe', b'new')
    with connect(server.port) as tree:
        for name in ('', '/new', '/new/deep', '/new/deep/tool.exe'):
            assert (tree.status_of_open(f'.smbdrain{name}') !=
                    NtStatus.SUCCESS)


# -- hostile users

@pytest.fixture(name='victim')
def _victim(quiescent):
    """A directory outside of the share, of the same names"""
    victim = quiescent.server.base / 'victim'
    quiescent.write(victim / 'app', 'victim')
    yield victim
    assert quiescent.version(victim / 'app') == 'victim'
    assert quiescent.version(quiescent.new) == 'new'


def test_planted_link(quiescent, victim):
    """Where the package was a moment ago is a link now: not followed"""
    quiescent.path.rename(quiescent.server.base / 'away')
    quiescent.path.symlink_to(victim / 'app')
    complaint(quiescent.publish(env=quiescent.environment, expect=1))


def test_link_planted_in_time(drained):
    """Just between the look at the path and its use"""
    server, drain = drained({'pkg': MODULE})
    server.put('pkg', 'group/x')
    package = Package(server, drain, name='group/app')
    package.environment = {**os.environ, 'DRAIN_ID': package.quiesce()}
    victim = server.base / 'victim'
    package.write(victim / 'app', 'victim')
    with slowly(package, 'openat2', 3) as process, ended(process):
        wait_until(lambda: is_in_call(process.pid, OPENAT2), 10, 'openat2',
                   interval=0.01)
        group = package.path.parent
        group.rename(server.base / 'away')
        group.symlink_to(victim)
        _, text = process.communicate(timeout=20 * SLOWNESS)
    assert process.returncode == 1 and 'symbolic link' in text
    assert package.version(victim / 'app') == 'victim'
    assert package.version(server.base / 'away' / 'app') == 'old'
    assert package.version(package.new) == 'new'


# -- dry run

def test_dry_run(package):
    """Needs no drain, says and changes nothing"""
    done = package.publish('--dry-run')
    assert (done.stdout, done.stderr) == ('', '')
    assert package.version() == 'old'
    assert package.drain.records() == {}


@pytest.mark.parametrize('name', ['later', 'later/', './later', '-later'])
def test_dry_run_of_what_will_be(package, name):
    """Then its parent is looked at"""
    path = f'{package.new.parent}/{name}'
    assert package.publish('--dry-run', new=path).stdout == ''
    package.refused('--dry-run', new=f'{package.new.parent}/no/{name}')
    served = f'{package.path.parent}/{name}'
    assert 'veto' in package.refused('--dry-run', new=served)


# -- words

@pytest.mark.parametrize('words', [
    (), ('pkg',), ('pkg', 'a', 'b'), ('pkg', 'a', '--json'), ('a//b', 'c')],
    ids=len)
def test_usage(package, words):
    """Exit status 2, in one line"""
    complaint(package.drain.call('publish', *words, expect=2))


def test_undo_of_one_step(quiescent):
    """Nothing of a directory can be half done"""
    assert 'one step' in refused(quiescent, '--undo')


# -- check TARGET

def test_check_target(package):
    """The real path, and nothing else"""
    done = package.drain.call('check', package.target)
    assert done.stdout == f'{os.path.realpath(package.path)}\n'
    assert done.stderr == ''


def test_check_target_raw(drained):
    """As it is on disk"""
    package = Package(*drained({'pkg': MODULE}), name='grüße\n')
    done = package.drain.call('check', package.target)
    assert done.stdout == f'{package.path}\n'


def check_json(package, target, expect=0):
    """The document"""
    done = package.drain.call('check', target, '--json', expect=expect)
    return json.loads(done.stdout)


def test_check_target_json(package):
    """Its kind and its share, for programs that replace it"""
    (package.path.parent / 'current').symlink_to('app')
    path = os.path.realpath(package.path)
    root = str(Path(path).parent)
    assert check_json(package, 'pkg/app') == {
        'version': 1, 'shares': ['pkg'], 'problems': [],
        'smbd_running': True,
        'state_directory': f'{package.server.base}/state', 'target': {
            'share': 'pkg', 'path': 'app', 'real_path': path,
            'kind': 'directory', 'writable': True}, 'share': {
                'share': 'pkg', 'path': root, 'real_path': root,
                'varies': None, 'guarded': True, 'file': None,
                'veto_files': '', 'hold_timeout': 30}}
    assert check_json(package, 'pkg')['target'] == {
        'share': 'pkg', 'path': '', 'real_path': root, 'kind': 'share',
        'writable': True}
    assert check_json(package, 'pkg/current')['target'] == {
        'share': 'pkg', 'path': 'current', 'real_path': path, 'kind': 'link',
        'writable': True}


@pytest.mark.parametrize('writable, options', [
    (False, {}), (True, {'write list': 'root'}),
    (True, {'admin users': 'root'}), (True, {'read only': 'no'})], ids=str)
def test_check_target_writable(drained, writable, options):
    """Whether some client can write to it, by any share"""
    package = Package(*drained({
        'pkg': {**MODULE, 'read only': 'yes', 'veto files': "/it's/",
                'drain:hold timeout': '1.5m'},
        'inner': {**MODULE, 'read only': 'yes', **options},
        'apart': {'read only': 'no'}}))
    (package.path / 'sub').mkdir()
    package.server.shares['inner']['path'] = package.path / 'sub'
    package.server.write_conf()
    found = check_json(package, 'pkg/app')
    assert found['target']['writable'] is writable
    assert found['share']['veto_files'] == "/it's/"
    assert found['share']['hold_timeout'] == 90


def test_check_target_writable_by_a_mount(drained):
    """A mount in a share that clients can write to leads to the target"""
    package = Package(*drained({'pkg': {**MODULE, 'read only': 'yes'},
                                'apart': {'read only': 'no'}}))
    place = package.server.share_path('apart') / 'mounted'
    place.mkdir()
    assert check_json(package, 'pkg/app')['target']['writable'] is False
    subprocess.run(['mount', '--bind', package.path, place], check=True)
    try:
        found = check_json(package, 'pkg/app', expect=1)
    finally:
        subprocess.run(['umount', '-l', place], check=True)
    assert found['target']['writable'] is True


def test_check_target_that_is_none(package):
    """Exit status 1, and why"""
    done = package.drain.call('check', 'pkg/nowhere', expect=1)
    assert done.stdout == '' and 'nowhere' in complaint(done)
    found = check_json(package, 'pkg/nowhere', expect=1)
    assert found['target'] is None and found['share']['share'] == 'pkg'
    found = check_json(package, 'none/nowhere', expect=1)
    assert found['target'] is None and found['share'] is None


def test_check_target_only(drained):
    """Problems of that target only; they go to standard error"""
    package = Package(*drained({'pkg': MODULE, 'inner': {}, 'bad': {
        **MODULE, 'drain:bogus': 'yes'}}))
    (package.path / 'sub').mkdir()
    package.server.shares['inner']['path'] = package.path / 'sub'
    package.server.write_conf()
    (package.path.parent / 'free').mkdir()
    assert package.drain.call('check', 'pkg/free').stderr == ''
    done = package.drain.call('check', 'pkg/app', expect=1)
    assert done.stdout == '' and 'inner' in complaint(done)
    assert check_json(package, 'pkg/app', expect=1)['target']['path'] == 'app'
