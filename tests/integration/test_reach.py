"""Shares that reach the target, wherever they are configured.

smb.conf is more than a file: the registry and users have shares of their own,
and what a client is connected to may have changed since.
"""

import pytest

from lib.smb2 import NtStatus, connect

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
WITH = {'vfs objects': 'drain'}
NET = '/usr/bin/net'


# -- shares in the registry

@pytest.fixture
def registry(drained):
    """A server with shares in the registry: ``server, drain, add = registry()``

    add(name, path) makes one, with or without the module.
    """
    def start():
        server, drain = drained({'pkg': WITH}, {'registry shares': 'yes'})
        server.put('pkg', TOOL, b'MZ')

        def add(name, path, *, module=False):
            path.mkdir(exist_ok=True)
            server.run(NET, 'conf', 'addshare', name, path, 'writeable=y',
                       'guest_ok=y')
            if module:
                server.run(NET, 'conf', 'setparm', name, 'vfs objects',
                           'drain')

        return server, drain, add

    return start


def test_registry_share_without_the_module(registry):
    """It is named, connected to or not; check finds it too"""
    server, drain, add = registry()
    add('side', server.share_path('pkg') / 'app')
    done = drain.begin('pkg', expect=1)
    assert 'share side' in done.stderr and 'client' not in done.stderr
    with connect(server.port, 'side'):
        done = drain.begin('pkg', expect=1)
        assert 'connected to share side without the module' in done.stderr
    done = drain.call('check', 'pkg', expect=1)
    assert 'share side' in done.stderr


def test_registry_share_elsewhere_does_not_matter(registry):
    """Nor do its clients"""
    server, drain, add = registry()
    add('side', server.base / 'shares' / 'side')
    (server.base / 'shares' / 'side' / 'file').touch()
    with connect(server.port, 'side') as tree:
        drain.begin('pkg', '--wait')
        assert tree.status_of_open('file') == OPEN


def test_registry_share_is_a_target(registry):
    """With the module it is a share like all others"""
    server, drain, add = registry()
    add('deep', server.share_path('pkg') / 'app', module=True)
    drain.call('check', 'deep')
    with connect(server.port, 'deep') as tree, connect(server.port) as other:
        handle = tree.create('tool.exe')
        drain.begin('deep')
        assert tree.status_of_open('tool.exe') == REFUSED
        assert other.status_of_open(TOOL) == REFUSED
        drain.wait('deep', '--timeout=1', expect=124)
        handle.close()
        drain.wait('deep')


# -- shares of users

@pytest.fixture
def users(drained):
    """A server where users may share: ``server, drain, add = users()``"""
    def start(shares=None, global_options=None):
        server, drain = drained(shares or {'pkg': WITH}, {
            'usershare path': '', 'usershare allow guests': 'yes',
            'usershare owner only': 'no',
            'usershare max shares': 100, **(global_options or {})})
        server.put('pkg', TOOL, b'MZ')
        directory = server.base / 'usershares'
        directory.mkdir()
        directory.chmod(0o1770)
        server.global_options['usershare path'] = directory
        server.write_conf()
        server.reload()

        def add(name, path):
            path.mkdir(exist_ok=True)
            server.run(NET, 'usershare', 'add', name, path, '', 'S-1-1-0:F',
                       'guest_ok=y')

        return server, drain, add

    return start


def test_usershare_without_the_module(users):
    """It is named, connected to or not; check finds it too"""
    server, drain, add = users()
    add('side', server.share_path('pkg') / 'app')
    done = drain.begin('pkg', expect=1)
    assert 'share side' in done.stderr and 'client' not in done.stderr
    with connect(server.port, 'side'):
        done = drain.begin('pkg', expect=1)
        assert 'connected to share side without the module' in done.stderr
    done = drain.call('check', 'pkg', expect=1)
    assert 'share side' in done.stderr


def test_usershare_elsewhere_does_not_matter(users):
    """Nor do its clients"""
    server, drain, add = users()
    add('side', server.base / 'shares' / 'side')
    (server.base / 'shares' / 'side' / 'file').touch()
    with connect(server.port, 'side') as tree:
        drain.begin('pkg', '--wait')
        assert tree.status_of_open('file') == OPEN


def test_usershare_is_a_target(users):
    """If the share that is the template of all such shares has the module"""
    server, drain, add = users(
        {'pkg': WITH, 'any': {**WITH, '-valid': 'no'}},
        {'usershare template share': 'any'})
    add('deep', server.share_path('pkg') / 'app')
    with connect(server.port, 'deep') as tree, connect(server.port) as other:
        drain.begin('deep', '--wait')
        assert tree.status_of_open('tool.exe') == REFUSED
        assert other.status_of_open(TOOL) == REFUSED


def test_directory_of_usershares_is_not_there(drained):
    """Nobody has made it yet: that is no complaint"""
    server, drain = drained(None, {'usershare path': '/nonexistent'})
    with connect(server.port):
        assert drain.begin('pkg').stderr == ''
