"""publish, where somebody may write who renames things while it is at work.

publish stops itself in the moment in which that hurts most.
"""

import contextlib
import os
import re
from pathlib import Path

import pytest

from lib.drain import ended
from lib.faults import at_stop, stops_at
from lib.publish import Package

MODULE = {'vfs objects': 'drain'}
USER = 1234
LINK = '.smbdrain-link-*'   # what publish makes beside the old one


@pytest.fixture(name='publishing')
def _publishing(preloaded):
    """``publishing(drain, words, meanwhile, ...)``: a publish with stops_at(),
    and what is done in that moment; its exit status and standard error"""
    def publish(drain, words, meanwhile, *stop, **keywords):
        process = drain.start(
            'publish', *map(str, words),
            env={**os.environ, **preloaded(stops_at(*stop, **keywords))})
        with ended(process):
            with at_stop(process):
                meanwhile()
            _, text = process.communicate(timeout=30)
        return process.returncode, text

    return publish


def replace(path, aside):
    """Another directory, a user's, is there; the one that was is elsewhere"""
    path.rename(aside)
    path.mkdir()
    os.chown(path, USER, USER)


def put_back(path, aside):
    """As before"""
    path.rmdir()
    aside.rename(path)


# -- a directory

@pytest.mark.parametrize('which', ['old', 'new'])
def test_directory(drained, publishing, which):
    """The wrong one was exchanged: that is undone"""
    package = Package(*drained({'pkg': MODULE}))
    path = package.path if which == 'old' else package.new
    aside = package.server.base / 'aside'
    words = [package.target, package.new, f'--id={package.quiesce()}']
    status, text = publishing(package.drain, words,
                              lambda: replace(path, aside), 'renameat2')
    assert status == 1 and 'at the same time' in text
    assert path.stat().st_uid == USER and not list(path.iterdir())
    assert package.version(aside) == which
    put_back(path, aside)
    assert package.version() == 'old'
    package.publish(words[-1])
    assert package.version() == 'new'


def test_directory_before(drained):
    """One that was replaced before is the target, as for clients: the new
    version gets its place and the rights of its top, and no more"""
    package = Package(*drained({'pkg': MODULE}))
    aside = package.server.base / 'aside'
    number = package.quiesce()
    replace(package.path, aside)
    package.publish(f'--id={number}')
    assert package.version() == 'new'
    assert package.path.stat().st_uid == USER
    assert not list(package.new.iterdir())
    for path in (aside, *aside.rglob('*'), *package.path.rglob('*')):
        assert path.stat().st_uid == 0
    assert package.version(aside) == 'old'


# -- the root of a share

OLD = ('app', 'gone', 'last')
NEW = ('app', 'come', 'last')
SORTED = ('app', 'come', 'gone', 'last')    # the order of the steps


class Share:
    """One with three directories, and a new version of it"""

    def __init__(self, server, drain):
        self.drain = drain
        self.root = server.share_path('pkg')
        self.new = server.base / 'new'
        self.aside = server.base / 'aside'
        for top, names in ((self.root, OLD), (self.new, NEW)):
            for name in names:
                (top / name).mkdir(parents=True)
                (top / name / top.name).touch()
        drain.begin('pkg', '--wait')
        number = drain.status('pkg')['drains'][0]['id']
        self.words = ['pkg', str(self.new), f'--id={number}']

    def goes_on(self):
        """What was in the way is not any more"""
        assert self.drain.status('pkg')['drains'][0]['publishing'] == str(
            self.new)
        self.drain.call('publish', *self.words)
        for top, names, version in ((self.root, NEW, 'new'),
                                    (self.new, OLD, 'pkg')):
            assert sorted(os.listdir(top)) == sorted(names)
            assert {os.listdir(top / name)[0] for name in names} == {version}
        self.drain.resume('pkg')


@pytest.fixture(name='share')
def _share(drained):
    return Share(*drained({'pkg': MODULE}))


@pytest.mark.parametrize('name, where', [
    ('app', 'old'), ('app', 'new'), ('come', 'new'), ('gone', 'old')])
def test_root(share, publishing, name, where):
    """The wrong entry was exchanged, brought in or taken out: that is undone,
    and nothing more is done"""
    path = (share.root if where == 'old' else share.new) / name
    status, text = publishing(share.drain, share.words,
                              lambda: replace(path, share.aside), 'renameat2',
                              SORTED.index(name) + 1)
    assert status == 1 and 'half published' in text
    assert re.search(f'{name}: .* at the same time', text)
    assert path.stat().st_uid == USER
    assert os.listdir(share.root / 'last') == ['pkg']
    put_back(path, share.aside)
    share.goes_on()


def test_root_just_before(share, publishing):
    """An entry whose turn has not come is not the one that was planned"""
    path = share.root / 'last'
    status, text = publishing(share.drain, share.words,
                              lambda: replace(path, share.aside), 'renameat2')
    assert status == 1 and 'half published' in text
    assert re.search('last: .* at the same time', text)
    assert path.stat().st_uid == USER
    put_back(path, share.aside)
    share.goes_on()


def test_root_afterwards(share, publishing):
    """An entry whose turn is over: that is no success"""
    path = share.root / 'app'
    status, text = publishing(share.drain, share.words,
                              lambda: replace(path, share.aside), 'renameat2',
                              len(SORTED))
    assert status == 1 and 'half published' in text
    assert 'pkg: another process has renamed entries of it' in text
    put_back(path, share.aside)
    share.goes_on()


# -- a link

def _twins(path):
    """The same text, and another name"""
    path.symlink_to('release-8')
    os.link(path, path.with_name('twin'), follow_symlinks=False)


VICTIMS = {'directory': Path.mkdir, 'file': Path.touch,
           'link': lambda path: path.symlink_to('/etc'), 'twins': _twins}


@pytest.fixture(name='link')
def _link(drained):
    """A user's, in the root of a drained share: its path and the drain"""
    server, drain = drained({'pkg': MODULE})
    for name in ('release-7', 'release-8'):
        server.put('pkg', f'{name}/tool.exe', name.encode())
    link = server.share_path('pkg') / 'current'
    link.symlink_to('release-7')
    os.chown(link, USER, USER, follow_symlinks=False)
    drain.begin('pkg/current', '--wait')
    return link, drain


@contextlib.contextmanager
def opened(path):
    """Whatever it is, and wherever it will be"""
    file = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    yield file
    os.close(file)


@pytest.mark.parametrize('call, kind', [
    *(('symlinkat', kind) for kind in VICTIMS),
    ('fchownat', 'directory'), ('renameat', 'file')])
def test_link(link, publishing, call, kind):
    """The owner of the old one gets the new link, and nothing else that he has
    renamed to be in its place"""
    link, drain = link
    victim = link.with_name('victim')
    VICTIMS[kind](victim)
    before = drain.status('pkg/current')['drains'][0]

    def swap():
        new, = link.parent.glob(LINK)
        new.rename(link.with_name('mine'))
        victim.rename(new)

    with opened(victim) as file:
        status, text = publishing(
            drain, ['pkg/current', link.with_name('release-8'),
                    f'--id={before["id"]}'],
            swap, call, after=call == 'symlinkat')
        assert os.fstat(file).st_uid == 0
    assert status == 1 and 'cannot replace the symbolic link' in text
    after = drain.status('pkg/current')['drains'][0]
    assert after['real_paths'] == before['real_paths']
