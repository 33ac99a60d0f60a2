"""Who drains one target over and over, and updates what is in it.

What it notes of each drain is described in checker.py. Its tools are stopped
and killed; then it looks what state that left behind and goes on from there, as
an administrator would.
"""

import contextlib
import itertools
import json
import random
import shutil
import subprocess
import threading
import time
from typing import NamedTuple

from torture.checker import PATIENCE
from torture.layout import TARGETS, write_version

# For the command of a run: how far it came is in $0. Half of it is there for a
# while, so that it is cut off now and then, and who gets in too early sees that
COPY = '''
date +%s.%N >>"$0"
cp "$1"/*.dll "$DRAIN_REAL_PATH" && sleep 0.05 &&
cp "$1"/*.exe "$DRAIN_REAL_PATH" || exit
date +%s.%N >>"$0"
'''

TOOL_LIMIT = 180
WAIT = 60       # longer than anything that clients do, and PATIENCE


# Of a target with more than one package nothing but the first two
WAYS = ['begin_and_wait', 'begin', 'run', 'run', 'publish', 'publish_in_run']


class Cycle(NamedTuple):
    """A drain; not each way needs all of it"""
    way: str
    grace: bool
    options: list
    apart: bool     # begin and wait are two calls
    pause: float    # seconds, between them
    ends: str       # on what a wait comes to in time; None: nobody waits
    deadline: str   # seconds, of a wait that does not end well
    rest: float     # seconds, afterwards


def cycles(seed, number, packages):
    """Without an end, all drains of a target: whatever comes of them"""
    for step in itertools.count():
        chance = random.Random(f'{seed} drainer {number} step {step}')
        grace = chance.random() < 0.2
        options = ['--let-holders-finish'] if grace else []
        options += chance.choice([
            [], ['--new-opens=hold', '--hold-timeout=5'],
            ['--new-opens=hold', '--hold-timeout=0.5']])
        if chance.random() < 0.2:
            options += ['--purge-durables']
        yield Cycle(way=chance.choice(WAYS if packages == 1 else WAYS[:2]),
                    grace=grace, options=options,
                    apart=chance.random() < 0.7,
                    pause=chance.uniform(0, 0.2),
                    ends=chance.choice([None, 'fail', 'force', 'resume', 'close']),
                    deadline=f'{chance.uniform(0.01, 0.3):.2f}',
                    # What is above others is in their way
                    rest=chance.uniform(0, 0.1) * packages ** 1.5)


class ToolEnded(Exception):
    """Not with success: killed, or told that it does not work"""


class Drainer(threading.Thread):
    """Runs until stopping is set, and leaves its target open

    process  the tool that runs now, or None
    drains   what is known of all drains
    """

    def __init__(self, number, target, drain, seed, power):
        super().__init__(name=f'drainer {number}')
        self.target = target
        self.drains = []
        self.process = None
        self.failures = []
        self.stopping = threading.Event()
        self.died = None
        self._drain = drain
        self._power = power
        self._packages = TARGETS[target]
        self._cycles = cycles(seed, number, len(self._packages))
        self._cycle = None
        self._version = 0
        self._now = None
        self._torn = False
        base = drain.server.base
        self._staged = base / 'staged' / str(number)
        self._progress = base / 'staged' / f'progress{number}'
        self._live = drain.server.share_path('all') / self._packages[0]
        self._is_link = self._live.is_symlink()

    # -- tools

    def _call(self, *arguments):
        """Its output; ToolEnded if it was killed, or failed"""
        with self._power:
            self.process = self._drain.start(*arguments)
        try:
            out, err = self.process.communicate(timeout=TOOL_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError(f'{arguments}: still there after '
                                 f'{TOOL_LIMIT} s') from None
        finally:
            process, self.process = self.process, None
        if process.returncode:
            self.failures.append((process.returncode, arguments[0],
                                  err.strip()))
            raise ToolEnded(process.returncode)
        return out

    # -- one drain

    def run(self):
        try:
            for self._cycle in self._cycles:
                if self.stopping.is_set():
                    break
                self._go_through()
                self.stopping.wait(self._cycle.rest)
        except BaseException as error:  # pylint: disable=broad-except
            self.died = error
            raise

    def _go_through(self):
        cycle = self._cycle
        self._now = {'target': self.target, 'begun': time.time(),
                     'armed': None, 'quiescent': None, 'ending': None,
                     'ended': None, 'grace': cycle.grace, 'forced': False,
                     'waits': [], 'mended': False, 'way': cycle.way,
                     'well': False}
        try:
            getattr(self, f'_{cycle.way}')(*cycle.options)
            self._now['well'] = True
        except ToolEnded:
            self._finish()
        self._now['ended'] = time.time()
        self._now['ending'] = self._now['ending'] or self._now['ended']
        self.drains.append(self._now)

    def _note(self, what):
        self._now[what] = self._now[what] or time.time()

    def _begin_and_wait(self, *options):
        """... and look at what is there"""
        self._quiesce(*options)
        self._resume()

    def _quiesce(self, *options):
        if self._cycle.apart:
            self._arm(*options)
            self._wait(f'--timeout={WAIT}')
            return
        with self._waiting():
            self._call('begin', self.target, '--wait', f'--timeout={WAIT}',
                       *options)
        self._note('armed')
        self._note('quiescent')

    def _arm(self, *options):
        self._call('begin', self.target, *options)
        self._note('armed')
        time.sleep(self._cycle.pause)

    @contextlib.contextmanager
    def _waiting(self):
        began = time.time()
        try:
            yield
        finally:
            self._now['waits'].append((began, time.time()))

    def _begin(self, *options):
        """Sometimes without a wait, sometimes not for long"""
        self._arm(*options)
        how = self._cycle.ends
        if how == 'resume':
            self._note('ending')
        self._now['forced'] = how in ('force', 'close')
        if how == 'close':
            self._call('close', self.target)
            self._wait(f'--timeout={WAIT}')
        elif how:
            seconds = WAIT if how == 'fail' else self._cycle.deadline
            self._wait(f'--timeout={seconds}', f'--on-timeout={how}')
        self._resume()

    def _wait(self, *how):
        with self._waiting():
            self._call('wait', self.target, *how)
        self._note('quiescent')

    def _run(self, *options):
        """Which copies the next version over the one before"""
        self._stage()
        self._progress.write_text('')
        began = time.time()
        try:
            self._call('run', self.target, *options, '--', '/bin/sh', '-c',
                       COPY, str(self._progress), str(self._staged))
        finally:
            self._look_how_far(began)

    def _look_how_far(self, began):
        times = [float(word) for word in self._progress.read_text().split()]
        if times:
            self._now['armed'] = self._now['quiescent'] = times[0]
            self._now['waits'].append((began, times[0]))
            self._torn = len(times) == 1
        if len(times) > 1:
            self._now['ending'] = times[1]

    def _publish(self, *options):
        """... and resume later"""
        self._stage()
        self._quiesce(*options)
        drain = self._status()
        if drain is None:
            raise ToolEnded('publish')
        self._call('publish', self.target, str(self._staged),
                   f'--id={drain["id"]}')
        self._resume()

    def _publish_in_run(self, *options):
        """All in one program: nobody knows from when to when"""
        self._stage()
        self._call('run', self.target, f'--publish={self._staged}', *options)

    def _stage(self):
        """The next version, where it is published from"""
        self._version += 1
        if self._is_link:
            self._make_room()
        write_version(self._staged, self._version)

    def _make_room(self):
        """For a release beside the one that is in use"""
        used = self._live.resolve()
        for release in used.parent.iterdir():
            if release != used:
                shutil.rmtree(release)
        self._staged = used.parent / str(self._version)

    def _resume(self):
        self._note('ending')
        self._call('resume', self.target)

    # -- what is left

    def _status(self):
        """Of the drain, or None: there is none"""
        found = json.loads(self._call('status', self.target, '--json'))
        drains = [drain for drain in found['drains']
                  if drain['target'] == self.target]
        return drains[0] if drains else None

    def _finish(self):
        """Until it is open and whole, whatever was killed"""
        deadline = time.monotonic() + 3 * PATIENCE
        while True:
            try:
                if self._is_finished():
                    return
            except ToolEnded:
                time.sleep(0.02)
            if time.monotonic() > deadline:
                raise AssertionError(f'{self.target}: never open again: '
                                     f'{self.failures[-5:]}')

    def _is_finished(self):
        drain = self._status()
        if drain is None:
            if self._torn:
                raise AssertionError(f'{self.target}: open and half updated')
            return True
        if drain['is_armed']:
            self._note('armed')
        if drain['state'] == 'quiescent':
            self._note('quiescent')
        if self._torn:
            self._mend()
        self._resume()
        return False

    def _mend(self):
        """An update that was interrupted is made anew, before anybody may
        see it"""
        self._now['ending'] = None
        assert self._now['quiescent']
        write_version(self._live, self._version)
        self._torn = False
        self._now['mended'] = True
