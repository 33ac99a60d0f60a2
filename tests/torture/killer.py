"""Breaks what can break, at moments that a seed determines.

    for wait, name, *arguments in schedule(seed):

What it has done, and when, it notes in `faults`, for checker.py.
"""

import contextlib
import errno
import itertools
import os
import random
import shutil
import signal
import threading
import time

from lib.smbd import SmbdError
from torture.checker import REST
from torture.layout import SPARES

EVERY = 0.25     # seconds, on average

REST_SECONDS = 8    # for which nothing breaks: nobody may be late then

# How often each, of all that is done
WEIGHTS = {'kill_smbd': 30, 'stop_smbd': 20, 'kill_tool': 20, 'stop_tool': 10,
            'reset': 20, 'kill_helper': 2, 'fill': 3, 'reboot': 1, REST: 3}

# What is no fault but a crime: it has to be noticed
SABOTAGE = {'forget': 100}


def schedule(seed, weights=None):
    """Without an end: (seconds to wait, what, who in [0, 1), for how long)

    Each of them comes once before any of them comes again.
    """
    chance = random.Random(f'{seed} killer')
    weights = weights or WEIGHTS
    first = chance.sample(list(weights), len(weights))
    others = (chance.choices(list(weights), weights.values())[0]
              for _ in itertools.count())
    for what in itertools.chain(first, others):
        yield (chance.expovariate(1 / EVERY), what, chance.random(),
               chance.uniform(0.01, 1.5))


class Killer(threading.Thread):
    """Follows the schedule; signals nobody but those of this torture

    power   a lock that is held to start a tool, and while there is no power
    faults  what was done, from when to when, to whom
    """

    def __init__(self, plan, drain, drainers, clients, power):
        super().__init__(name='killer')
        self.stopping = threading.Event()
        self.faults = []
        self.died = None
        self._plan = plan
        self._drain = drain
        self._server = drain.server
        self._drainers = drainers
        self._clients = clients
        self._power = power

    def run(self):
        try:
            for pause, what, who, seconds in self._plan:
                if self.stopping.wait(pause):
                    return
                began = time.time()
                with contextlib.suppress(ProcessLookupError):
                    whom = getattr(self, f'_{what}')(who, seconds)
                    self.faults.append({'what': what, 'whom': whom,
                                        'began': began, 'ended': time.time()})
        except BaseException as error:  # pylint: disable=broad-except
            self.died = error
            raise

    @staticmethod
    def _pick(things, who):
        if not things:
            raise ProcessLookupError
        return things[int(who * len(things))]

    def _smbd(self, who):
        return self._pick(self._server.children(), who)

    def _signal(self, pid, signal_):
        """It may have ended meanwhile"""
        with contextlib.suppress(SmbdError):
            self._server.kill(pid, signal_)

    def _rest(self, *_):
        self.stopping.wait(REST_SECONDS)

    def _kill_smbd(self, who, _):
        pid = self._smbd(who)
        # So that it gets no connection after those that are noted
        self._signal(pid, signal.SIGSTOP)
        ports = self._server.clients_of(pid)
        self._signal(pid, signal.SIGKILL)
        return ports

    def _stop_smbd(self, who, seconds):
        pid = self._smbd(who)
        self._signal(pid, signal.SIGSTOP)
        time.sleep(seconds)
        self._signal(pid, signal.SIGCONT)
        return pid

    def _kill_helper(self, who, _):
        """notifyd, cleanupd and the like; smbd starts them anew"""
        pid = self._pick(self._server.helpers(), who)
        self._signal(pid, signal.SIGKILL)
        return pid

    def _tool(self, who):
        running = [drainer.process for drainer in self._drainers]
        return self._pick(list(filter(None, running)), who)

    def _kill_tool(self, who, _):
        tool = self._tool(who)
        tool.kill()
        return tool.pid

    def _stop_tool(self, who, seconds):
        tool = self._tool(who)
        tool.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        tool.send_signal(signal.SIGCONT)
        return tool.pid

    def _reset(self, who, _):
        number = self._pick(range(len(self._clients)), who)
        self._clients[number].stdin.write('reset\n')
        self._clients[number].stdin.flush()
        return number

    def _fill(self, _, seconds):
        """The file system of the state: nobody can write there"""
        path = self._server.base / 'state' / 'full'
        block = bytes(1 << 16)
        try:
            with open(path, 'wb', buffering=0) as file:
                while block:
                    try:
                        file.write(block)
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                        block = block[:len(block) // 2]
            with self._full_database():
                time.sleep(seconds)
        finally:
            path.unlink()

    @contextlib.contextmanager
    def _full_database(self):
        """With drains that say much, until there is no room for a short one

        For the database grows by far more than it needs (tdb_expand_adjust()
        in Samba's lib/tdb), so that a full disk is not noticed for long.
        """
        length = 1 << 16
        with contextlib.ExitStack() as ends:
            for spare in SPARES:
                if not length:
                    break
                ends.callback(self._drain.resume, spare, expect=None)
                while length and self._drain.begin(
                        spare, f'--reason={"x" * length}',
                        expect=None).returncode:
                    length //= 2
            yield

    def _forget(self, *_):
        """All drains, behind everybody's back"""
        self._drain.records(forget=True)

    def _reboot(self, _, seconds):
        """What is on a disk stays, what is in memory goes"""
        with self._power:
            for drainer in self._drainers:
                if drainer.process:
                    drainer.process.kill()
            self._server.kill_all()
            self._server.stop()
            for name in 'lock', 'pid', 'ncalrpc':
                directory = self._server.base / name
                shutil.rmtree(directory)
                os.mkdir(directory)
            time.sleep(seconds / 3)
            self._server.start()
