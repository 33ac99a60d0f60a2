"""Targets that are none: a path, a UNC name. The right one is named."""

import os
import subprocess

import pytest

from lib.drain import Drain, complaint
from lib.smbd import PrivateSmbd
from lib.update import BUILD

MODULE = {'vfs objects': 'drain'}


@pytest.fixture(name='place', scope='module')
def _place():
    """Shares in shares, links to directories; no smbd: ``server, tool``"""
    if os.geteuid() != 0:
        pytest.skip('needs root')
    server = PrivateSmbd('meant', {'pkg': MODULE, 'Inner': MODULE,
                                   'plain': {}, 'all': MODULE})
    for name in 'office/app.exe', 'release-7/app.exe', 'inner/deep/file':
        server.put('pkg', name, b'MZ')
    pkg = server.share_path('pkg')
    (pkg / 'current').symlink_to('release-7')
    (server.base / 'link').symlink_to(pkg)
    server.shares['Inner']['path'] = pkg / 'inner'
    server.shares['plain']['path'] = pkg / 'office'
    server.shares['all']['path'] = pkg.parent
    server.write_conf()
    yield server, Drain(server)
    server.close()


VERBS = (('begin',), ('wait',), ('run', '--', 'true'), ('resume',),
         ('status',), ('holders',), ('close',), ('monitor',), ('check',),
         ('publish', '/nowhere'), ('top',))


@pytest.mark.parametrize('verb', VERBS, ids=lambda verb: verb[0])
def test_every_verb(place, verb):
    """With the status of a wrong command line, and that of run"""
    server, tool = place
    path = f'{server.share_path("pkg")}/release-7'
    done = tool.call(verb[0], path, *verb[1:], timeout=20,
                     expect=125 if verb[0] == 'run' else 2)
    assert done.stdout == ''
    assert complaint(done) == (
        f'cannot use {path} as a target: a share name is missing; '
        'write SHARE or SHARE/PATH; did you mean pkg/release-7?')


@pytest.mark.parametrize('typed, meant', [
    ('{pkg}', 'pkg'), ('{pkg}/', 'pkg'), ('{pkg}/release-7/', 'pkg/release-7'),
    ('{pkg}/release-7/app.exe', 'pkg/release-7'),
    ('{pkg}/inner', 'Inner'), ('{pkg}/inner/deep', 'Inner/deep'),
    ('{pkg}/./inner/../release-7', 'pkg/release-7'),
    ('{pkg}/current', 'pkg/current'), ('{pkg}/current/', 'pkg/current'),
    ('{base}/link', 'pkg'), ('{base}/link/release-7', 'pkg/release-7'),
    ('{base}/link/current', 'pkg/current'),
    ('{pkg}/office', 'pkg/office'),
    ('{pkg}/..', 'all'),
    ('//server/pkg/release-7', 'pkg/release-7'), ('//server/pkg', 'pkg'),
    ('//SERVER/PKG/release-7/', 'pkg/release-7'),
    (r'\\server\pkg\release-7', 'pkg/release-7'), (r'\\server\pkg', 'pkg'),
    (r'\\10.0.0.1\inner\deep', 'Inner/deep'),
    ('smb://server/pkg/release-7', 'pkg/release-7'),
    (r'pkg\release-7', 'pkg/release-7')])
def test_meant(place, typed, meant):
    """The share whose path is the longest that contains it and that has the
    module; a link by its own name"""
    server, tool = place
    typed = typed.format(pkg=server.share_path('pkg'), base=server.base)
    said = complaint(tool.call('status', typed, expect=2))
    typed = typed.replace('\\', '\\x5c')
    assert said.startswith(f'cannot use {typed} as a target: ')
    assert said.endswith(f'; did you mean {meant}?')


@pytest.mark.parametrize('where, typed, meant', [
    ('release-7', '.', 'pkg/release-7'), ('', '.', 'pkg'),
    ('', './release-7', 'pkg/release-7'), ('inner/deep', '..', 'Inner')])
def test_working_directory(place, where, typed, meant):
    """Of who types it"""
    server, tool = place
    said = complaint(tool.call('begin', typed, expect=2,
                               cwd=server.share_path('pkg') / where))
    assert said.endswith(f'; did you mean {meant}?')


def test_directory_for_a_share(place):
    """A name that would be a target but for its share"""
    server, tool = place
    done = tool.call('begin', 'release-7', expect=1, cwd=server.base / 'link')
    # begin looks for smbd first
    assert 'smbd is not running' in complaint(done)
    done = tool.call('check', 'release-7', expect=1, cwd=server.base / 'link')
    assert complaint(done) == (
        'cannot find share release-7: smb.conf has no share of that name; '
        'did you mean pkg/release-7?')


@pytest.mark.parametrize('typed', [
    '/', '/nowhere', '/etc', '//server/none/app', r'\\server\none\app',
    r'\\server', '//server', '..', 'a//b', r'none\app', ''])
def test_nothing_is_meant(place, typed):
    """Then nothing is made up"""
    _, tool = place
    assert 'did you mean' not in complaint(tool.call('status', typed, expect=2,
                                                     cwd='/'))


def test_smb_conf_that_cannot_be_read(place, tmp_path):
    """The answer is the same but for the suggestion"""
    server, tool = place
    done = subprocess.run([tool.program, '-s', tmp_path / 'none', 'status',
                           server.share_path('pkg')], text=True,
                          capture_output=True, timeout=20, check=False)
    assert done.returncode == 2
    assert complaint(done).endswith('write SHARE or SHARE/PATH')


def test_updater(place, tmp_path):
    """What smbdrain says is what smbdrain-update says"""
    server, _ = place
    path = f'{server.share_path("pkg")}/release-7'
    done = subprocess.run(
        [os.path.join(BUILD, 'smbdrain-update'), '-s', server.conf, path,
         tmp_path], text=True, capture_output=True, timeout=30, check=False)
    assert done.returncode == 2 and done.stdout == ''
    assert done.stderr.endswith('; did you mean pkg/release-7?\n')
