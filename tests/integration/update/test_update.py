"""smbdrain-update: a new version is staged, verified, published, and kept."""

import os
import shutil
import socket
import subprocess
import tarfile
import zipfile

import pytest

from lib.drain import ended
from lib.smb2 import NtStatus, connect
from lib.smbd import free_port, wait_until
from lib.update import complaint, kill_session, package, read
from lib.waiting import waits

# A slash at its end is the only thing that a name cannot have
STRANGE = '-two words, grüße 東京, 100 %2F'
# A shell that reads this without quotes makes a file or stops
FOR_A_SHELL = """it's "$(touch caught)" `touch caught`; $HOME *"""


def archive(update, source, name):
    """Make an archive of that name with the contents of the directory"""
    path = update.home / name
    if name.endswith('.zip'):
        with zipfile.ZipFile(path, 'w') as made:
            for file in read(source):
                made.write(source / file, file)
    else:
        with tarfile.open(path, 'w:gz') as made:
            made.add(source, '.')
    return path


@pytest.fixture(name='rsyncd')
def _rsyncd(tmp_path):
    """serve(directory): the URL of an rsync daemon with a message of the
    day"""
    processes = []

    def serve(directory):
        port = free_port()
        (tmp_path / 'motd').write_text('welcome\n')
        conf = tmp_path / 'rsyncd.conf'
        conf.write_text(f'motd file = {tmp_path}/motd\n[new]\n'
                        f'path = {directory}\nuse chroot = no\nuid = root\n')
        processes.append(subprocess.Popen(
            ['rsync', '--daemon', '--no-detach', f'--config={conf}',
             '--address=127.0.0.1', f'--port={port}'],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        wait_until(lambda: listens(port), 10, 'rsync', 0.05)
        return f'rsync://127.0.0.1:{port}/new'

    yield serve
    with ended(*processes):
        pass


def listens(port):
    """Return true if something listens on the port"""
    with socket.socket() as sock:
        return sock.connect_ex(('127.0.0.1', port)) == 0


def check_new(update, done):
    """The new version is served, the old one is kept, nothing else is left"""
    assert done.stderr == '' and 'is served' in done.stdout
    assert update.serves() == package('new')
    assert update.tidy() == ['kept', 'served']
    with connect(update.server.port) as tree:
        assert tree.create(update.path('lib/a.dll')).read() == b'new'


# -- sources

def test_directory(updater):
    """The package directory keeps its owner and mode; files get those of the
    source"""
    update = updater()
    source = update.make('new')
    source.chmod(0o700)
    (source / 'tool.exe').chmod(0o751)
    os.chown(update.live, 12, 34)
    check_new(update, update.update(source))
    assert update.live.stat().st_mode & 0o777 == 0o777
    assert update.live.stat().st_uid == 12
    assert (update.live / 'tool.exe').stat().st_mode & 0o777 == 0o751


def test_archive(updater):
    """The name gives the type, and is no pattern; for .tar see
    test_signature"""
    update = updater()
    archive(update, update.make('other'), '-new 1.zip')
    source = archive(update, update.make('new'), '-new [1].zip')
    check_new(update, update.update(source.name))


def test_rsync(updater, rsyncd):
    """A source on another machine"""
    update = updater()
    check_new(update, update.update(rsyncd(update.make('new'))))


def test_unchanged_files(updater):
    """Unchanged files are hard links if clients cannot write to them"""
    update = updater(**{'read only': 'yes'})
    update.update(update.copy('new', **{'tool.exe': 'changed'}))
    (old, _), _ = update.list()
    for name in 'a.dll', 'b.dll':
        assert (update.live / 'lib' / name).samefile(
            update.tree(old) / 'lib' / name)
    assert read(update.tree(old)) == package('old')
    assert update.serves() == {**package('old'), 'tool.exe': 'changed'}


def test_unchanged_files_of_a_share(updater):
    """Two versions of a share have no top entry in common"""
    update = updater('pkg', **{'read only': 'yes'})
    update.update(update.copy('new', **{'lib/b.dll': 'changed'}))
    (old, _), _ = update.list()
    assert not (update.live / 'tool.exe').samefile(
        update.tree(old) / 'tool.exe')
    assert (update.live / 'lib/a.dll').samefile(
        update.tree(old) / 'lib/a.dll')
    assert update.tidy() == ['kept', 'served']


@pytest.mark.parametrize('other', [
    {'path': '{root}/app/lib', 'write list': 'root'},
    {'path': '{root}/%U', 'read only': 'no'}], ids=['inside', 'varies'])
def test_files_that_clients_can_write(updater, other):
    """Files that clients can write to through any share are not hard links: a
    client would change both versions"""
    update = updater(**{'read only': 'yes'})
    update.server.set_share('other', {
        'vfs objects': 'drain', 'read only': 'yes',
        **{name: value.format(root=update.root)
           for name, value in other.items()}})
    check_that_it_is_not_linked(update)


def check_that_it_is_not_linked(update):
    """An unchanged file is a copy in the next version"""
    update.update(update.copy('new'))
    (old, _), _ = update.list()
    assert not (update.live / 'lib/a.dll').samefile(
        update.tree(old) / 'lib/a.dll')


@pytest.mark.parametrize('path', [None, '%H/pkg'], ids=['usual', 'varies'])
def test_files_that_clients_can_write_in_homes(updater, path):
    """A home directory can be the package, or be above or inside it"""
    update = updater(**{'read only': 'yes'})
    update.server.set_share('homes', {
        'vfs objects': 'drain', 'read only': 'no'})
    update.server.shares['homes']['path'] = path
    update.server.write_conf()
    check_that_it_is_not_linked(update)


def test_files_that_clients_can_write_by_a_usershare(updater):
    """A usershare gives access to the package"""
    update = updater(**{'read only': 'yes'})
    server = update.server
    shares = server.base / 'usershares'
    shares.mkdir()
    shares.chmod(0o1770)
    server.set_share('any', {'vfs objects': 'drain', '-valid': 'no'})
    server.global_options.update({
        'usershare path': shares, 'usershare max shares': 100,
        'usershare owner only': 'no', 'usershare template share': 'any'})
    server.write_conf()
    server.reload()
    (shares / 'anna').write_text(
        f'#VERSION 2\npath={update.root}/app/lib\ncomment=\n'
        'usershare_acl=S-1-1-0:F\nguest_ok=n\nsharename=anna\n')
    os.mkfifo(shares / 'bob')
    check_that_it_is_not_linked(update)


def test_files_shared_all_the_same(updater):
    """--link makes hard links although clients can write to the files"""
    update = updater()
    update.update(update.copy('new'), '--link')
    (old, _), _ = update.list()
    assert (update.live / 'lib/a.dll').samefile(
        update.tree(old) / 'lib/a.dll')


def test_progress(updater):
    """The progress of the copy is shown on a terminal"""
    update = updater()
    terminal, end = os.openpty()
    update.update(update.make('new'), stdout=end)
    assert b'100%' in os.read(terminal, 10000)
    os.close(end)
    os.close(terminal)


# -- clients during an update

def test_nobody_notices(updater):
    """The update waits for a running program; a program that is started during
    the drain waits, and gets the new version"""
    update = updater()
    with connect(update.server.port) as tree, \
            connect(update.server.port) as other:
        held = tree.create('app/tool.exe')
        process = update.start('pkg/app', update.make('new'))
        try:
            update.drain.wait_for_state('pkg/app', 'armed')
            request = other.create_nowait('app/tool.exe')
            assert waits(request)
            assert held.read() == b'old'
            held.close()
            assert request.wait().read() == b'new'
            assert process.wait(20) == 0
        finally:
            kill_session(process)
            process.communicate()


def test_in_use(updater):
    """After the last attempt the holders are printed, but no client whose open
    was deferred. The old version is served."""
    update = updater()
    source = update.make('new')
    with connect(update.server.port) as tree, \
            connect(update.server.port) as other:
        held = tree.create('app/tool.exe')
        process = update.start('--timeout=1', '--retries=1', '--backoff=2',
                               'pkg/app', source)
        update.drain.wait_for_state('pkg/app', 'armed')
        other.create_nowait('app/lib/a.dll').wait().close()
        out, err = process.communicate(timeout=30)
        assert process.returncode == 124
        assert 'trying again in 2 s' in out
        report = err[err.index('in use in all 2 attempts'):]
        assert ' 2 ' in report and 'app/tool.exe' in report
        assert 'a.dll' not in report
        assert held.read() == b'old'
    assert update.serves() == package('old') and update.tidy() == ['served']
    assert 'failed (124)' in (update.area / 'history').read_text()


def test_time_of_a_drain(updater):
    """A drain ends before the first deferred open is refused, and has half of
    the hold timeout if that is short"""
    update = updater()
    words = update.home / 'words'
    update.stand_in('smbdrain',
                    f'[ "$3" != run ] || printf "%s\\n" "$@" >{words}')

    def time(stamp, *options):
        update.update(update.make(stamp), *options)
        return [word for word in words.read_text().splitlines()
                if word.startswith('--timeout')]

    assert time('a') == ['--timeout=28.000']
    assert time('b', '--hold-timeout=3') == ['--timeout=1.500']
    assert time('c', '--hold-timeout=1m', '--timeout=2m') == ['--timeout=2m']
    assert time('d', '--new-opens=refuse') == []
    update.server.set_share('pkg', {'drain:hold timeout': '1.5m'})
    assert time('e') == ['--timeout=88.000']


def test_refuse(updater):
    """Opens are refused, and the remaining handles are closed at the
    timeout"""
    update = updater()
    with connect(update.server.port) as tree, \
            connect(update.server.port) as other:
        held = tree.create('app/tool.exe')
        process = update.start('--new-opens=refuse', '--timeout=1.5',
                               '--on-timeout=force', 'pkg/app',
                               update.make('new'))
        update.drain.wait_for_state('pkg/app', 'armed')
        assert (other.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        process.communicate(timeout=30)
        assert process.returncode == 0
        assert held.close_nowait().status() == NtStatus.FILE_CLOSED
        assert other.create('app/tool.exe').read() == b'new'


# -- verification

def test_signature(updater, signed):
    """A good signature, and an archive that was changed after signing"""
    update = updater()
    path = archive(update, update.make('new'), 'new.tar.gz')
    options = signed(path)
    with path.open('r+b') as file:
        first = file.read(1)
        file.seek(0)
        file.write(b'x')
        file.flush()
        done = update.update(path, *options, expect=1)
        assert 'not a good signature' in complaint(done)
        file.seek(0)
        file.write(first)
    assert update.serves() == package('old')
    check_new(update, update.update(path, *options))


def test_checksums(updater):
    """A file with wrong checksums, then one with the right ones"""
    update = updater()
    source = update.make('new')
    sums = subprocess.run(['sha256sum', 'tool.exe', 'lib/a.dll'], text=True,
                          cwd=source, capture_output=True, check=True).stdout
    (update.home / 'sums').write_text(sums.replace('  lib/a', '  lib/b')
                                      .replace(sums[:4], 'f00f'))
    done = update.update(source, '--checksums=sums', expect=1)
    assert 'tool.exe' in complaint(done)
    assert update.serves() == package('old')
    (update.home / 'sums').write_text(sums)
    check_new(update, update.update(source, '--checksums=sums'))


def test_verify(updater):
    """A command of the user verifies the new version"""
    update = updater()
    source = update.make('new')
    note = update.home / 'inherited'
    done = update.update(
        source, f'--verify=ls -x /proc/self/fd >"{note}"; env >>"{note}"; '
        'grep -q other tool.exe', expect=1)
    assert '--verify' in complaint(done)
    descriptors, *environment = note.read_text().splitlines()
    # The last one is the directory that ls reads; no lock is inherited
    assert descriptors.split() == ['0', '1', '2', '3']
    tree, = (line for line in environment if 'SMBDRAIN_UPDATE_' in line)
    assert tree.startswith(f'SMBDRAIN_UPDATE_TREE={update.area}/2')
    assert not [line for line in environment if line.startswith('DRAIN_ID')]
    assert update.serves() == package('old')
    check_new(update, update.update(
        source, '--verify=cmp lib/b.dll "$SMBDRAIN_UPDATE_TREE/tool.exe"'))


# -- versions

def test_versions(updater):
    """--keep limits the versions; rollback to the one before, and to a named
    one"""
    update = updater()
    for stamp in 'one', 'two', 'three':
        update.update(update.make(stamp), '--keep=1', '--reason=why not')
    (two, state), (three, _) = update.list()
    assert state == 'kept'
    assert update.rollback().stdout == (
        f'pkg/app: {two} is served instead of {three}\n')
    assert update.serves() == package('two')
    assert update.list() == [(two, 'served'), (three, 'kept')]
    assert 'older' in complaint(update.rollback(expect=1))
    assert 'none' in complaint(update.rollback('none', expect=1))
    update.rollback(three)
    assert update.serves() == package('three')
    assert update.tidy() == ['kept', 'served']
    history = [line.split('\t')[1:4] for line in
               (update.area / 'history').read_text().splitlines()]
    who = f'{os.environ.get("SUDO_USER", "root")}@{os.uname().nodename}'
    assert history[-4:] == [
        [who, 'rolled back', two], [who, 'failed (1)', ''],
        [who, 'failed (1)', 'none'], [who, 'rolled back', three]]
    line = update.call('--list', 'pkg/app').stdout.splitlines()[1]
    assert 'root@' in line and 'why not' in line
    assert str(update.home / 'three') in line


@pytest.mark.parametrize('target', ['pkg/current', 'pkg'],
                         ids=['link', 'share'])
def test_rollback_of_others(updater, target):
    """An update and a rollback"""
    update = updater(target)
    check_new(update, update.update(update.make('new')))
    update.rollback()
    assert update.serves() == package('old')
    assert update.tidy() == ['served', 'kept']


def test_many_versions_with_the_clock_behind(updater):
    """A new version sorts after all others; a number can have leading zeros"""
    update = updater()
    update.update(update.make('new'))
    (first, _), (second, _) = update.list()
    for old, new in (first, '21010101T000000Z-98'), (second,
                                                     '21010101T000000Z-99'):
        (update.area / old).rename(update.area / new)
        identity = update.area / new / 'identity'
        identity.write_text(identity.read_text().replace(old, new))
    for stamp in 'a', 'b':
        update.update(update.make(stamp), '--keep=08', '--backoff=08m')
    assert [name.removeprefix('21010101T000000Z-')
            for name, _ in update.list()] == ['98', '99', '99-01', '99-02']
    assert update.serves() == package('b')
    update.update(update.make('c'), '--keep=01')
    assert update.tidy() == ['kept', 'served']


def test_replaced_by_hand(updater):
    """The next update keeps files that were put there by hand"""
    update = updater()
    update.update(update.make('new'))
    shutil.rmtree(update.live)
    shutil.copytree(update.make('by hand'), update.live)
    assert 'not published' in update.call('--list', 'pkg/app').stdout
    update.update(update.make('newer'))
    assert update.serves() == package('newer')
    kept = update.list()[-2]
    assert kept[1] == 'kept'
    assert read(update.tree(kept[0])) == package('by hand')


@pytest.mark.parametrize('target', ['pkg/app', 'pkg'],
                         ids=['directory', 'share'])
def test_replaced_by_hand_meanwhile(updater, target):
    """Files that were put there by hand during an update or a rollback become
    the version before, and the update succeeds"""
    update = updater(target)
    update.update(update.make('first'))
    files = update.live / '*' if target == 'pkg' else update.live
    update.stand_in('smbdrain', f"""
if [ "$3" = run ]; then
	rm -rf {files}
	cp -a '{update.make('by hand')}/.' {update.live}
fi""")
    done = update.update(update.make('new'))
    (_, _), (found, _), (new, _) = update.list()
    assert done.stdout == f'{target}: {new} is served instead of {found}\n'
    assert read(update.tree(found)) == package('by hand')
    done = update.rollback()
    again, _ = update.list()[-1]
    assert done.stdout == f'{target}: {found} is served instead of {again}\n'
    assert update.serves() == package('by hand')
    assert update.tidy() == ['kept', 'served', 'kept']
    (update.home / 'bin/smbdrain').unlink()
    update.update(update.make('newer'))
    assert update.serves() == package('newer')
    assert [name for name, _ in update.list()[:2]] == [found, again]


def test_share_with_nothing_in_it(updater):
    """An empty share, and a version of which the share hides a part"""
    update = updater('pkg', **{'veto files': '/hidden/'})
    for path in list(update.live.iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    update.update(update.make('new', {**package('new'), 'hidden/x': ''}))
    update.update(update.make('newer'))
    assert update.serves() == package('newer')
    assert update.tidy() == ['kept', 'served']


def test_clients_change_a_share(updater):
    """The entries of the share have other inodes then, and are kept as they
    are"""
    update = updater('pkg')
    update.update(update.make('new'))
    shutil.rmtree(update.live / 'lib')
    (update.live / 'tool.exe').unlink()
    update.server.put('pkg', 'client', 'changed')
    update.update(update.make('newer'))
    assert update.serves() == package('newer')
    assert read(update.tree(update.list()[-2][0])) == {'client': 'changed'}


# -- places

def test_dry_run(updater):
    """--dry-run prints what would change, and changes nothing"""
    update = updater()
    before = snapshot(update)
    done = update.update(update.make('new'), '--dry-run')
    assert 'tool.exe' in done.stdout and str(update.area) in done.stdout
    assert done.stderr == ''
    assert snapshot(update) == before
    assert update.call('--list', 'pkg/app').stdout == ''


def snapshot(update):
    """Names and times below the shares, beside them, and in the state
    directory"""
    return {path: path.lstat().st_mtime_ns
            for place in (update.root.parent, update.server.base / 'state')
            for path in place.rglob('*') if path.suffix != '.tdb'}


def test_stage(updater):
    """--stage is remembered"""
    update = updater()
    update.area = update.server.base / 'stage/pkg/app'
    update.update(update.make('new'), f'--stage={update.server.base}/stage')
    done = update.update(update.home / 'new', f'--stage={update.home}',
                         expect=1)
    assert str(update.area) in complaint(done)
    update.rollback()
    assert update.serves() == package('old')
    assert update.tidy() == ['served', 'kept']


@pytest.mark.parametrize('name', [f'{STRANGE}/deep', f'{STRANGE}\nlines\n',
                                  f'{FOR_A_SHELL}\n'],
                         ids=['text', 'newlines', 'shell'])
def test_strange_names(updater, name):
    """Names of the package, of the source, and of files in both"""
    update = updater(f'pkg/{name}')
    update.area = (update.root.parent / '.smbdrain/pkg'
                   / name.replace('%', '%25').replace('/', '%2F')
                   .replace('\n', '%0A'))
    files = {**package('new'), f'{STRANGE}/{STRANGE}\n': 'new'}
    update.update(os.path.basename(update.make(STRANGE + '\n', files)))
    assert update.serves() == files
    update.call('--recover')
    assert update.tidy() == ['kept', 'served']
    manifest = update.area / update.list()[-1][0] / 'manifest'
    subprocess.run(['sha256sum', '--check', '--strict', '--quiet', manifest],
                   cwd=update.live, check=True)
    assert not list(update.home.rglob('caught'))
    if '\n' not in name:
        with connect(update.server.port) as tree:
            assert tree.create(update.path('tool.exe')).read() == b'new'
    update.rollback()
    assert update.serves() == package('old')


def test_strange_share(updater, tmp_path):
    """The path of the share, its veto files and the reason of a drain: the
    script reads these from JSON"""
    hidden = "it's $(touch caught); $HOME"
    update = updater('pkg', path=tmp_path / FOR_A_SHELL / 'pkg',
                     **{'veto files': f"/{hidden}/a 'b/"})
    source = update.make('new')
    for name in hidden, "a 'b", 'shown':
        (update.live / name).mkdir(exist_ok=True)
    update.update(source, f'--reason=\\{FOR_A_SHELL}(smbdrain-update 2)\n')
    assert {path.name for path in update.live.iterdir()} == {
        'tool.exe', 'lib', hidden, "a 'b"}
    assert update.tidy() == ['kept', 'served']
    assert not [*update.home.rglob('caught'), *tmp_path.rglob('caught')]
    update.drain.begin('pkg', f'--reason={FOR_A_SHELL}(smbdrain-update $(id))')
    assert 'somebody else' in complaint(update.update(source, expect=1))
