"""publish of a whole share: entry by entry, with a journal, so that who is
killed on the way can be followed by somebody who goes on, or back."""

import json
import os
import signal
import struct
import subprocess

import pytest

from lib.drain import complaint
from lib.faults import injected
from lib.smb2 import NtStatus, connect

MODULE = {'vfs objects': 'drain'}
# Raw: one is no text in any character set
BOTH = [b'app', b'two words', b'line\nbreak', 'grüße'.encode(), b'-dash']
OLD = [b'gone', b'gone \xff']
NEW = [b'come', b'come \xfe\n']
STEPS = len(BOTH) + len(OLD) + len(NEW)


class Share:
    """A share of many entries, and a new version of all of it"""

    def __init__(self, server, drain, new=None):
        self.server = server
        self.drain = drain
        self.root = server.share_path('pkg')
        self.new = new or server.base / 'new'
        self.new.mkdir()
        self.fill(self.root, BOTH + OLD, b'old')
        self.fill(self.new, BOTH + NEW, b'new')
        self.journal = self.new.with_name(self.new.name + '.journal')
        drain.begin('pkg', '--wait')
        self.id = drain.status('pkg')['drains'][0]['id']

    @staticmethod
    def fill(directory, names, version):
        """A directory with a file for each name, but for one: a file"""
        for name in names:
            path = os.path.join(os.fsencode(directory), name)
            if name != b'two words':
                os.mkdir(path)
                path = os.path.join(path, b'file')
            with open(path, 'wb') as file:
                file.write(version)

    @staticmethod
    def read(directory):
        """{name: version}"""
        found = {}
        for name in os.listdir(os.fsencode(directory)):
            path = os.path.join(os.fsencode(directory), name)
            if os.path.isdir(path):
                path = os.path.join(path, b'file')
            with open(path, 'rb') as file:
                found[name] = file.read()
        return found

    def is_version(self, version):
        """Whether the share is wholly that, and the other is aside"""
        old = dict.fromkeys(BOTH + OLD, b'old')
        new = dict.fromkeys(BOTH + NEW, b'new')
        here, there = (old, new) if version == 'old' else (new, old)
        return self.read(self.root) == here and self.read(self.new) == there

    def command(self, *options):
        """The words of a publish"""
        return self.drain.command('publish', 'pkg', str(self.new),
                                  f'--id={self.id}', *options)

    def publish(self, *options, **keywords):
        """Run it"""
        return self.drain.call('publish', 'pkg', str(self.new),
                               f'--id={self.id}', *options, **keywords)

    def publish_under(self, inject, *options, path=None):
        """Run it under strace with faults; exit status as subprocess has it"""
        return subprocess.run(
            injected(inject, *self.command(*options), path=path),
            capture_output=True, text=True, timeout=30, check=False)

    def mark(self):
        """What status says is being published"""
        return self.drain.status('pkg')['drains'][0]['publishing']

    def killed_at(self, step, *options):
        """kill -9 at the rename number `step`, before it happens"""
        done = self.publish_under(f'renameat2:signal=KILL:when={step}',
                                  *options)
        assert done.returncode == -signal.SIGKILL, done

    def is_clean(self):
        """Nothing is left of the work"""
        return self.mark() is None and not self.journal.exists()


@pytest.fixture(name='share')
def _share(drained):
    return Share(*drained({'pkg': MODULE}))


def test_directory_cannot_be_read(share):
    """Nothing has changed, and it is named"""
    done = share.publish_under('getdents64:error=EIO',
                               path=share.server.share_path('pkg'))
    assert done.returncode == 1, done
    assert '/pkg: Input/output error' in done.stderr
    assert share.is_version('old')


@pytest.mark.parametrize('fault, said', [
    ('renameat2:error=EROFS', ': Read-only file system'),
    ('syncfs:error=EIO', ' to disk: '),
])
def test_kernel_refuses(share, fault, said):
    """Nothing has changed, and it says what could not be had"""
    done = share.publish_under(fault)
    assert done.returncode == 1 and said in done.stderr, done
    assert share.is_version('old')


def test_not_known_to_be_on_disk(share):
    """All is exchanged; the journal stays, and the next one ends it"""
    done = share.publish_under('fsync:error=EIO:when=3+')
    assert done.returncode == 1, done
    assert ' to disk: ' in done.stderr
    assert share.mark()
    share.publish()
    assert share.is_version('new') and share.is_clean()


def test_published(share):
    """In both: exchanged; only in one: moved; and a line that says so"""
    done = share.publish()
    assert done.stdout == (f'pkg is published; the old version is in '
                           f'{share.new}\n')
    assert done.stderr == ''
    assert share.is_version('new') and share.is_clean()


def test_connected_client(share):
    """One that was connected before sees the new version"""
    with connect(share.server.port) as tree:
        share.publish()
        assert (tree.status_of_open('app/file') ==
                NtStatus.SHARING_VIOLATION)
        share.drain.resume('pkg')
        assert tree.create('app/file').read() == b'new'
        assert tree.create('come/file').read() == b'new'
        assert tree.status_of_open('gone/file') in (
            NtStatus.OBJECT_PATH_NOT_FOUND, NtStatus.OBJECT_NAME_NOT_FOUND)


def test_by_run(share):
    """The same as a command of run"""
    share.drain.resume('pkg')
    share.drain.run('pkg', *share.drain.command('publish', 'pkg',
                                                str(share.new)))
    assert share.is_version('new')
    assert share.drain.records() == {}


def test_and_back(share):
    """Once more is the rollback"""
    for version in ('new', 'old', 'new'):
        share.publish()
        assert share.is_version(version) and share.is_clean()


def test_hard_links(share):
    """The same file on both sides needs nothing"""
    for name in ('same', 'other'):
        (share.root / name).write_text('same')
    (share.new / 'same').hardlink_to(share.root / 'same')
    share.publish()
    assert (share.root / 'same').samefile(share.new / 'same')
    assert not (share.root / 'other').exists()
    assert (share.new / 'other').exists()


def test_nothing_to_do(drained):
    """Two empty directories are the same"""
    server, drain = drained({'pkg': MODULE})
    (server.base / 'new').mkdir()
    done = drain.run('pkg', *drain.command('publish', 'pkg',
                                           str(server.base / 'new')))
    assert 'is published' in done.stdout


# -- killed

@pytest.mark.parametrize('step', range(1, STEPS + 1))
def test_killed_and_again(share, step):
    """At each of its renames; nobody resumes the half; again completes it"""
    share.killed_at(step)
    assert share.mark() == str(share.new)
    assert share.drain.state('pkg') == 'quiescent'
    text = complaint(share.drain.resume('pkg', expect=1))
    assert f'publish pkg {share.new}' in text and '--undo' in text
    assert 'half published' in share.drain.call('status', 'pkg').stdout
    share.publish()
    assert share.is_version('new') and share.is_clean()
    share.drain.resume('pkg')


@pytest.mark.parametrize('step', [1, 2, STEPS // 2, STEPS])
def test_killed_and_back(share, step):
    """--undo goes back, even if it is killed on its way"""
    share.killed_at(step)
    if step > 2:
        share.killed_at(2, '--undo')
    done = share.publish('--undo')
    assert done.stdout == (f'pkg is as it was before; the new version is in '
                           f'{share.new}\n')
    assert share.is_version('old') and share.is_clean()
    share.drain.resume('pkg')


def test_killed_back_and_forth(share):
    """As often as one likes"""
    share.killed_at(5)
    share.killed_at(2, '--undo')
    share.killed_at(3)
    share.publish()
    assert share.is_version('new') and share.is_clean()


@pytest.mark.parametrize('call, when', [
    ('unlinkat', 1), ('unlinkat', 2), ('renameat', 1), ('syncfs', 1),
    ('fsync', 1), ('fsync', 2), ('fsync', 3), ('fsync', 4), ('fsync', 5)])
def test_killed_elsewhere(share, call, when):
    """Before, between and after the renames: again completes it, and what is
    complete is not turned back by that"""
    done = share.publish_under(f'{call}:signal=KILL:when={when}')
    assert done.returncode in (0, -signal.SIGKILL)
    if done.returncode:
        whole = share.is_version('new') or share.is_version('old')
        assert whole or share.mark() == str(share.new)
        if not (share.is_version('new') and share.is_clean()):
            share.publish()
    assert share.is_version('new') and share.is_clean()


def test_crash_of_the_machine(share):
    """The record is persistent, and so is the journal"""
    share.killed_at(4)
    share.server.restart()
    assert share.mark() == str(share.new)
    assert 'half published' in complaint(share.drain.resume('pkg', expect=1))
    share.publish()
    assert share.is_version('new') and share.is_clean()


def test_run_whose_command_was_killed(share):
    """It stays drained; even if the command says that all went well, and with
    --on-failure=resume"""
    share.drain.resume('pkg')
    publish = ' '.join(share.drain.command('publish', 'pkg', str(share.new)))
    script = (f'strace -qq -o /dev/null -e trace=renameat2 -e '
              f'inject=renameat2:signal=KILL:when=3 {publish}; true')
    done = share.drain.run('pkg', '/bin/sh', '-c', script, expect=125,
                           options=['--on-failure=resume'])
    assert 'half published' in done.stderr
    assert share.drain.state('pkg') == 'quiescent'
    share.id = share.drain.status('pkg')['drains'][0]['id']
    share.publish('--undo')
    assert share.is_version('old')


def test_resume_by_force(share):
    """Opens it as it is, half and half"""
    share.killed_at(4)
    share.drain.resume('pkg', '--force')
    assert share.drain.records() == {}
    assert not share.is_version('old') and not share.is_version('new')


def test_resume_all(share):
    """That is not by force"""
    share.killed_at(4)
    share.drain.call('resume', '--all', expect=1)
    assert share.drain.state('pkg') == 'quiescent'


def test_another_directory_meanwhile(share):
    """First that one to its end, or back"""
    share.killed_at(4)
    other = share.server.base / 'other'
    other.mkdir()
    done = share.drain.call('publish', 'pkg', str(other), f'--id={share.id}',
                            expect=1)
    assert str(share.new) in complaint(done)


# -- journals

def test_journal(share):
    """It is there while the work is done, for root only, and can be read"""
    share.killed_at(4)
    assert share.journal.stat().st_mode & 0o777 == 0o600
    journal = json.loads(share.journal.read_text())
    assert journal['drain'] == share.id
    names = {os.fsencode(entry['name']) if 'name' in entry
             else bytes.fromhex(entry['hex']) for entry in journal['entries']}
    assert names == set(BOTH + OLD + NEW)


@pytest.mark.parametrize('text', [
    None, '', 'no JSON', '{}', '[]', '{"version": 2}',
    lambda journal: journal.replace('"drain": "', '"drain": "0'),
    lambda journal: journal[:-20]])
def test_bad_journal(share, text):
    """Half published, and the journal is lost: a person has to look"""
    share.killed_at(4)
    journal = share.journal.read_text()
    share.journal.unlink()
    if text is not None:
        share.journal.write_text(text if isinstance(text, str)
                                 else text(journal))
    for options in ((), ('--undo',)):
        assert 'journal' in complaint(share.publish(*options, expect=1))
    assert share.mark() == str(share.new)
    share.journal.write_text(journal)
    share.publish()
    assert share.is_version('new')


@pytest.mark.parametrize('name', ['../pkg', '.', '..', '', 'a/b'])
def test_hostile_journal(share, name):
    """A name that is none leads nowhere"""
    share.killed_at(4)
    journal = json.loads(share.journal.read_text())
    journal['entries'][0].pop('hex', None)
    journal['entries'][0]['name'] = name
    share.journal.write_text(json.dumps(journal))
    assert 'journal' in complaint(share.publish(expect=1))


def _give_away(journal):
    os.chown(journal, 65534, 65534)


def _make_link(journal):
    journal.rename(journal.with_suffix('.real'))
    journal.symlink_to(journal.with_suffix('.real'))


def _make_fifo(journal):
    journal.unlink()
    os.mkfifo(journal)


@pytest.mark.parametrize('spoil', [_give_away, _make_link, _make_fifo])
def test_journal_of_somebody_else(share, spoil):
    """Only a file that root has made is believed, or waited for"""
    share.killed_at(4)
    spoil(share.journal)
    assert 'journal' in complaint(share.publish(expect=1))


def test_journal_of_an_older_drain(share):
    """What was left of another one is not obeyed"""
    share.killed_at(4)
    journal = share.journal.read_text()
    share.publish('--undo')
    share.drain.resume('pkg')
    share.journal.write_text(journal)
    share.drain.run('pkg', *share.drain.command('publish', 'pkg',
                                                str(share.new)))
    assert share.is_version('new') and not share.journal.exists()


def test_undo_of_nothing(share):
    """Nothing was interrupted"""
    assert 'interrupted' in complaint(share.publish('--undo', expect=1))
    assert share.is_version('old') and share.is_clean()


def test_somebody_was_there(share):
    """An entry that is neither version: nothing more is done until it is"""
    share.killed_at(4)
    # of which the first four have been, or are about to be, exchanged
    os.rename(share.root / 'two words', share.root.parent / 'aside')
    before = share.read(share.root)
    assert 'two words' in complaint(share.publish(expect=1))
    assert share.read(share.root) == before
    os.rename(share.root.parent / 'aside', share.root / 'two words')
    share.publish()
    assert share.is_version('new')


def test_rename_fails(share):
    """It says which, and both ways out"""
    done = share.publish_under('renameat2:error=EIO:when=3')
    assert done.returncode == 1
    assert 'Input/output error' in done.stderr and '--undo' in done.stderr
    share.publish()
    assert share.is_version('new') and share.is_clean()


def mounted(path, size):
    """A small file system"""
    path.mkdir(exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=755',
                    'drain', path], check=True)


def test_disk_full(drained, tmp_path):
    """No room for the journal: nothing has happened"""
    mounted(tmp_path, '2M')
    try:
        share = Share(*drained({'pkg': {**MODULE, 'path': tmp_path / 'pkg'}}),
                      tmp_path / 'new')
        with open(tmp_path / 'filler', 'wb', buffering=0) as file, \
                pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        text = complaint(share.publish(expect=1))
        assert 'journal' in text and 'No space left' in text
        assert share.is_version('old') and share.is_clean()
        assert sorted(os.listdir(tmp_path)) == ['filler', 'new', 'pkg']
        (tmp_path / 'filler').unlink()
        share.publish()
        assert share.is_version('new') and share.is_clean()
    finally:
        subprocess.run(['umount', '-l', tmp_path], check=True)


def test_mount_in_the_share(share):
    """A mount point cannot be renamed: found before anything is done"""
    mounted(share.root / 'app', '1M')
    try:
        assert 'mount point' in complaint(share.publish(expect=1))
    finally:
        subprocess.run(['umount', share.root / 'app'], check=True)
    assert share.is_version('old') and share.is_clean()


def test_other_file_system(share):
    """As for a directory"""
    other = share.server.base / 'other'
    mounted(other, '1M')
    try:
        (other / 'new').mkdir()
        done = share.drain.call('publish', 'pkg', str(other / 'new'),
                                f'--id={share.id}', expect=1)
        assert 'file system' in complaint(done)
    finally:
        subprocess.run(['umount', other], check=True)


# -- what is left alone

@pytest.mark.parametrize('where', ['.smbdrain/new', 'visible/.smbdrain/new'])
def test_staged_in_the_share(drained, where):
    """In a directory that clients do not see, which stays, with what it is
    in; so does all else that they do not see"""
    server, drain = drained({'pkg': {
        **MODULE, 'veto files': '/.smbdrain/*.hidden/'}})
    new = server.share_path('pkg') / where
    new.parent.mkdir(parents=True)
    share = Share(server, drain, new)
    (share.root / 'a.hidden').write_text('old')
    (share.new / 'b.hidden').write_text('new')
    share.publish()
    assert (share.root / 'a.hidden').exists()
    assert (share.new / 'b.hidden').exists()
    assert (share.root / 'app/file').read_text() == 'new'
    assert (share.new / 'gone/file').read_text() == 'old'
    assert share.is_clean()


def test_staged_in_sight(share):
    """As for a directory"""
    share.new = share.new.rename(share.root / 'new')
    assert 'veto files' in complaint(share.publish(expect=1))


def test_root_stays(share):
    """Its rights are its own, and so is it"""
    before = share.root.stat()
    share.new.chmod(0o700)
    os.setxattr(share.new, 'user.x', struct.pack('<I', 1))
    share.publish()
    after = share.root.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
