"""A package that bears its version in each file, and clients that run it.

A client runs the package as a program would be: it opens the first file and
keeps it open, reads all the others, and then closes it.  A run in which not
all files are of one version is torn.

    write_version(directory, 1)
    with Users(server.port, 'pkg', 'app', clients=4) as users:
        ...update...
    print(users.runs, users.torn, users.errors, users.longest_wait)
"""

import collections
import random
import threading
import time

from lib.smb2 import (
    Close, ConnectionLost, Create, NtStatus, Read, SmbError, connect)

FILES = 20
SIZE = 4096
PAUSE = 0.02    # seconds between two runs of one client, at most


def names():
    """The files of the package; the first is the program"""
    return [f'part{number:02}.dll' if number else 'program.exe'
            for number in range(FILES)]


def content(version):
    """What every file of a version holds, from its beginning to its end"""
    stamp = f'version {version:08}\n'.encode()
    return stamp * (SIZE // len(stamp))


def write_version(directory, version):
    """Write the package, one file after the other, as cp does"""
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    for name in names():
        (directory / name).write_bytes(content(version))


def versions_in(data):
    """The stamps in what was read; None: it was cut off"""
    if len(data) != len(content(0)):
        return {None}
    return set(data.splitlines())


class Users:
    """Clients that run the package in a loop, each in a thread

    runs          that have come to their end
    torn          of them
    errors        {status: count} that clients have been told
    longest_wait  of an open of the program, seconds
    """

    def __init__(self, port, share, package, clients):
        self.runs = 0
        self.torn = 0
        self.errors = collections.Counter()
        self.longest_wait = 0
        self._place = port, share, package
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._use, daemon=True)
                         for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def wait_for_runs(self, number, timeout=60):
        """Until there have been so many more"""
        end = self.runs + number
        deadline = time.monotonic() + timeout
        while self.runs < end:
            assert time.monotonic() < deadline, f'only {self.runs} runs'
            time.sleep(0.01)

    def _use(self):
        tree = None
        while not self._stop.is_set():
            try:
                tree = tree or self._connect()
                self._run(tree)
            except (SmbError, ConnectionLost) as error:
                self._note_error(error)
                tree = self._go_on(tree, error)
            time.sleep(random.uniform(0, PAUSE))
        if tree:
            tree.connection.drop()

    def _connect(self):
        port, share, _ = self._place
        return connect(port, share)

    def _note_error(self, error):
        status = getattr(error, 'status', None)
        with self._lock:
            self.errors[status.name if status else 'connection lost'] += 1

    @staticmethod
    def _go_on(tree, error):
        """After close-share a client connects to the share again"""
        status = getattr(error, 'status', None)
        if status == NtStatus.SHARING_VIOLATION:
            return tree
        if tree and status:
            try:
                return tree.session.tree(tree.share)
            except (SmbError, ConnectionLost):
                pass
        if tree:
            tree.connection.drop()
        return None

    def _run(self, tree):
        package = self._place[2]
        program, *parts = names()
        request = tree.create_nowait(f'{package}/{program}')
        handle = request.wait()
        waited = request.reply.time - request.sent_at
        try:
            found = versions_in(handle.read())
            for part in parts:
                found |= self._read(tree, f'{package}/{part}')
        finally:
            handle.close_nowait().wait_reply()
        with self._lock:
            self.runs += 1
            self.torn += len(found) != 1 or None in found
            self.longest_wait = max(self.longest_wait, waited)

    @staticmethod
    def _read(tree, name):
        create, read, close = tree.compound(
            Create(name), Read(length=2 * SIZE), Close())
        create.wait_reply()
        data = read.wait()
        close.wait_reply()
        return versions_in(data)
