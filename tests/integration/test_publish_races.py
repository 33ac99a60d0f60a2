"""publish, where somebody may write who renames things while it is at work.

publish stops itself in the moment in which that hurts most.
"""

import contextlib
import os
from pathlib import Path

import pytest

from lib.drain import ended
from lib.faults import at_stop, stops_at
from lib.publish import Package

MODULE = {'vfs objects': 'drain'}
USER = 1234
LINK = '.smbdrain-link'     # what publish makes beside the old one


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
    assert status == 1 and 'in that very moment' in text
    assert path.stat().st_uid == USER and not list(path.iterdir())
    assert package.version(aside) == which
    put_back(path, aside)
    assert package.version() == 'old'
    package.publish(words[-1])
    assert package.version() == 'new'


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
        link.with_name(LINK).rename(link.with_name('mine'))
        victim.rename(link.with_name(LINK))

    with opened(victim) as file:
        status, text = publishing(
            drain, ['pkg/current', link.with_name('release-8'),
                    f'--id={before["id"]}'],
            swap, call, after=call == 'symlinkat')
        assert os.fstat(file).st_uid == 0
    assert status == 1 and 'current: can not be replaced' in text
    after = drain.status('pkg/current')['drains'][0]
    assert after['real_paths'] == before['real_paths']
