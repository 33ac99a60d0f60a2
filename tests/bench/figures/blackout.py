"""Opens that wait while 10,000 files are exchanged, beyond the last close, ms

One client holds a file, another wants to open one of the package that drains.
It begins when the first closes, and ends when the other has its answer.  The
alternative is an update in place: rsync while the drain refuses opens, tried
again every millisecond.
"""

import time

from bench.figures.exchange import write
from bench.measure import MODULE, PACKAGE, TARGET, Row, milliseconds
from lib.drain import Drain, ended
from lib.smb2 import NtStatus, connect
from lib.waiting import HOLD, waits

GOAL = 10
FILES = 10000


class _Package:
    """A server with the package, a new version beside it, and two clients"""

    def __init__(self, server):
        self.drain = Drain(server)
        self.served = server.share_path('pkg') / PACKAGE
        self.staged = server.base / 'staged'
        write(self.served, FILES, 'old')
        write(self.staged, FILES, 'new')
        self.holder = connect(server.port)
        self.other = connect(server.port)

    def _drain(self, *words):
        """(process that drains, what still keeps it from being quiescent)"""
        handle = self.holder.create(f'{PACKAGE}/d0/f0')
        process = self.drain.start('run', TARGET, *words)
        self.drain.wait_for_state(TARGET, 'armed')
        return process, handle

    @staticmethod
    def _end(process):
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors

    def switch(self, *words):
        """From the close to the answer of an open that has waited"""
        process, handle = self._drain(HOLD, *words)
        with ended(process):
            request = self.other.create_nowait(f'{PACKAGE}/d1/f1')
            assert waits(request)
            took = milliseconds(self._close_and_wait, handle, request)
            self._end(process)
        return took

    @staticmethod
    def _close_and_wait(handle, request):
        handle.close()
        request.wait(60).close()

    def in_place(self):
        """From the close to the first open that is not refused"""
        process, handle = self._drain('--', 'rsync', '-a', '--delete',
                                      f'{self.staged}/', f'{self.served}/')
        with ended(process):
            took = milliseconds(self._close_and_try, handle)
            self._end(process)
        write(self.staged, FILES, time.monotonic())
        return took

    def _close_and_try(self, handle):
        handle.close()
        while (self.other.status_of_open(f'{PACKAGE}/d1/f1') ==
               NtStatus.SHARING_VIOLATION):
            time.sleep(0.001)


def measure(bench):
    """Rows: in place, by a command, and by run itself"""
    with bench.server(MODULE) as server:
        package = _Package(server)
        publish = package.drain.command('publish', TARGET,
                                        str(package.staged))
        times = range(bench.pick(5, 20))
        by_command = [package.switch('--', *publish) for _ in times]
        by_run = [package.switch(f'--publish={package.staged}')
                  for _ in times]
        in_place = [package.in_place() for _ in range(bench.pick(2, 5))]
    base = Row('rsync in place', 'ms', in_place)
    yield base
    yield Row('run -- smbdrain publish', 'ms', by_command, against=base)
    yield Row('run --publish', 'ms', by_run, against=base, goal=GOAL)
