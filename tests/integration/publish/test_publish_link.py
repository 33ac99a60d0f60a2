"""publish of a symbolic link: current -> release-7 becomes release-8, and the
drain comes to cover release-8 before it does."""

import os
import re
import subprocess
import threading
import time

import pytest

from lib import memcheck
from lib.drain import complaint, ended
from lib.smb2 import Access, NtStatus, connect
from lib.smbd import wait_until
from lib.waiting import HOLD, waits

MODULE = {'vfs objects': 'drain'}
TOOL = 'current/tool.exe'


class Releases:
    """A server with two releases and a link to the first"""

    def __init__(self, server, drain, text='release-7'):
        self.server = server
        self.drain = drain
        self.root = server.share_path('pkg')
        server.put('pkg', 'release-7/tool.exe', b'7')
        server.put('pkg', 'release-8/tool.exe', b'8')
        self.new = self.root / 'release-8'
        self.link = self.root / 'current'
        self.link.symlink_to(text.format(root=self.root))

    def quiesce(self, *options):
        """Begin a drain and wait; its record"""
        self.drain.begin('pkg/current', '--wait', *options)
        return self.record()

    def record(self):
        """As status has it"""
        return self.drain.status('pkg/current')['drains'][0]

    def publish(self, record, new=None, **keywords):
        """With the id of the drain"""
        return self.drain.call('publish', 'pkg/current', str(new or self.new),
                               f'--id={record["id"]}', **keywords)

    def refused(self, record, **keywords):
        """The lines with which it fails; the link and the record stay"""
        text = os.readlink(self.link)
        done = self.publish(record, expect=1, **keywords)
        assert os.readlink(self.link) == text
        assert set(os.listdir(self.root)) == {'current', 'release-7',
                                              'release-8'}
        after = self.record()
        for name in ('state', 'real_paths', 'publishing'):
            assert after[name] == record[name]
        return done.stderr


@pytest.fixture(name='releases')
def _releases(drained):
    return Releases(*drained({'pkg': MODULE}))


def test_published(releases):
    """Clients that come through the link get the new release"""
    with connect(releases.server.port) as tree:
        handle = tree.create(TOOL)
        assert handle.read() == b'7'
        handle.close()
        record = releases.quiesce()
        done = releases.publish(record)
        assert done.stdout == ('pkg/current is published; the old version is '
                               f'in {releases.root}/release-7\n')
        assert done.stderr == ''
        assert tree.status_of_open(TOOL) == NtStatus.SHARING_VIOLATION
        releases.drain.resume('pkg/current')
        assert tree.create(TOOL).read() == b'8'
        assert tree.create('release-7/tool.exe').read() == b'7'


def test_by_run(releases):
    """As a command of run"""
    releases.drain.run('pkg/current', *releases.drain.command(
        'publish', 'pkg/current', str(releases.new)))
    assert releases.link.readlink().name == 'release-8'
    assert releases.drain.records() == {}


def test_and_back(releases):
    """The other one is the rollback, within one drain too"""
    record = releases.quiesce()
    for name in ('release-8', 'release-7', 'release-8'):
        releases.publish(record, releases.root / name)
        assert os.readlink(releases.link) == name


@pytest.mark.parametrize('text, after', [
    ('release-7', 'release-8'), ('./release-7/.', 'release-8'),
    ('{root}/release-7', '{root}/release-8')])
def test_relative_or_absolute(drained, text, after):
    """It is written as it was"""
    releases = Releases(*drained({'pkg': MODULE}), text=text)
    releases.publish(releases.quiesce())
    assert os.readlink(releases.link) == after.format(root=releases.root)


def test_owner(releases):
    """Of the link itself"""
    os.chown(releases.link, 12, 34, follow_symlinks=False)
    releases.publish(releases.quiesce())
    found = os.lstat(releases.link)
    assert (found.st_uid, found.st_gid) == (12, 34)


def test_links_elsewhere(drained):
    """A link in a directory of its own, to a release in another"""
    server, drain = drained({'pkg': MODULE})
    server.put('pkg', 'store/1/tool.exe', b'1')
    server.put('pkg', 'store/two words\n/tool.exe', b'2')
    server.put('pkg', 'bin/x', b'')
    link = server.share_path('pkg') / 'bin' / 'current'
    link.symlink_to('../store/1')
    new = server.share_path('pkg') / 'store' / 'two words\n'
    drain.run('pkg/bin/current', *drain.command('publish', 'pkg/bin/current',
                                                str(new)))
    assert os.readlink(link) == '../store/two words\n'


def test_new_release_is_drained(releases):
    """From before the link is changed until resume"""
    with connect(releases.server.port) as tree:
        record = releases.quiesce()
        assert (tree.status_of_open('release-8/tool.exe') ==
                NtStatus.SUCCESS)
        releases.publish(record)
        assert (tree.status_of_open('release-8/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        assert (tree.status_of_open('release-7/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        assert str(releases.new) in releases.record()['real_paths']
        releases.drain.resume('pkg/current')
        assert (tree.status_of_open('release-8/tool.exe') ==
                NtStatus.SUCCESS)


@pytest.mark.parametrize('options', [(), ('--let-holders-finish',)], ids=len)
def test_new_release_in_use(releases, options):
    """Who has it open is named, the drain covers what it covered, and opens
    there are granted again"""
    with connect(releases.server.port) as tree:
        record = releases.quiesce(*options)
        handle = tree.create('release-8/tool.exe', Access.READ)
        text = releases.refused(record)
        assert 'files open in it' in text and 'tool.exe' in text
        assert handle.read() == b'8'
        assert tree.status_of_open('release-8/tool.exe') == NtStatus.SUCCESS
        assert tree.status_of_open(TOOL) == NtStatus.SHARING_VIOLATION
        handle.close()
        releases.publish(record)
    assert releases.link.readlink().name == 'release-8'


def test_who_used_the_new_release_waits(releases):
    """With --new-opens=hold: what it covers no more makes nobody a holder"""
    with connect(releases.server.port) as tree:
        record = releases.quiesce(HOLD)
        handle = tree.create('release-8/tool.exe', Access.READ)
        locks = releases.drain.locks()
        assert 'files open in it' in releases.refused(record)
        assert releases.drain.locks() == locks
        asked = tree.create_nowait(TOOL)
        assert waits(asked)
        releases.drain.resume('pkg/current')
        assert asked.status(10) == NtStatus.SUCCESS
        handle.close()


def test_grace_ends_with_quiescence(releases):
    """A client that has the new release open opens nothing in the old one,
    though it would be let finish"""
    with connect(releases.server.port) as tree:
        record = releases.quiesce('--let-holders-finish')
        handle = tree.create('release-8/tool.exe')
        process = releases.drain.start('publish', 'pkg/current',
                                       str(releases.new),
                                       f'--id={record["id"]}')
        tries = 0
        with ended(process):
            while process.poll() is None:
                assert (tree.status_of_open(TOOL)
                        == NtStatus.SHARING_VIOLATION)
                tries += 1
            assert process.returncode == 1
        assert tries > 0
        handle.close()


def test_client_that_does_not_stop(releases):
    """S1: a client that opens the new release again and again while it is
    published is refused from the moment on in which the link changes"""
    granted = []
    stop = threading.Event()

    def open_often():
        with connect(releases.server.port) as tree:
            while not stop.is_set():
                before = time.monotonic()
                status = tree.status_of_open('release-8/tool.exe')
                if status == NtStatus.SUCCESS:
                    granted.append(before)
                else:
                    assert status == NtStatus.SHARING_VIOLATION

    threads = [threading.Thread(target=open_often) for _ in range(4)]
    record = releases.quiesce()
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: granted, 10, 'clients')
        time.sleep(0.3)
        releases.publish(record)
        done = time.monotonic()
        time.sleep(0.3)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert max(granted) < done
    releases.drain.resume('pkg/current')


def test_way_past_the_module(releases):
    """A share without it that reaches the new release only"""
    record = releases.quiesce()
    releases.server.set_share('plain', {'path': releases.new})
    assert 'plain' in releases.refused(record)


def test_outside_of_the_share(releases):
    """Clients could not follow the link"""
    record = releases.quiesce()
    new = releases.server.base / 'new'
    new.mkdir()
    assert 'in share pkg' in releases.refused(record, new=new)
    assert releases.refused(record, new=releases.root)


def test_no_directory(releases):
    """As for the other kinds"""
    record = releases.quiesce()
    assert 'No such file' in releases.refused(
        record, new=releases.root / 'release-9')
    assert 'Not a directory' in releases.refused(
        record, new=releases.new / 'tool.exe')


def test_where_it_leads_already(releases):
    """Nothing to do is a mistake"""
    record = releases.quiesce()
    assert 'the present version' in releases.refused(record, new=releases.root / 'current')


def test_drain_of_the_release(releases):
    """A drain of what the link leads to is not one of the link"""
    releases.drain.begin('pkg/release-7', '--wait')
    number = releases.drain.status('pkg/release-7')['drains'][0]['id']
    done = releases.drain.call('publish', 'pkg/current', str(releases.new),
                               f'--id={number}', expect=1)
    assert 'pkg/release-7' in complaint(done)


def test_names_of_clients(releases):
    """A client that may write beside the link is in nobody's way, whatever it
    makes there, and the dry run agrees"""
    with connect(releases.server.port) as tree:
        for name in ('.smbdrain-link', '.smbdrain-link-', '.smbdrain-current'):
            tree.make_directory(name)
    releases.drain.call('publish', 'pkg/current', str(releases.new),
                        '--dry-run')
    releases.drain.call('run', 'pkg/current', f'--publish={releases.new}')
    assert os.readlink(releases.link) == 'release-8'
    assert (releases.root / '.smbdrain-link').is_dir()


NAME = '.smbdrain-link-{}-0123456789abcdef'
OVER = '01234567-89ab-cdef-0123-456789abcdef'


def test_no_name_can_be_foreseen(drained, tmp_path):
    """Nor learned from the publish before, in the same drain"""
    releases = Releases(*drained({'pkg': MODULE}))
    record = releases.quiesce()
    names = set()
    for number, release in enumerate(('release-8', 'release-7')):
        trace = tmp_path / str(number)
        command = releases.drain.command(
            'publish', 'pkg/current', str(releases.root / release),
            f'--id={record["id"]}')
        subprocess.run(['strace', '-qq', '-f', '-s', '200', '-o', trace, '-e',
                        'trace=symlinkat', *memcheck.traceable(command)],
                       check=True, timeout=60)
        names |= set(re.findall(r'"(\.smbdrain-link-\S+)"',
                                trace.read_text()))
    assert len(names) == 2
    assert {name.rpartition('-')[0] for name in names} == {
        f'.smbdrain-link-{record["id"]}'}


def test_killed_before(releases):
    """It left a link behind: the next publish removes it, of the same drain or
    one that is over. What is no such link, or is another user's, or belongs to
    another drain in force, stays."""
    releases.server.put('pkg', 'other/tool.exe', b'')
    releases.drain.begin('pkg/other')
    other = releases.drain.status('pkg/other')['drains'][0]['id']
    record = releases.quiesce()
    left = releases.root / NAME.format(record['id'])
    old = releases.root / NAME.format(OVER)
    kept = [releases.root / name for name in (
        NAME.format(other), NAME.format(OVER) + '-users',
        NAME.format(OVER) + '-file', '.smbdrain-link-mine')]
    for link in (left, old, kept[0], kept[1], kept[3]):
        link.symlink_to('/etc')
    os.chown(kept[1], 4321, 4321, follow_symlinks=False)
    kept[2].touch()
    releases.publish(record)
    assert not os.path.lexists(left) and not os.path.lexists(old)
    assert all(map(os.path.lexists, kept))


def test_dry_run(releases):
    """Says and changes nothing"""
    done = releases.drain.call('publish', 'pkg/current', str(releases.new),
                               '--dry-run')
    assert (done.stdout, done.stderr) == ('', '')
    assert releases.link.readlink().name == 'release-7'
