"""Shares that reach the target, wherever they are configured.

smb.conf is more than a file: the registry and users have shares of their own,
and what a client is connected to may have changed since.
"""

import contextlib
import os
import socket
import threading
import time
from pathlib import Path

import pytest
import tdb

from lib.drain import ended
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
WITH = {'vfs objects': 'drain'}
NET = '/usr/bin/net'


def check_that_it_is_named(server, drain, add):
    """A share that is added in the target, without the module"""
    add('side', server.share_path('pkg') / 'app')
    done = drain.begin('pkg', expect=1)
    assert 'share side' in done.stderr and 'client' not in done.stderr
    with connect(server.port, 'side'):
        done = drain.begin('pkg', expect=1)
        assert 'connected to share side without the module' in done.stderr
    done = drain.call('check', 'pkg', expect=1)
    assert 'share side' in done.stderr


def check_that_it_does_not_matter(server, drain, add):
    """One that is added elsewhere, and its clients"""
    add('side', server.base / 'shares' / 'side')
    (server.base / 'shares' / 'side' / 'file').touch()
    with connect(server.port, 'side') as tree:
        drain.begin('pkg', '--wait')
        assert tree.status_of_open('file') == OPEN


# -- shares in the registry

@pytest.fixture
def registry(drained):
    """A server with shares in the registry: ``server, drain, add = registry()``

    add(name, path) makes one, with or without the module.
    """
    def start(option='registry shares'):
        value = {'registry shares': 'yes', 'include': 'registry'}[option]
        server, drain = drained({'pkg': WITH}, {option: value})
        if option == 'include':
            server.run(NET, 'conf', 'setparm', 'global', 'registry shares',
                       'yes')
            server.reload()
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


@pytest.mark.parametrize('option', ['registry shares', 'include'])
def test_registry_share_without_the_module(registry, option):
    """It is named, connected to or not; check finds it too"""
    check_that_it_is_named(*registry(option))


def test_registry_share_elsewhere_does_not_matter(registry):
    """Nor do its clients"""
    check_that_it_does_not_matter(*registry())


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
    check_that_it_is_named(*users())


def test_usershare_elsewhere_does_not_matter(users):
    """Nor do its clients"""
    check_that_it_does_not_matter(*users())


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


def test_usershare_that_is_closed_changes_while_begin_looks(users):
    """Its file is a newer one each time that somebody looks for the share"""
    server, drain, add = users(
        {'pkg': WITH, 'any': {'-valid': 'no'}},
        {'usershare template share': 'any', 'log level': 1})
    add('deep', server.base / 'shares' / 'deep')
    file = server.base / 'usershares' / 'deep'
    stop = threading.Event()

    def touch():
        while not stop.wait(0.001):
            os.utime(file)

    thread = threading.Thread(target=touch)
    with connect(server.port, 'deep'):
        server.shares['any']['available'] = 'no'
        server.write_conf()
        thread.start()
        try:
            for _ in range(5):
                drain.begin('pkg')
                drain.resume('pkg')
        finally:
            stop.set()
            thread.join()


def test_directory_of_usershares_is_not_there(drained):
    """Nobody has made it yet: that is no complaint"""
    server, drain = drained(None, {'usershare path': '/nonexistent'})
    with connect(server.port):
        assert drain.begin('pkg').stderr == ''


# -- clients of a share that is not what it was

@pytest.fixture
def aside(drained):
    """A server with a share beside pkg: ``server, drain = aside(path)``

    path: a directory, relative to those of all shares.
    """
    def start(path):
        server, drain = drained({'pkg': WITH})
        server.put('pkg', TOOL, b'MZ')
        server.set_share('side', {'path': server.base / 'shares' / path})
        server.put('side', 'file')
        server.reload()
        return server, drain

    return start


def _disconnected_it_arms(server, drain):
    server.smbcontrol('smbd', 'close-share', 'side')
    drain.begin('pkg')


def test_share_is_not_available_any_more(aside):
    """Whoever is connected to it stays, and is named"""
    server, drain = aside('pkg/app')
    with connect(server.port, 'side') as tree:
        drain.begin('pkg', expect=1)
        server.set_share('side', {'available': 'no'})
        server.reload()
        done = drain.begin('pkg', expect=1)
        assert tree.status_of_open('file') == OPEN
        assert 'connected to share side' in done.stderr
        assert 'share side (' not in done.stderr  # nobody else gets in
        _disconnected_it_arms(server, drain)


def test_path_of_share_is_not_there_any_more(aside):
    """So does who was connected when it was a link to the package"""
    server, drain = aside('side')
    link = server.base / 'link'
    link.symlink_to(server.share_path('pkg'))
    server.set_share('side', {'path': link})
    server.reload()
    with connect(server.port, 'side') as tree:
        link.unlink()
        done = drain.begin('pkg', expect=1)
        assert tree.status_of_open(TOOL) == OPEN
        assert 'share side, whose path no longer exists' in done.stderr
        _disconnected_it_arms(server, drain)


def test_path_that_nobody_is_connected_to(aside):
    """A share of a disk that is not mounted is no obstacle"""
    server, drain = aside('side')
    server.shares['side']['path'] = server.base / 'nowhere'
    server.write_conf()
    server.reload()
    drain.begin('pkg')


@pytest.mark.parametrize('change', [{'available': 'no'}, {'comment': 'x'}],
                         ids=str)
def test_share_elsewhere_that_was_changed(aside, change):
    """Clients that were connected before are no obstacle"""
    server, drain = aside('side')
    with connect(server.port, 'side') as tree:
        server.set_share('side', change)
        drain.begin('pkg', '--wait')
        assert tree.status_of_open('file') == OPEN


def test_printers(drained):
    """Nor is who is connected to a printer, of smb.conf or of the system"""
    server, drain = drained({'pkg': WITH, 'printers': {'printable': 'yes'},
                             'dot': {'printable': 'yes'}})
    with contextlib.closing(tdb.open(
            str(server.base / 'lock' / 'printer_list.tdb'),
            tdb_flags=tdb.INCOMPATIBLE_HASH,
            flags=os.O_RDWR | os.O_CREAT)) as printers:
        printers[b'PRINTERLIST/PRN/LASER\0'] = bytes(11)
    with connect(server.port, 'dot') as tree:
        tree.session.tree('laser')
        tree.session.tree('IPC$')
        drain.begin('pkg', '--wait')


# -- what smb.conf is made of, and an smbd that has not read it again

def _file_of_share(server, options):
    """pkg as a file that smb.conf may include"""
    return ''.join(f'{key} = {value}\n' for key, value in
                   {'[pkg]\npath': server.base / 'shares' / 'pkg',
                    'read only': 'no', 'guest ok': 'yes', **options}.items())


@pytest.fixture
def included(drained):
    """pkg is in a file that smb.conf includes: ``server, drain, write =``

    write(options) writes that file; smbd has read all of it since.
    """
    def start(options, name='pkg.conf', more='', **keywords):
        host = socket.gethostname().partition('.')[0]
        server, drain = drained({'pkg': {}, 'other': {}}, **keywords)
        server.put('pkg', TOOL, b'MZ')
        del server.shares['pkg']

        def write(options):
            new = server.base / 'new.conf'
            new.write_text(_file_of_share(server, options))
            new.rename(server.base / name.replace('%h', host))

        write(options)
        (server.base / 'in.conf').write_text(
            f'include = {server.base}/{name}\n{more}\n')
        server.global_options['include'] = server.base / 'in.conf'
        server.write_conf()
        server.restart()
        return server, drain, write

    return start


def _is_closed_to(client):
    """Who connects to the share now is refused"""
    assert client.session.tree('pkg').status_of_open(TOOL) == REFUSED


@pytest.mark.parametrize('name', ['pkg.conf', 'pkg.%h'])
def test_module_is_added_in_an_include(included, name):
    """In one in another one; with a %-substitution"""
    server, drain, write = included({}, name)
    with connect(server.port, 'other') as other:
        write(WITH)
        drain.begin('pkg/app')
        _is_closed_to(other)


def test_module_is_taken_away_in_an_include(included):
    """After begin: the next look sees it"""
    server, drain, write = included(WITH)
    with connect(server.port) as holder:
        holder.create(TOOL)
        drain.begin('pkg/app')
        write({})
        server.reload()
        _stays_armed(server, drain, holder, 'pkg')


def _stays_armed(server, drain, holder, share):
    """While a handle that came past the module is open, nothing is empty; then
    smb.conf is looked at"""
    waiter = drain.start('wait', 'pkg/app')
    with ended(waiter), connect(server.port, share) as tree:
        handle = tree.create(TOOL)
        holder.connection.drop()
        wait_until(lambda: len(server.children()) == 1, 5, 'drop')
        time.sleep(1.5)
        assert drain.state('pkg/app') == 'armed'
        handle.close()
        assert waiter.wait(8) == 1
        told = waiter.stderr.read()
    assert f'share {share} (' in told and 'is not armed' in told
    assert drain.state('pkg/app') == 'armed'


@pytest.mark.parametrize('how', ['utime', 'link', 'link to a link'])
def test_smb_conf_with_an_old_time(drained, how):
    """cp -p, rsync -a, a link that is turned: smbd reads those too"""
    server, drain = drained({'pkg': {}, 'other': {}})
    server.put('pkg', TOOL, b'MZ')
    conf, old = Path(server.conf), server.base / 'old.conf'
    server.shares['pkg'].update(WITH)
    text = conf.read_text()
    server.write_conf()
    conf.rename(old)
    os.utime(old, (1, 1))
    new = server.base / 'new.conf'
    new.write_text(text)
    link = server.base / 'link.conf' if 'to' in how else conf
    link.symlink_to(new)
    if 'to' in how:
        conf.symlink_to(link)
    server.restart()
    with connect(server.port, 'other') as other:
        if how == 'utime':
            old.rename(conf)
        else:
            turned = server.base / 'turned'
            turned.symlink_to(old)
            turned.rename(link)
        drain.begin('pkg/app')
        _is_closed_to(other)


def test_module_is_added_in_the_registry(registry):
    """smbd keeps what it has loaded from there, too"""
    server, drain, add = registry()
    add('deep', server.share_path('pkg') / 'app')
    with connect(server.port, 'deep') as tree:
        tree.disconnect()
        other = tree.session.tree('IPC$')
        server.run(NET, 'conf', 'setparm', 'deep', 'vfs objects', 'drain')
        drain.begin('pkg')
        again = other.session.tree('deep')
        assert again.status_of_open('tool.exe') == REFUSED


def test_usershare_that_comes_later(users):
    """It is not refused, but the target is not empty while it is used"""
    server, drain, add = users()
    with connect(server.port) as holder:
        holder.create(TOOL)
        drain.begin('pkg/app')
        add('side', server.share_path('pkg'))
        _stays_armed(server, drain, holder, 'side')


def test_other_configuration_file(drained):
    """smbd goes on to "config file", and so does the tool"""
    server, drain = drained({'pkg': {}, 'other': {}})
    server.put('pkg', TOOL, b'MZ')
    other = server.base / 'other.conf'
    server.shares['pkg'].update(WITH)
    server.write_conf()
    Path(server.conf).rename(other)
    server.shares.clear()
    server.global_options['config file'] = other
    server.write_conf()
    server.restart()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        assert tree.status_of_open(TOOL) == REFUSED


@pytest.mark.parametrize('name, more, reads', [
    ('pkg.conf', '', False), ('pkg.%h', '', False),
    ('pkg.conf', 'include = /nonexistent', True)])
def test_smbds_read_it_only_if_need_be(included, name, more, reads):
    """Not if no file has changed since they did"""
    server, drain, _ = included(WITH, name, more, log_level=3)
    with connect(server.port, 'other'):
        before = server.logs().count('refreshing parameters')
        drain.begin('pkg')
        assert before > 0
        assert (server.logs().count('refreshing parameters')
                > before) == reads


# -- paths that vary, and homes

@pytest.fixture
def varying(drained):
    """pkg, and a share of a path that varies: ``server, drain = varying()``

    '{base}' in the path is where the directory 'shares' is, and a link to it,
    'link'. A user has a password: daemon.
    """
    def start(name, path, options=None):
        server, drain = drained({'pkg': WITH})
        server.put('pkg', TOOL, b'MZ')
        (server.base / 'link').symlink_to(server.base / 'shares')
        server.shares[name] = {'read only': 'no', **(options or {})}
        if path:
            server.shares[name]['path'] = path.format(base=server.base)
        server.write_conf()
        server.reload()
        server.add_user('daemon', 'secret')
        return server, drain

    return start


@pytest.mark.parametrize('name', ['homes', 'users'])
@pytest.mark.parametrize('path', ['{base}/shares/%u', '{base}/link/%U/x',
                                  '{base}/shares/%U/../pkg',
                                  '{base}/%U/../link/pkg'])
def test_path_that_may_lead_to_the_target(varying, name, path):
    """With a link before what varies, too; nobody need be connected"""
    _, drain = varying(name, path)
    done = drain.begin('pkg', expect=1)
    assert f'share {name} (' in done.stderr
    done = drain.call('check', 'pkg', expect=1)
    assert f'share {name} (' in done.stderr


@pytest.mark.parametrize('name', ['homes', 'users'])
def test_path_that_may_not(varying, name):
    """Somewhere else, by a link that leads there"""
    server, drain = varying(name, '{base}/away/%U')
    (server.base / 'shares' / 'away').mkdir()
    (server.base / 'away').symlink_to(server.base / 'shares' / 'away')
    drain.begin('pkg')
    drain.call('check', 'pkg', expect=None)


def _connect_as_daemon(server):
    return connect(server.port, 'daemon', user='daemon', password='secret')


def test_home_that_is_the_target(varying):
    """Whose home it is, is seen when that user is connected"""
    server, drain = varying('homes', '%H/../..{base}/shares/pkg')
    drain.begin('pkg')
    drain.resume('pkg')
    with _connect_as_daemon(server) as tree:
        assert tree.status_of_open(TOOL) == OPEN
        done = drain.begin('pkg', expect=1)
        assert 'connected to share daemon without the module' in done.stderr


@pytest.mark.parametrize('path', [None, '{base}/home/%S'])
def test_home_that_is_elsewhere(varying, path):
    """Its user may stay"""
    server, drain = varying('homes', path)
    (server.base / 'home' / 'daemon').mkdir(parents=True)
    with _connect_as_daemon(server) as tree:
        tree.session.tree('homes')
        drain.begin('pkg', '--wait')


# -- the same directory in two places

@pytest.fixture
def mounted(drained):
    """A directory is mounted elsewhere, too: ``mounted(what, where, shares)``

    Both relative to the directory of all shares. What runs sees the mount; we do
    not.
    """
    def start(what, where, shares):
        server, drain = drained({'pkg': WITH})
        root = server.base / 'shares'
        server.put('pkg', TOOL, b'MZ')
        server.put('pkg', 'other/file')
        (root / where).mkdir(parents=True, exist_ok=True)
        for name, options in shares.items():
            server.set_share(name, {**options, 'path': root / options['path']})
        server.enter = ('unshare', '-m', 'sh', '-c',
                        'mount --bind "$1" "$2" && shift 2 && exec "$@"',
                        'sh', str(root / what), str(root / where))
        server.restart()
        return server, drain

    return start


@pytest.mark.parametrize('module', [WITH, {}], ids=['with', 'without'])
@pytest.mark.parametrize('what, path', [
    ('pkg', 'away'), ('pkg', 'away/app'), ('pkg/app', 'away'),
    ('pkg/app', ''), ('.', 'away/pkg'), ('.', 'away/pkg/app')])
def test_share_of_a_mount(mounted, what, path, module):
    """The module does not know that it is the same, and begin says so. (Of what
    is mounted beside the target it does.)"""
    server, drain = mounted(what, 'far/away', {
        'side': {**module, 'path': path and f'far/{path}'}})
    with connect(server.port, 'side') as tree:
        done = drain.begin('pkg', expect=1)
        assert 'share side (' in done.stderr
        if path:
            assert 'through a mount, as ' in done.stderr
            name = {'pkg': TOOL}.get(what if path == 'away' else '',
                                     'tool.exe')
            name = TOOL if path == 'away/pkg' else name
            assert tree.status_of_open(name) == OPEN
    assert 'share side (' in drain.call('check', 'pkg', expect=1).stderr
    assert 'share side (' in drain.call('check', expect=1).stdout


@pytest.mark.parametrize('alias', ['alias', 'an alias'])
def test_mount_in_the_share_itself(mounted, alias):
    """It leads out of the one target, and into the other"""
    server, drain = mounted('pkg/app', f'pkg/{alias}', {})
    done = drain.begin('pkg/app', expect=1)
    assert 'share pkg (' in done.stderr and f'{alias}, which' in done.stderr
    drain.resume('pkg/app')
    drain.begin('pkg')
    with connect(server.port) as tree:
        assert tree.status_of_open(f'{alias}/tool.exe') == REFUSED


def test_mount_of_something_else(mounted):
    """Beside the target, or where no share is"""
    _, drain = mounted('pkg/other', 'away', {'side': {**WITH, 'path': 'away'}})
    drain.begin('pkg/app')
    drain.resume('pkg/app')
    drain.begin('pkg', expect=1)


def test_mount_that_no_share_reaches(mounted):
    """The target may be a mount itself"""
    server, drain = mounted('pkg', 'away', {
        'pkg': {**WITH, 'path': 'away'}, 'beside': {**WITH, 'path': 'beside'}})
    with connect(server.port) as tree:
        drain.begin('pkg')
        assert tree.status_of_open(TOOL) == REFUSED


def test_home_by_a_mount(mounted):
    """A home directory with the package in it: its user is named"""
    server, drain = mounted('pkg', 'far/away', {
        'homes': {**WITH, 'path': 'far/away'}})
    server.shares['homes']['path'] = f'%H/../..{server.base}/shares/far/away'
    server.write_conf()
    server.reload()
    server.add_user('daemon', 'secret')
    drain.begin('pkg')
    drain.resume('pkg')
    with _connect_as_daemon(server) as tree:
        done = drain.begin('pkg', expect=1)
        assert tree.status_of_open(TOOL) == OPEN
        assert 'share daemon, which reaches the target through' in done.stderr
