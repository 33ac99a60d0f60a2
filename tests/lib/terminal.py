"""A program on a terminal, and what a person sees there."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time

import pyte

from lib.smbd import end, wait_until


class Terminal:
    """Runs a command on a pseudo terminal; `lines` is what it shows

    The command is the leader of a session of its own, as under a login shell.
    """

    def __init__(self, command, size=(24, 100), term='xterm', environ=None,
                 **popen):
        self.screen = pyte.Screen(size[1], size[0])
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b''
        self.lock = threading.Lock()
        self.master, self.slave = pty.openpty()
        self._set_size(size)
        self.before = termios.tcgetattr(self.slave)
        options = {'stdin': self.slave, 'stdout': self.slave,
                   'stderr': self.slave}
        self.process = subprocess.Popen(
            command, env={**os.environ, 'TERM': term, **(environ or {})},
            preexec_fn=self._own, **{**options, **popen})
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _own(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def _set_size(self, size):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', *size, 0, 0))

    def _read(self):
        with contextlib.suppress(OSError):
            while data := os.read(self.master, 65536):
                with self.lock:
                    self.raw += data
                    self.stream.feed(data)

    @property
    def lines(self):
        """Without the blanks at their ends"""
        with self.lock:
            return [line.rstrip() for line in self.screen.display]

    def find(self, *words):
        """The first line with all of these words; '' if there is none"""
        return next((line for line in self.lines
                     if all(word in line for word in words)), '')

    def wait_for(self, *words, timeout=10):
        """Until a line has all of these words; that line"""
        wait_until(lambda: self.find(*words), timeout, (words, self.lines))
        return self.find(*words)

    def wait_for_no(self, *words, timeout=10):
        """Until no line has them"""
        wait_until(lambda: not self.find(*words), timeout,
                   (words, self.lines))

    @property
    def line(self):
        """The one that the cursor is in"""
        with self.lock:
            return self.screen.display[self.screen.cursor.y].rstrip()

    def key(self, keys):
        """Press one, or some"""
        os.write(self.master, keys.encode())

    def resize(self, size):
        """The window has another size; who draws on it is told"""
        with self.lock:
            self.screen.resize(*size)
        self._set_size(size)

    def end(self, signum=None, timeout=10):
        """Wait for the end, after a signal; the exit status"""
        if signum is not None:
            self.process.send_signal(signum)
        status = self.process.wait(timeout)
        time.sleep(0.05)  # until its last words are read
        return status

    def is_as_before(self):
        """Keys are as they were, the cursor is there, and the old screen"""
        modes = [self.raw.rfind(on) > self.raw.rfind(off)
                 for on, off in ((b'\x1b[?1049l', b'\x1b[?1049h'),
                                 (b'\x1b[?25h', b'\x1b[?25l'),
                                 (b'\x1b[?7h', b'\x1b[?7l'))]
        return all(modes) and termios.tcgetattr(self.slave) == self.before

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Whatever still runs is ended"""
        self.process.send_signal(signal.SIGCONT)
        end(self.process)
        os.close(self.slave)
        self.thread.join(5)
        os.close(self.master)
