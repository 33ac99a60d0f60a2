"""The line that counts holders down: on a terminal, and only there."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import pytest

from lib.smb2 import connect
from lib.smbd import end, wait_until

CLEAR = '\r\033[K'


class Terminal:
    """A pseudo terminal; what programs wrote to it"""

    def __init__(self, columns=80):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 24, columns, 0, 0))
        self.text = ''

    def read(self):
        """Take what is there; returns all so far"""
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 4096).decode(errors='replace')
        return self.text

    def wait_for(self, pattern, timeout=10):
        """Until the line that is shown matches"""
        wait_until(lambda: re.search(pattern, self.line()), timeout,
                   '%r on the terminal' % pattern, interval=0.02)

    def line(self):
        """What the last line is after all that was written"""
        return self.read().split('\n')[-1].split(CLEAR)[-1]

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture(name='terminal')
def _terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


@contextlib.contextmanager
def waiting(drain, terminal, *words):
    """smbdrain whose standard error is the terminal"""
    process = drain.start(*words, stderr=terminal.slave)
    try:
        yield process
    finally:
        end(process)


def test_counts_down(drained, terminal):
    """Three, two, one, and at the end the line is gone"""
    server, drain = drained()
    for number in range(3):
        server.put('pkg', 'app/f%d' % number, b'')
    with connect(server.port) as tree:
        handles = [tree.create('app/f%d' % number) for number in range(3)]
        drain.begin('pkg/app')
        with waiting(drain, terminal, 'wait', 'pkg/app') as process:
            terminal.wait_for(r'3 holders: nobody@127\.0\.0\.1: app/f\d, ')
            handles[0].close()
            terminal.wait_for(r'2 holders')
            assert 'app/f0' not in terminal.line()
            handles[1].close()
            terminal.wait_for(r'^waiting for nobody@127\.0\.0\.1: app/f2$')
            handles[2].close()
            assert process.wait(10) == 0
            assert 'quiescent' in process.stdout.read()
    assert terminal.line() == ''


@pytest.mark.parametrize('words', [('begin', 'pkg/app', '--wait'),
                                   ('run', 'pkg/app', '--', 'true')],
                         ids=lambda words: words[0])
def test_other_verbs(drained, terminal, words):
    """All that wait have it"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        with waiting(drain, terminal, *words) as process:
            terminal.wait_for('app/tool.exe')
            handle.close()
            assert process.wait(10) == 0
    assert terminal.line() == ''


def test_none_on_a_pipe(drained):
    """A log gets no such line"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        process = drain.start('wait', 'pkg/app')
        time.sleep(0.7)
        handle.close()
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert err == '' and out == 'pkg/app is quiescent\n'


def test_none_without_holders(drained, terminal):
    """Where nobody is waited for nobody is named"""
    _, drain = drained()
    drain.begin('pkg/app')
    with waiting(drain, terminal, 'wait', 'pkg/app') as process:
        assert process.wait(10) == 0
    assert 'waiting' not in terminal.read()


def test_gone_before_the_timeout_is_told(drained, terminal):
    """A timeout takes the line away before it says who is left"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        with waiting(drain, terminal, 'wait', 'pkg/app',
                     '--timeout=1') as process:
            terminal.wait_for('waiting for')
            assert process.wait(10) == 124
    text = terminal.read()
    assert CLEAR + 'smbdrain: pkg/app: 1 holders left' in text
    assert text.endswith('\n')


def test_names_that_deceive(drained, terminal):
    """Names do not move the cursor"""
    server, drain = drained()
    server.put('pkg', 'app/a\x1b[2Jb', b'')
    with connect(server.port) as tree:
        shown = [entry.name for entry in tree.list_directory('app')
                 if entry.name != 'tool.exe']
        tree.create('app/%s' % shown[0])
        drain.begin('pkg/app')
        with waiting(drain, terminal, 'wait', 'pkg/app'):
            terminal.wait_for(r'a\\x1b\[2Jb')


def test_fits_the_terminal(drained):
    """A long path does not wrap: what wraps is not wiped"""
    server, drain = drained()
    server.put('pkg', 'app/%s' % ('x' * 200), b'')
    terminal = Terminal(columns=80)
    with connect(server.port) as tree:
        tree.create('app/%s' % ('x' * 200))
        drain.begin('pkg/app')
        with waiting(drain, terminal, 'wait', 'pkg/app'):
            terminal.wait_for('waiting for')
            time.sleep(0.1)
            line = terminal.line()
    terminal.close()
    assert len(line) < 80, line


def test_gone_while_it_is_made(drained, terminal):
    """Who goes while another smbd keeps the list waiting is not shown"""
    server, drain = drained()
    server.put('pkg', 'app/late', b'')
    with connect(server.port) as one, connect(server.port) as two:
        one.create('app/tool.exe')
        late = two.create('app/late')
        drain.begin('pkg/app')
        slow = server.child_of(one.connection)
        os.kill(slow, signal.SIGSTOP)
        try:
            with waiting(drain, terminal, 'wait', 'pkg/app'):
                time.sleep(1.5)  # of the survey's second and the list's
                late.close()
                time.sleep(0.2)
                os.kill(slow, signal.SIGCONT)
                time.sleep(1.2)
                assert 'late' not in terminal.line()
                assert '2 holders' not in terminal.line()
        finally:
            os.kill(slow, signal.SIGCONT)


def test_killed_smbd(drained, terminal):
    """A holder that died with its smbd is not shown for ever"""
    server, drain = drained()
    server.put('pkg', 'app/other', b'')
    with connect(server.port) as one, connect(server.port) as two:
        one.create('app/other')
        two.create('app/tool.exe')
        drain.begin('pkg/app')
        with waiting(drain, terminal, 'wait', 'pkg/app'):
            terminal.wait_for('2 holders')
            server.kill(server.child_of(one.connection))
            terminal.wait_for('waiting for nobody@.*: app/tool.exe$',
                              timeout=8)
