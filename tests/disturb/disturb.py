#!/usr/bin/python3
"""Compares smbtorture with and without the module: ./waf disturb [--quick]

Runs Samba's own tests of SMB2, and of SMB1 (raw.* and base.*), one at a time on
a server, on several kinds of servers at once: without the module, twice, with it,
with one that lets every open wait for some milliseconds, and with it while a
directory beside is drained over and over. Every test has to end in the same way
on all. Which tests do not even do so without the module is found out by
repeating, and told. What each came to is written to build/disturb as it comes.

$DISTURB_ARGS gives prefixes of names, e.g. DISTURB_ARGS='smb2.lock smb2.dir'.
"""

import argparse
import collections
import contextlib
import math
import os
import shutil
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import smbtorture  # noqa: E402 (needs the path above)
from lib.drain import Drain  # noqa: E402
from lib.smbd import DURABLE_SHARE, PrivateSmbd  # noqa: E402

BUILD = Path(os.environ.get('DRAIN_BUILD', ''))
LOGS = BUILD / 'disturb'
ALL = ('smb2.', 'raw.', 'base.')
STACK = 'acl_xattr streams_xattr'
SIBLING = 'sibling'
REPEATS = 5, 30     # the more for what happens now and then
UNLIKELY = 0.03     # 5 of 35, where there were none of 37 without

LIMIT = 300     # seconds for one test; there are some with 10000 opens

# Servers of each kind at once: the tests mostly sleep
LANES = 3

# With --quick: each in a second or so
QUICK = ('smb2.create.', 'smb2.compound.', 'smb2.rename.', 'smb2.sharemode.',
         'smb2.durable-open.', 'smb2.lock.c', 'smb2.streams.',
         'raw.rename.', 'raw.close.', 'base.open.', 'base.ntdeny1.')
TOO_SLOW = ('bench-',)


class Lane:
    """A server, on which one test runs at a time"""

    def __init__(self, name, vfs_objects, modules, sibling):
        self.drains = 0
        self._sibling = sibling
        self._server = PrivateSmbd(
            f'disturb-{name.replace(" ", "-")}',
            {'pkg': {**DURABLE_SHARE, **smbtorture.Smbtorture.SHARE,
                     'vfs objects': vfs_objects}},
            smbtorture.Smbtorture.GLOBALS, modules=modules)
        self._torture = None

    def __enter__(self):
        self._server.__enter__()
        self._torture = smbtorture.Smbtorture(self._server, 'pkg', [SIBLING])
        return self

    def __exit__(self, *failure):
        return self._server.__exit__(*failure)

    def run(self, tests, note):
        """Those that nobody else has taken; note(name, outcome) of each"""
        ended = threading.Event()

        def test():
            try:
                while (name := next(tests, None)) is not None:
                    note(name, self._torture.run(name, LIMIT))
            finally:
                ended.set()

        at_once([test, lambda: self._drain(ended)] if self._sibling
                else [test])

    def _drain(self, ended):
        """The directory beside, until the tests have ended"""
        drain = Drain(self._server)
        self._server.put('pkg', f'{SIBLING}/file')
        while not ended.is_set():
            drain.begin(f'pkg/{SIBLING}', '--wait')
            drain.resume(f'pkg/{SIBLING}')
            self.drains += 1


class Variant:
    """Servers that are all the same, and what their tests have come to

    outcomes  {name of a test: [outcome, ...]}, the first run first
    """

    def __init__(self, name, module=False, modules=None, sibling=False):
        self.name = name
        self.outcomes = collections.defaultdict(list)
        self._lanes = [
            Lane(f'{name} {number}', f'{"drain " if module else ""}{STACK}',
                 modules, sibling) for number in range(LANES)]
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        for lane in self._lanes:
            self._stack.enter_context(lane)
        return self

    def __exit__(self, *failure):
        return self._stack.__exit__(*failure)

    @property
    def drains(self):
        """Of the directory beside"""
        return sum(lane.drains for lane in self._lanes)

    def run(self, tests):
        """All of them, as many at once as there are lanes"""
        left = iter(tests)
        at_once([lambda lane=lane: lane.run(left, self._note)
                 for lane in self._lanes[:len(tests)]])

    def _note(self, name, outcome):
        self.outcomes[name].append(outcome)
        with open(LOGS / self.name, 'a', encoding='utf-8') as log:
            log.write(f'{outcome} {name}\n')


def at_once(calls):
    """Call all of them in threads; the first error is raised"""
    errors = []

    def call(function):
        try:
            function()
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=call, args=(function,))
               for function in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Comparison:
    """Of what a test came to with the module and without it

    too_long   it does not end in time even without the module
    flaky      it ends in several ways without the module
    disturbed  it ends otherwise with it, more often than chance would have it
    seldom     it ended as it never did without, but so seldom that this may be
               chance
    """

    def __init__(self, plain, variants, tests):
        self.too_long, self.flaky, self.disturbed, self.seldom = {}, {}, {}, {}
        self._plain = plain
        for variant in variants:
            for name in tests:
                self._compare(variant, name)

    def _without(self, name):
        return [outcome for variant in self._plain
                for outcome in variant.outcomes[name]]

    def _compare(self, variant, name):
        first = variant.outcomes[name][0]
        without = self._without(name)
        if smbtorture.HANGS in without:
            self.too_long[name] = summary(without)
        elif first not in without or len(set(without)) > 1:
            self._look_closer(variant, name)
        self._note_flaky(name)

    def _look_closer(self, variant, name):
        """Is it the module? The run that made us ask is no case of it

        What looks like it in a few runs has to look like it in many.
        """
        for repeats in REPEATS:
            for _ in range(repeats):
                self._plain[0].run([name])
                variant.run([name])
            again = variant.outcomes[name][1:]
            without = self._without(name)
            if (chance(again, without) >= UNLIKELY
                    and set(again) <= set(without)):
                break
        told = (f'{summary(variant.outcomes[name])} {variant.name}, '
                f'{summary(without)} without the module')
        if chance(again, without) < UNLIKELY:
            self.disturbed[name] = told
        elif not set(variant.outcomes[name]) <= set(without):
            self.seldom[name] = told

    def _note_flaky(self, name):
        if len(set(self._without(name))) > 1:
            self.flaky[name] = summary(self._without(name))

    def show(self):
        """As lines of text"""
        for title, found in (
                ('disturbed by the module', self.disturbed),
                ('otherwise so seldom that it may be chance', self.seldom),
                ('not the same by itself, without the module', self.flaky),
                ('not compared, for they take too long', self.too_long)):
            print(f'{len(found)} {title}')
            for name, told in sorted(found.items()):
                print(f'  {name}: {told}')


def chance(some, others):
    """That some end so much more often otherwise than others usually do, if
    there is no difference: Fisher's exact test, one-sided"""
    usual = collections.Counter(others).most_common(1)[0][0]
    odd = sum(outcome != usual for outcome in some)
    all_odd = odd + sum(outcome != usual for outcome in others)
    number = len(some) + len(others)
    ways = sum(math.comb(len(some), drawn)
               * math.comb(len(others), all_odd - drawn)
               for drawn in range(odd, min(len(some), all_odd) + 1))
    return ways / math.comb(number, all_odd)


def summary(outcomes):
    """7 x success, 1 x failure"""
    return ', '.join(f'{count} x {outcome}' for outcome, count
                     in collections.Counter(outcomes).most_common())


def without_module(quick):
    """The servers to compare with"""
    names = ['without'] if quick else ['without', 'without again']
    return [Variant(name) for name in names]


def with_module():
    """The servers to compare"""
    return [Variant('with', module=True),
            Variant('with jitter', module=True,
                    modules={'drain': BUILD / 'tests/jitter/drain.so'}),
            Variant('with drains beside', module=True, sibling=True)]


def choose(arguments):
    """The names of the tests to run"""
    if arguments.quick:
        return [name for name in smbtorture.names(*QUICK)
                if not any(slow in name for slow in TOO_SLOW)]
    return smbtorture.names(*(arguments.prefixes or ALL))


def run(tests, plain, guarded):
    """Fill the servers' outcomes; the Comparison"""
    began = time.monotonic()
    servers = [*plain, *guarded]
    print(f'{len(tests)} tests', flush=True)
    at_once([lambda server=server: server.run(tests) for server in servers])
    for server in servers:
        print(f'{server.name}: '
              f'{summary(server.outcomes[name][0] for name in tests)}')
    print(f'{servers[-1].drains} drains beside', flush=True)
    comparison = Comparison(plain, guarded, tests)
    comparison.show()
    print(f'{time.monotonic() - began:.0f} s')
    return comparison


def main():
    """Fails if a test was disturbed"""
    if not BUILD.is_absolute():
        sys.exit('run it with: sudo ./waf disturb')
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--quick', action='store_true',
                        help='some of the tests, once without: a minute')
    parser.add_argument('prefixes', nargs='*', metavar='PREFIX')
    arguments = parser.parse_args()
    tests = choose(arguments)
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir()
    with contextlib.ExitStack() as stack:
        plain, guarded = (
            [stack.enter_context(server) for server in servers]
            for servers in (without_module(arguments.quick), with_module()))
        comparison = run(tests, plain, guarded)
    if comparison.disturbed or not tests:
        sys.exit(1)


if __name__ == '__main__':
    main()
