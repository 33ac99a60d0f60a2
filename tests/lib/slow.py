"""Reads and writes that take as long as a test wants.

On a share with `vfs objects = drain aio_fork` smbd has worker processes read
and write for it. One that stands still has a request that does not end.
"""

import os
import signal
import threading
from pathlib import Path

SLOW_SHARE = {'vfs objects': 'drain aio_fork'}


class SlowDisk:
    """The worker processes of one client's smbd; they go on at the end"""

    def __init__(self, server, tree):
        self.smbd = server.child_of(tree.connection)
        self.stopped = set()
        self.timer = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.timer:
            self.timer.join()
        self.go_on()

    def _workers(self):
        path = Path(f'/proc/{self.smbd}/task/{self.smbd}/children')
        return set(map(int, path.read_text().split()))

    def hang(self, handle, send=None):
        """Start a request that does not end before go_on()

        send    starts it; without it, it is a read of two bytes
        """
        handle.read(length=1)   # by a worker that has nothing to do now
        for worker in self._workers() - self.stopped:
            os.kill(worker, signal.SIGSTOP)
            self.stopped.add(worker)
        request = send() if send else handle.read_nowait(length=2)
        assert request.wait_interim()
        return request

    def go_on(self):
        """All of them end"""
        for worker in self.stopped & self._workers():
            os.kill(worker, signal.SIGCONT)
        self.stopped.clear()

    def go_on_later(self, seconds):
        """The same after some time"""
        self.timer = threading.Timer(seconds, self.go_on)
        self.timer.start()
