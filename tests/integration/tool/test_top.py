"""smbdrain top: what drains, on a whole terminal."""

import os
import signal
import subprocess

from lib.drain import complaint, stopped
from lib.smb2 import connect
from lib.smbd import is_stopped, wait_until
from lib.terminal import Terminal
from lib.waiting import HOLD, waits


def top(drain, *arguments, **keywords):
    """On a terminal, when its first picture is there"""
    terminal = Terminal(drain.command('top', *arguments), **keywords)
    terminal.wait_for('smbdrain top')
    return terminal


def test_life_of_a_drain(drained):
    """Its row comes, changes and goes by itself, with its holders"""
    server, drain = drained()
    with connect(server.port) as tree, top(drain) as terminal:
        assert '0 drains, 0 holders' in terminal.find('smbdrain top')
        handles = [tree.create('app/tool.exe') for _ in range(3)]
        drain.begin('pkg/app', '--reason=update to 7.2')
        terminal.wait_for('pkg/app', 'armed', ' 3 ', 'update to 7.2')
        terminal.wait_for('127.0.0.1', 'nobody', 'app/tool.exe')
        for left, handle in (2, handles[0]), (1, handles[1]):
            handle.close()
            terminal.wait_for('pkg/app', 'armed', f' {left} ', timeout=1)
            assert f'{left} holders' in terminal.find('smbdrain top')
        handles[2].close()
        drain.wait('pkg/app')
        terminal.wait_for('pkg/app', 'quiescent', ' 0 ', timeout=1)
        assert not terminal.find('127.0.0.1')
        drain.resume('pkg/app')
        terminal.wait_for_no('pkg/app', timeout=1)


def test_opens_that_wait(drained):
    """How many, and for how long the first has waited"""
    server, drain = drained()
    drain.begin('pkg/app', HOLD)
    with connect(server.port) as tree, top(drain) as terminal:
        assert waits(tree.create_nowait('app/tool.exe'))
        assert waits(tree.create_nowait('app/tool.exe'))
        terminal.wait_for('pkg/app', ' 2, ')
        drain.resume('pkg/app')
        terminal.wait_for_no('pkg/app')


def test_deadline(drained):
    """Time runs"""
    _, drain = drained()
    drain.begin('pkg/app', '--timeout=50m', '--on-timeout=force')
    with top(drain) as terminal:
        line = terminal.wait_for('pkg/app', '49m', 'force')
        wait_until(lambda: terminal.find('pkg/app') not in (line, ''), 10,
                   'next picture')


def test_holder_that_comes(drained):
    """A client that may finish opens one more file"""
    server, drain = drained()
    with connect(server.port) as tree:
        server.put('pkg', 'app/more.dll')
        tree.create('app/tool.exe')
        drain.begin('pkg/app', '--let-holders-finish')
        with top(drain) as terminal:
            terminal.wait_for('127.0.0.1', 'app/tool.exe')
            tree.create('app/more.dll')
            terminal.wait_for('127.0.0.1', 'app/more.dll')
            terminal.wait_for('pkg/app', ' 2 ')


def test_killed_holder(drained):
    """One that could not say goodbye goes too"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        with top(drain) as terminal:
            terminal.wait_for('127.0.0.1', 'app/tool.exe')
            server.kill(server.child_of(tree.connection))
            terminal.wait_for_no('127.0.0.1')


def test_smbd_that_stands_still(drained):
    """It is said, and keys work meanwhile"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        with stopped(server.child_of(tree.connection)):
            with top(drain) as terminal:
                terminal.wait_for('1 smbds have not acknowledged the drain')
                terminal.key('q')
                assert terminal.end(timeout=5) == 0


def test_target(drained):
    """With one, nothing of others"""
    server, drain = drained()
    drain.begin('pkg/app')
    drain.begin('pkg/other')
    with top(drain, 'PKG/App') as terminal:
        terminal.wait_for('pkg/app')
        assert '1 drains' in terminal.find('smbdrain top')
        assert not terminal.find('pkg/other')


def test_more_than_the_screen_has_lines(drained):
    """Each drain has its row, and what is left out is said"""
    server, drain = drained()
    with connect(server.port) as tree:
        for name in 'app', 'other':
            for number in range(20):
                server.put('pkg', f'{name}/f{number}')
                tree.create(f'{name}/f{number}')
            drain.begin(f'pkg/{name}')
        with top(drain, size=(16, 80)) as terminal:
            terminal.wait_for('and 16 more')
            for name in 'app', 'other':
                assert terminal.find(f'pkg/{name}', ' 20 ')
            assert '40 holders' in terminal.lines[0]
            terminal.resize((60, 80))
            terminal.wait_for_no('more')
            wait_until(lambda: 40 == len([
                line for line in terminal.lines if '127.0.0.1' in line]),
                       10, terminal.lines)
            terminal.resize((3, 20))
            wait_until(lambda: terminal.lines[0].startswith('smbdrain top'),
                       10, 'picture')
            terminal.key('q')
            assert terminal.end() == 0


def test_names_that_deceive(drained):
    """Nobody writes on the terminal by the name of a file"""
    server, drain = drained()
    server.put('pkg', 'app/a\x1b[31mb')
    with connect(server.port) as tree:
        shown = [entry.name for entry in tree.list_directory('app')
                 if entry.name != 'tool.exe']
        tree.create(f'app/{shown[0]}')
        drain.begin('pkg/app', '--reason=\x1b[2J')
        with top(drain) as terminal:
            terminal.wait_for('app/a\\x1b[31mb')
            terminal.wait_for('pkg/app', '\\x1b[2J')
            assert b'\x1b[31m' not in terminal.raw


def test_terminal_is_left_as_it_was(drained):
    """However it ends"""
    _, drain = drained()
    drain.begin('pkg/app')
    for way in ('q', '\x03', signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                signal.SIGQUIT):
        with top(drain) as terminal:
            terminal.wait_for('pkg/app')
            assert not terminal.is_as_before()
            if isinstance(way, str):
                terminal.key(way)
                assert terminal.end() == 0, repr(way)
            else:
                assert terminal.end(way) == 0, way
            assert terminal.is_as_before(), repr(way)
    assert drain.state('pkg/app') == 'armed'


def test_paused(drained):
    """Ctrl-Z gives the terminal back, and fg takes it again"""
    _, drain = drained()
    with top(drain) as terminal:
        pid = terminal.process.pid
        terminal.key('\x1a')
        wait_until(lambda: is_stopped(pid), 10, 'stop')
        wait_until(terminal.is_as_before, 10, 'the terminal')
        drain.begin('pkg/app')
        os.kill(pid, signal.SIGCONT)
        terminal.wait_for('pkg/app')
        assert not terminal.is_as_before()
        terminal.key('q')
        assert terminal.end() == 0
        assert terminal.is_as_before()


def test_terminal_that_goes(drained):
    """It ends with it"""
    _, drain = drained()
    terminal = top(drain)
    os.close(terminal.slave)
    os.close(terminal.master)
    assert terminal.process.wait(10) in (0, 1)
    terminal.thread.join(5)


def test_keyboard_elsewhere(drained):
    """Without one it shows, and ends by a signal"""
    _, drain = drained()
    with top(drain, stdin=subprocess.DEVNULL) as terminal:
        drain.begin('pkg/app')
        terminal.wait_for('pkg/app')
        assert terminal.end(signal.SIGINT) == 0
        assert terminal.is_as_before()


def test_complaint_is_not_lost(drained):
    """What is said while the picture is there comes after it"""
    server, drain = drained()
    with connect(server.port), top(drain) as terminal:
        path = server.base / 'state' / 'smbdrain.tdb'
        with path.open('r+b') as store:
            store.write(b'\xff' * path.stat().st_size)
        assert terminal.end() == 1
        assert terminal.is_as_before()
        shown = terminal.raw.rpartition(b'\x1b[?1049l')[2]
        assert b'smbdrain: cannot read ' in shown
        path.unlink()


def test_no_terminal(drained):
    """One line says so, and what to use in its place"""
    _, drain = drained()
    done = drain.call('top', expect=1)
    assert done.stdout == ''
    assert 'smbdrain monitor' in complaint(done)


def test_terminal_that_can_not_be_drawn_on(drained):
    """The same"""
    _, drain = drained()
    for term in 'dumb', '':
        with Terminal(drain.command('top'), term=term) as terminal:
            assert terminal.end() == 1
            assert b'\x1b' not in terminal.raw
            assert terminal.find('smbdrain: cannot draw on standard output')
