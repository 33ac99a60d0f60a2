"""Failures of smbdrain-update: one line gives the reason, users are not
affected, and nothing is left behind."""

import contextlib
import io
import os
import re
import shutil
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from lib.drain import as_nobody
from lib.smbd import wait_until
from lib.update import BUILD, complaint, kill_session, package, read

SCRIPT = os.path.join(BUILD, 'smbdrain-update')


def check_untouched(update):
    """The old version is served, and nothing is left over"""
    assert update.serves() == package('old')
    assert set(update.tidy()) <= {'served'}


@pytest.fixture(name='small')
def _small(tmp_path):
    """A file system of 2 MB"""
    path = tmp_path / 'small'
    path.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2M,mode=755', 'drain',
                    path], check=True)
    yield path
    subprocess.run(['umount', '-l', path], check=True)


# -- the command line

@pytest.mark.parametrize('words, named', [
    ((), 'SHARE'), (('pkg',), 'pkg'), (('pkg', 'a', 'b'), 'b'),
    (('--bogus',), '--bogus'), (('-s',), '-s'),
    (('--keep=many', 'pkg', 'a'), '--keep=many'),
    (('--keep=', 'pkg', 'a'), '--keep='),
    (('--new-opens=maybe', 'pkg', 'a'), '--new-opens'),
    (('--timeout=soon', 'pkg', 'a'), '--timeout=soon'),
    (('--timeout=400d', 'pkg', 'a'), 'a year'),
    (('--hold-timeout=1.2.3', 'pkg', 'a'), '--hold-timeout'),
    (('--backoff=1.5m', 'pkg', 'a'), '--backoff'),
    (('--on-timeout=maybe', 'pkg', 'a'), '--on-timeout'),
    (('--on-timeout=force', '--new-opens=refuse', 'pkg', 'a'), '--timeout'),
    (('--signature=x', 'pkg', 'a'), '--keyring'),
    (('--keyring=x', 'pkg', 'a'), '--signature'),
    (('--list', '--rollback', 'pkg'), '--rollback'),
    (('--list',), 'SHARE'), (('--list', 'pkg', 'a'), 'a'),
    (('--recover', 'pkg', 'a'), 'a'),
    (('--rollback', '--dry-run', 'pkg'), '--dry-run')],
    ids=lambda words: ' '.join(words) if isinstance(words, tuple) else '')
def test_usage(words, named):
    """Exit status 2"""
    done = subprocess.run([SCRIPT, *words], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and done.stdout == ''
    assert named in complaint(done) and '--help' in complaint(done)


def test_help():
    """--help names each option"""
    helped = subprocess.run([SCRIPT, '--help'], capture_output=True, text=True,
                            timeout=20, check=True).stdout
    with open(SCRIPT, encoding='utf-8') as script:
        options = {word.split('=')[0].strip() for line in script
                   if line.startswith('\t--') and ')' in line
                   for word in line.split(')')[0].split('|')}
    assert len(options) > 20
    assert [option for option in options if option not in helped] == []
    assert subprocess.run([SCRIPT, '--version'], capture_output=True,
                          text=True, timeout=20, check=True
                          ).stdout.startswith('smbdrain-update ')


def test_not_root():
    """Only root can use it"""
    done = subprocess.run([SCRIPT, 'pkg', '/'], capture_output=True, text=True,
                          timeout=20, check=False, user=65534)
    assert done.returncode == 1 and 'root' in complaint(done)


# -- targets

def test_no_target(updater):
    """No such share, no such directory, a share without the module, a name in
    the wrong case"""
    update = updater()
    update.server.set_share('plain', {})
    update.server.put('plain', 'app/x')
    source = update.make('new')
    for target in 'none', 'none/app', 'pkg/none', 'pkg/APP':
        assert target in complaint(update.call(target, source, expect=1))
    done = update.call('plain/app', source, expect=1)
    assert 'plain' in done.stderr and 'drain' in done.stderr
    assert not update.area.exists()


@contextlib.contextmanager
def at_work(update, source):
    """During the verification of an update, which is killed in the end"""
    flag = update.home / 'verifies'
    process = update.start(f'--verify=touch {flag}; sleep 50', 'pkg/app',
                           source)
    try:
        wait_until(flag.exists, 30, 'the first to verify', 0.05)
        yield
    finally:
        kill_session(process)
        process.communicate()
    update.recover()
    check_untouched(update)


def test_two_updates(updater):
    """The second update ends with status 3, also if it uses another name or
    another share for the package"""
    update = updater()
    update.server.set_share('apps', {'vfs objects': 'drain',
                                     'path': update.root})
    source = update.make('new')
    with at_work(update, source):
        for target in 'pkg/app', 'PKG/app/', 'apps/app':
            done = update.call(target, source, expect=3)
            assert 'another update' in complaint(done)


def test_update_on_another_node(updater):
    """The same on a node of a cluster, which has its own state directory"""
    update = updater()
    source = update.make('new')
    state = update.home / 'state'
    state.mkdir()
    other = update.home / 'other.conf'
    other.write_text(re.sub(r'(?m)^\tstate directory = .*',
                            f'\tstate directory = {state}',
                            Path(update.server.conf).read_text()))
    with at_work(update, source):
        done = update.call('-s', other, 'pkg/app', source, expect=3)
        assert 'another update' in complaint(done)


# -- sources

def test_no_source(updater):
    """A missing source, a file that is no archive, a broken one, an empty
    one"""
    update = updater()
    (update.home / 'empty').mkdir()
    (update.home / 'file.exe').write_text('x')
    (update.home / 'broken.tar.gz').write_text('x')
    for source in 'none', 'empty', 'file.exe', 'broken.tar.gz':
        assert source in complaint(update.update(source, expect=1))
    done = update.update('rsync://127.0.0.1:1/x', expect=1)
    assert 'rsync://127.0.0.1:1/x' in complaint(done)
    check_untouched(update)


def packed(path, *members):
    """Make an archive of members: (name, content), (name, Path of a symbolic
    link) or (name, {name} of a hard link)"""
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w') as made:
            for name, what in members:
                info = zipfile.ZipInfo(name)
                info.create_system = 3      # Unix
                mode = 0o120777 if isinstance(what, Path) else 0o100644
                info.external_attr = mode << 16
                made.writestr(info, str(what))
        return path
    with tarfile.open(path, 'w') as made:
        for name, what in members:
            info, content = tarfile.TarInfo(name), b''
            if isinstance(what, Path):
                info.type, info.linkname = tarfile.SYMTYPE, str(what)
            elif isinstance(what, set):
                info.type, (info.linkname,) = tarfile.LNKTYPE, what
            else:
                content = what.encode()
                info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return path


def test_archive_that_leads_out(updater):
    """A path or a link that leads out of the archive: nothing is published,
    not even under a shortened path"""
    update = updater()
    outside = update.home / 'outside'
    outside.mkdir()
    (outside / 'secret').write_text('secret')
    leads, file = str(outside / 'x'), str(outside / 'secret')
    archives = [('zip', ('../x', 'x')), ('zip', ('a/../../x', 'x')),
                ('zip', (leads, 'x')), ('tar', ('../x', 'x')),
                ('tar', (leads, 'x')),
                *((suffix, ('a', outside), ('a/x', 'x'))
                  for suffix in ('tar', 'zip')),
                ('tar', ('a', {file})),
                ('tar', ('a', outside), ('b', {'a/secret'}))]
    for suffix, *members in archives:
        path = packed(update.home / f'bad.{suffix}', ('tool.exe', 'new'),
                      *members)
        assert 'bad' in complaint(update.update(path, expect=1)), members
        assert read(outside) == {'secret': 'secret'}
    check_untouched(update)
    assert [path.name for path in update.area.parent.iterdir()] == ['app']


@pytest.mark.parametrize('suffix', ['tar', 'zip'])
def test_archive_with_dots(updater, suffix):
    """Names with dots that do not lead out are published"""
    update = updater()
    files = {**package('new'), '..a': '', 'lib/b..': '', '...': ''}
    update.update(packed(update.home / f'good.{suffix}', *files.items()))
    assert update.serves() == files


@pytest.mark.parametrize('script, why', [
    ('[ "$2" != --delete ] || rm -rf "$SOURCE"', 'cannot copy'),
    ('[ "$2" != --delete ] || { echo vanished >&2; exit 24; }',
     'it changed during the copy: vanished'),
    ('case $* in *--dry-run*) date +%N >"$SOURCE/tool.exe" ;; esac',
     'it changed during the copy')], ids=['vanishes', 'in part', 'changes'])
def test_source_that(updater, script, why):
    """A source that changes during the copy is not published"""
    update = updater()
    source = update.make('new')
    update.stand_in('rsync', f"SOURCE='{source}'\n{script}")
    assert why in complaint(update.update(source, expect=1))
    check_untouched(update)


# -- places

def test_disk_full(updater, small):
    """No space left during the staging"""
    update = updater(path=small / 'pkg')
    source = update.make('new', {**package('new'), 'large': 'x' * 3000000})
    done = update.update(source, expect=1)
    assert 'No space left' in complaint(done)
    check_untouched(update)
    (source / 'large').unlink()
    update.update(source)
    assert update.serves() == package('new')


def test_disk_full_at_last(updater):
    """No space left when top entries of a share are replaced with copies, and
    only for the first of them"""
    update = updater('pkg', **{'read only': 'yes'})
    source = update.copy('new', **{'lib/b.dll': 'changed'})
    (source / 'zz').write_text('')
    update.update(source)
    failed = update.home / 'failed'
    update.stand_in('cp', f"""
if [ "$1 ${{3##*/}}" = '-a copy' ] && [ ! -e {failed} ]; then
	touch {failed}
	echo 'cp: No space left on device' >&2
	exit 1
fi""")
    done = update.update(source, expect=1)
    assert 'No space left' in complaint(done) and failed.exists()
    assert update.tidy() == ['kept', 'served']


def test_mounted(updater, small):
    """The share is a file system: versions are kept in its root, in a
    directory that the share hides"""
    update = updater(path=small)
    source = update.make('new')
    assert 'veto' in complaint(update.update(source, expect=1))
    assert 'veto' in complaint(update.update(source, expect=1))
    update.server.set_share('pkg', {'veto files': '/.smbdrain/'})
    small.chmod(0o777)
    assert f'{small} must be' in complaint(update.update(source, expect=1))
    small.chmod(0o755)
    update.area = small / '.smbdrain/pkg/app'
    update.update(source)
    assert update.serves() == package('new')
    assert update.tidy() == ['kept', 'served']


@pytest.mark.parametrize('target', ['pkg/app', 'pkg/current'],
                         ids=['directory', 'link'])
def test_other_file_system(updater, small, target):
    """A version cannot be renamed to another file system"""
    update = updater(target)
    done = update.update(update.make('new'), f'--stage={small}', expect=1)
    assert str(small) in complaint(done) and 'file system' in complaint(done)
    assert list(small.iterdir()) == []


@contextlib.contextmanager
def as_if(path, what):
    """A part of the staging area belongs to a user, is a link to `what`, or
    has that mode"""
    existed = path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(what, Path):
        path.symlink_to(what)
    else:
        path.mkdir(exist_ok=True)
        if what == 'nobody':
            os.chown(path, 65534, 65534)
        else:
            path.chmod(what)
    yield
    if isinstance(what, Path):
        path.unlink()
    elif existed:
        os.chown(path, 0, 0)
        path.chmod(0o755)
    else:
        path.rmdir()


def test_others_staging_area(updater):
    """Another user owns, or can write to, some directory of the path: nothing
    is made there"""
    update = updater()
    top = update.root.parent
    outside = update.home / 'outside'
    outside.mkdir(mode=0o755)
    source = update.make('new')
    for path, what in [(top, 'nobody'), (top, 0o777), (top, 0o775),
                       (top / '.smbdrain', 'nobody'),
                       (top / '.smbdrain', outside),
                       (top / '.smbdrain', 0o777),
                       (update.area.parent, 'nobody'),
                       (update.area.parent, outside),
                       (update.area, 'nobody'), (update.area, outside)]:
        with as_if(path, what):
            done = update.update(source, expect=1)
            assert f'{path} must be' in complaint(done), (path, what)
    elsewhere = update.server.base / 'stage'
    for path, option in ((top, '--dry-run'),
                         (elsewhere, f'--stage={elsewhere}'),
                         (elsewhere, f'--stage={elsewhere}/in')):
        with as_if(path, 'nobody'):
            done = update.update(source, option, expect=1)
            assert f'{path} must be' in complaint(done), option
    assert list(outside.iterdir()) == []
    assert outside.stat().st_mode & 0o777 == 0o755
    assert update.serves() == package('old')


def test_staging_area_that_was_given_away(updater):
    """A staging area that a user owns since the last update is not used"""
    update = updater()
    source = update.make('new')
    update.update(source)
    top = update.root.parent / '.smbdrain'
    moved = update.home / 'moved'
    top.rename(moved)
    with as_if(top, moved):
        for done in update.update(source, expect=1), update.recover(expect=1):
            assert f'{top} must be' in complaint(done)
    moved.rename(top)
    os.chown(top, 65534, 65534)
    assert f'{top} must be' in complaint(update.rollback(expect=1))
    assert update.serves() == package('new')


def test_staging_area_is_roots(updater):
    """In a sticky directory, as /tmp is, no user can replace any part of the
    staging area"""
    update = updater()
    update.root.parent.chmod(0o1777)
    source = update.make('new')
    update.update(source)
    for path in update.area, update.area.parent, update.area.parent.parent:
        assert as_nobody('mv', path, f'{path}.away').returncode == 1
        assert as_nobody('ls', update.area.parent).returncode == 2
    update.update(source)
    assert update.serves() == package('new')


def test_read_only_file_system(updater, small):
    """The update fails, and users are not affected"""
    update = updater(path=small / 'pkg')
    subprocess.run(['mount', '-o', 'remount,ro', small], check=True)
    done = update.update(update.make('new'), expect=1)
    assert 'Read-only' in done.stderr
    assert update.serves() == package('old')


def test_smbd_is_not_there(updater):
    """The update fails before it copies anything"""
    update = updater()
    source = update.make('new')
    update.server.stop()
    assert 'smbd is not running' in update.update(source, expect=1).stderr
    assert update.serves() == package('old')
    assert not update.area.exists()


# -- files that are not published

SPECIAL = {'fifo': os.mkfifo,
           'device': lambda path: os.mknod(path, stat.S_IFCHR | 0o666,
                                           os.makedev(1, 3))}


def _sources(update, source, kinds):
    """The same files as each kind of source: a directory, archives, and a
    remote source"""
    if 'directory' in kinds:
        yield source
    if 'tar' in kinds:
        archive = update.home / 'package.tar'
        subprocess.run(['tar', '-C', source, '-cf', archive, '.'], check=True)
        yield archive
    if 'zip' in kinds:
        archive = update.home / 'package.zip'
        with zipfile.ZipFile(archive, 'w') as file:
            for path in source.rglob('*'):
                file.write(path, path.relative_to(source))
        yield archive
    if 'remote' in kinds:
        shell = update.home / 'shell'
        shell.write_text('#!/bin/sh\nshift\nexec "$@"\n')
        shell.chmod(0o755)
        yield f'host:{source}'


@pytest.mark.parametrize('special', SPECIAL)
def test_special_files(updater, special):
    """Special files are refused and named in every kind of source"""
    update = updater()
    source = update.make('new')
    for number in range(5):
        SPECIAL[special](source / f'special{number}')
    for made in _sources(update, source, ('directory', 'remote', 'tar')):
        text = complaint(update.call(
            'pkg/app', made, expect=1,
            env={**update.environment(), 'RSYNC_RSH': update.home / 'shell'}))
        assert str(made) in text and 'device nodes, FIFOs or sockets' in text
        assert 'special' in text and 'and 2 more' in text
        check_untouched(update)


@pytest.mark.parametrize('kind', ['directory', 'tar', 'zip', 'remote'])
def test_set_id_bits(updater, kind):
    """Files are published without these bits, and named; directories keep
    their set-group-ID bit"""
    update = updater()
    source = update.make('new')
    (source / 'tool.exe').chmod(0o4755)
    (source / 'lib/a.dll').chmod(0o2755)
    made, = _sources(update, source, kind)
    done = update.call(
        'pkg/app', made,
        env={**update.environment(), 'RSYNC_RSH': update.home / 'shell'})
    assert update.serves() == package('new')
    for path in update.live.rglob('*'):
        if path.is_file():
            assert not path.stat().st_mode & 0o6000, path
    assert 'published without' in done.stdout
    assert 'tool.exe' in done.stdout and 'lib/a.dll' in done.stdout
    # The next update takes the file as unchanged
    inode = update.live.joinpath('tool.exe').stat().st_ino
    update.call('--link', 'pkg/app', made,
                env={**update.environment(),
                     'RSYNC_RSH': update.home / 'shell'})
    if kind in ('directory', 'remote'):
        assert update.live.joinpath('tool.exe').stat().st_ino == inode


def test_capabilities(updater, tmp_path):
    """Capabilities of files that are shared with the served version"""
    update = updater()
    source = update.copy('new', **{'lib/b.dll': 'new'})
    subprocess.run(['setcap', 'cap_net_raw=ep', update.live / 'tool.exe'],
                   check=True)
    assert 'security.capability' in os.listxattr(update.live / 'tool.exe')
    done = update.call('--link', 'pkg/app', source)
    assert 'security.capability' not in os.listxattr(update.live / 'tool.exe')
    assert 'tool.exe' in done.stdout and str(tmp_path)


# -- the caller

@pytest.mark.parametrize('closed', [(0,), (1, 2), (0, 1, 2)],
                         ids=str)
def test_closed_descriptors(updater, closed):
    """No message is written to another file"""
    update = updater()

    def close():
        for number in closed:
            os.close(number)

    update.call('pkg/app', update.make('new'), preexec_fn=close)
    assert update.serves() == package('new')
    assert update.states() == ['kept', 'served']


def test_output_is_lost(updater):
    """The update succeeds with a status of its own, and prints one line"""
    update = updater()
    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = update.call('pkg/app', update.make('new'), expect=123,
                           stdout=full)
        assert 'cannot write the output' in complaint(done)
        assert 'is served' in complaint(done)
        assert update.serves() == package('new')
        for words in (['--list', 'pkg/app'],
                      ['--dry-run', 'pkg/app', update.home / 'new']):
            done = update.call(*words, expect=1, stdout=full)
            assert 'cannot write the output' in done.stderr
    assert update.tidy() == ['kept', 'served']


def test_quiet_dry_run(updater):
    """-q --dry-run has the same status, and prints nothing"""
    update = updater()
    source = update.make('new')
    update.call('--dry-run', 'pkg/app', source)
    done = update.call('-q', '--dry-run', 'pkg/app', source)
    assert (done.stdout, done.stderr) == ('', '')
    done = update.call('-q', '--dry-run', 'pkg/app', update.home / 'none',
                       expect=1)
    assert 'none' in complaint(done)


# -- packages that were removed

def test_recover_of_a_retired_package(updater):
    """Success and a line, but not for a package that never existed, or that is
    still drained for a version"""
    update = updater()
    update.update(update.make('new'))
    done = update.call('--recover')
    assert (done.stdout, done.stderr) == ('', '')
    shutil.rmtree(update.live)
    done = update.call('--recover')
    assert 'pkg/app: no longer exists' in done.stdout
    assert str(update.area) in done.stdout and done.stderr == ''
    assert update.call('-q', '--recover', 'pkg/app').stdout == ''
    update.call('--recover', 'pkg/none', expect=1)

    update.live.mkdir()
    version = update.list()[0][0]
    update.drain.begin('pkg/app', f'--reason=(smbdrain-update {version})')
    update.live.rmdir()
    update.call('--recover', expect=1)


def test_recover_without_the_share(updater):
    """A package without its share in smb.conf is retired; a package without
    the root of its share is not: the file system may not be mounted yet"""
    update = updater()
    update.update(update.make('new'))
    update.root.rename(update.root.with_name('away'))
    update.call('--recover', expect=1)
    del update.server.shares['pkg']
    update.server.write_conf()
    assert 'no longer exists' in update.call('--recover').stdout
