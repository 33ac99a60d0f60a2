"""Drives tests/clients/smbload.c: many clients in one process.

    with Load(smbd.port, conns=500, files=2) as load:
        load.churn(2, wait=False)
        ...begin a drain, note the moment...
        load.finish_churn()
        assert load.since(moment).granted == 0

Every command waits for its answer and returns it as a Reply, whose fields are
attributes: ``load.state().open``.
"""

import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from .smb2 import NtStatus

SOURCE = Path(__file__).resolve().parents[1] / 'clients' / 'smbload.c'
TIMEOUT = 60


class LoadError(Exception):
    """smbload could not do what it was told."""


class Reply:
    """One line of smbload: its time, its word, its fields as attributes.

    Numbers are numbers; statuses is a dictionary {NtStatus: count}.
    """

    def __init__(self, line):
        stamp, self.word, *fields = line.split()
        self.time = float(stamp)
        self.fields = {}
        for field in fields:
            name, _, value = field.partition('=')
            self.fields[name] = self._value(name, value)

    @staticmethod
    def _value(name, text):
        if name == 'statuses':
            pairs = (pair.split(':') for pair in text.split(',') if pair)
            return {NtStatus(int(status, 16)): int(count)
                    for status, count in pairs}
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                pass
        return text

    def __getattr__(self, name):
        try:
            return self.__dict__['fields'][name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self):
        return f'{self.time:.6f} {self.word} {self.fields}'


def find_program(name='smbload'):
    """A client as the build made it, or None."""
    build = os.environ.get('DRAIN_BUILD')
    for directory in ('tests/clients', '.') if build else ():
        program = Path(build) / directory / name
        if os.access(program, os.X_OK) and program.is_file():
            return str(program)
    return None


class Load:
    """An smbload process with its connections.

    conns, files   connections, and files that each holds open
    name           template of the names: %c is the connection, %f the file
    lease          'RWH' and the like: lease to ask for
    pause          milliseconds that a connection waits after a refused open
    log            file that gets one line for every answered CREATE
    """

    def __init__(self, port, share='pkg', *, conns=10, files=1,
                 name='f%c_%f', access=None, share_mode=None, lease=None,
                 read_length=0, pause=1, window=32, log=None,
                 addresses=('127.0.0.1',), timeout=TIMEOUT):
        self.timeout = timeout
        self.lines = []
        self.ready = None
        self._temporary = None
        self._process = None
        self._replies = queue.Queue()
        self._arguments = [
            '-p', port, '-s', share, '-c', conns, '-f', files, '-n', name,
            '-r', read_length, '-b', pause, '-w', window,
            '-a', ','.join(addresses)]
        for option, value in (('-A', access), ('-d', share_mode),
                              ('-o', lease), ('-l', log)):
            if value is not None:
                value = value if option in ('-o', '-l') else int(value)
                self._arguments += [option, value]

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.quit()
            raise

    def __exit__(self, *_):
        self.quit()

    def start(self, wait=True):
        """Connect and open all files; self.ready tells how it went."""
        command = [find_program() or self._compile(), *self._arguments]
        self._process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)
        threading.Thread(target=self._read, daemon=True).start()
        if wait:
            self.wait_ready()
        return self

    def _compile(self):
        """For a run without a build."""
        self._temporary = tempfile.mkdtemp(prefix='smbload-')
        program = f'{self._temporary}/smbload'
        subprocess.run(['gcc', '-O2', '-o', program, SOURCE], check=True,
                       timeout=120)
        return program

    def _read(self):
        """The reader thread: until smbload ends."""
        for line in self._process.stdout:
            reply = Reply(line)
            self.lines.append(reply)
            self._replies.put(reply)
        self._replies.put(None)

    def wait_word(self, *words, timeout=None):
        """Wait for a line that begins with one of these words."""
        timeout = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + timeout
        while True:
            try:
                reply = self._replies.get(
                    timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(
                    f'no {words} within {timeout} s; last: '
                    f'{self.lines[-3:]}') from None
            if reply is None:
                self._replies.put(None)
                raise LoadError(f'smbload has ended; last: {self.lines[-3:]}')
            if reply.word == 'ERROR':
                raise LoadError(str(reply))
            if reply.word in words:
                return reply

    def tell(self, *command):
        """Give a command and do not wait for the answer."""
        line = ' '.join(map(str, command))
        self._process.stdin.write(f'{line}\n')
        self._process.stdin.flush()

    def _ask(self, word, *command, timeout=None):
        self.tell(*command)
        return self.wait_word(word, timeout=timeout)

    # -- commands, see smbload.c

    def wait_ready(self, timeout=None):
        """Wait until all is connected and open."""
        self.ready = self.wait_word('READY', timeout=timeout)
        return self.ready

    def open(self, timeout=None):
        """Open the files that are not open."""
        return self._ask('OPENED', 'open', timeout=timeout)

    def churn(self, seconds, wait=True):
        """Every connection opens and closes its file as fast as it can."""
        self.tell('churn', seconds)
        return self.finish_churn(seconds + self.timeout) if wait else None

    def finish_churn(self, timeout=None):
        """Wait until the time of a churn is over."""
        return self.wait_word('CHURNED', timeout=timeout)

    def stop_churn(self, timeout=None):
        """End a churn early."""
        return self._ask('CHURNED', 'stop', timeout=timeout)

    def close(self, conn, timeout=None):
        """Close the files of one connection."""
        return self._ask('CLOSED', 'close', conn, timeout=timeout)

    def close_all(self, timeout=None):
        """Close all files."""
        return self._ask('CLOSED', 'closeall', timeout=timeout)

    def close_all_but(self, conn=0, timeout=None):
        """Close the files of all connections but one."""
        return self._ask('CLOSED', 'closebut', conn, timeout=timeout)

    def drop(self, conn='', reset=False, timeout=None):
        """Close the TCP connections, or one of them, without a word."""
        return self._ask('DROPPED', 'reset' if reset else 'drop', conn,
                         timeout=timeout)

    def connect(self, timeout=None):
        """Connect again what was dropped or lost; open() opens its files."""
        return self._ask('CONNECTED', 'connect', timeout=timeout)

    def since(self, moment, timeout=None):
        """The CREATEs sent since a moment, e.g. time.time() of before."""
        return self._ask('SINCE', 'since', f'{moment:.6f}', timeout=timeout)

    def state(self, timeout=None):
        """Numbers of connections, open files, parked opens..."""
        return self._ask('STATE', 'state', timeout=timeout)

    @property
    def last_close(self):
        """When the number of open files became 0 last, or None."""
        times = [line.time for line in self.lines if line.word == 'LASTCLOSE']
        return times[-1] if times else None

    @property
    def dead(self):
        """Connections that were lost, in the order of the loss."""
        return [line.conn for line in self.lines if line.word == 'DEAD']

    def quit(self):
        """End smbload, and with it all connections."""
        if self._process:
            self._process.stdin.close()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
