#!/usr/bin/python3
"""Drains while things break: ./waf torture [SECONDS] [--seed=N]

Clients use packages, and those who drain update them, while smbds and tools
are killed and stopped, connections are reset, the disk fills up, and the
machine "reboots". Afterwards checker.py decides from the logs of both, which
stay in build/torture, whether S1-S5 held. The seed determines what everybody
does, in which order; what comes of it depends on the machine, too.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from lib.drain import Drain  # noqa: E402 (needs the path above)
from lib.smb2 import NtStatus, connect  # noqa: E402
from lib.smbd import PrivateSmbd  # noqa: E402
from torture.checker import Checker  # noqa: E402
from torture.drainer import Drainer  # noqa: E402
from torture.killer import SABOTAGE, Killer, schedule  # noqa: E402
from torture.layout import (  # noqa: E402
    EXEMPT_ADDRESS, PACKAGES, PROGRAM, TARGETS, lay_out, shares)

CLIENTS = 6     # besides the one that is exempt
CLIENT = Path(__file__).with_name('client.py')
TELL_EVERY = 60
STALL = 0.5     # seconds, for a tool that does nothing
DISK = '16m'    # for the state
DISK_FULL = 'is the disk full?'     # as tools say it


class Site:
    """The server, and all that is on it"""

    def __init__(self):
        self.server = PrivateSmbd('torture', {})
        self.logs = fresh_directory(Path(os.environ['DRAIN_BUILD'])
                                    / 'torture')
        root = self.server.base / 'shares' / 'all'
        for name, options in shares(root).items():
            self.server.set_share(name, options)
        lay_out(root)
        self.drain = Drain(self.server)
        self.clients = []

    @contextlib.contextmanager
    def running(self):
        """With a small disk for the state"""
        state = self.server.base / 'state'
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={DISK}',
                        'torture', state], check=True)
        try:
            with self.server:
                # Makes the database, for which a full disk has no room
                self.drain.status()
                yield self
        finally:
            subprocess.run(['umount', state], check=False)

    def start_clients(self, seed):
        """The last one is exempt"""
        for number in range(CLIENTS + 1):
            address = [EXEMPT_ADDRESS] if number == CLIENTS else []
            self.clients.append(subprocess.Popen(
                [sys.executable, CLIENT, str(number), str(self.server.port),
                 str(seed), self.logs / f'client{number}', *address],
                text=True, stdin=subprocess.PIPE))

    def facts(self):
        """All that the clients have noted"""
        return [json.loads(line) for log in sorted(self.logs.glob('client*'))
                for line in log.read_text().splitlines()]

    def note(self, name, facts):
        """Beside it, what others have noted"""
        (self.logs / name).write_text(
            ''.join(f'{json.dumps(fact)}\n' for fact in facts))


def fresh_directory(path):
    """An empty one in its place"""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


class Pulse(threading.Thread):
    """Notes when the machine had no time for us, as faults"""

    def __init__(self, drain):
        super().__init__(name='pulse', daemon=True)
        self.faults = []
        self.stopping = threading.Event()
        self._drain = drain

    def run(self):
        while not self.stopping.wait(1):
            began = time.time()
            self._drain.call('--version', expect=None)
            ended = time.time()
            if ended > began + STALL:
                self.faults.append({'what': 'stall', 'whom': None,
                                    'began': began, 'ended': ended})


def wait(seconds, drainers, threads):
    """Until then, or until one of the threads cannot go on"""
    began = told = time.monotonic()
    while time.monotonic() < began + seconds and not any(
            thread.died for thread in threads):
        time.sleep(0.2)
        if time.monotonic() > told + TELL_EVERY:
            told = time.monotonic()
            drains = sum(len(drainer.drains) for drainer in drainers)
            print(f'  {told - began:.0f} s: {drains} drains', flush=True)


def torture(site, seed, seconds, crimes):
    """The drainers and the killer, after that time"""
    power = threading.Lock()
    site.start_clients(seed)
    drainers = [Drainer(number, target, site.drain, seed, power)
                for number, target in enumerate(TARGETS)]
    killer = Killer(schedule(seed, crimes), site.drain, drainers,
                    site.clients, power)
    threads = [*drainers, killer]
    for thread in threads:
        thread.start()
    wait(seconds, drainers, threads)
    # The drainers come to their ends when nothing breaks any more
    for group in [killer], drainers:
        for thread in group:
            thread.stopping.set()
        for thread in group:
            thread.join()
    for client in site.clients:
        client.stdin.close()
    for client in site.clients:
        client.wait(120)
    return drainers, killer


def look_whether_all_is_open(site):
    """What is wrong in the end, as lines of text"""
    status = site.drain.status()
    if status['drains'] or status['unreadable_records']:
        yield f'left behind: {status}'
    with connect(site.server.port, 'all') as tree:
        for package in PACKAGES:
            told = tree.status_of_open(f'{package}/{PROGRAM}')
            if told != NtStatus.SUCCESS:
                yield f'{package}: {told.name} in the end'


def how_often(things):
    """The most frequent first"""
    return ', '.join(f'{number} x {thing}' for thing, number
                     in collections.Counter(things).most_common())


def report(checker, drainers, faults, seconds):
    """What was done, and what was found"""
    for name, number in sorted(checker.counted.items()):
        print(f'  {number} {name}')
    print('  broken: ' + how_often(fault['what'] for fault in faults))
    failures = [failure for drainer in drainers
                for failure in drainer.failures]
    print('  tools that failed: ' + how_often(
        f'{verb} ({code})' for code, verb, _ in failures))
    print('  because the disk was full: ' + how_often(
        verb for _, verb, text in failures if DISK_FULL in text))
    print(f'  longest wait without a holder: {checker.longest_wait:.1f} s, '
          f'{checker.longest_quiet_wait:.1f} s when nothing was broken')
    print('  longest open when nothing was broken, nor drained: '
          f'{checker.longest_quiet_open:.1f} s')
    print(f'  {seconds:.0f} s')


def main():
    """Fails if one of S1-S5 did not hold"""
    if not os.environ.get('DRAIN_BUILD'):
        sys.exit('run it with: sudo ./waf torture')
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('seconds', nargs='?', type=float, default=60)
    parser.add_argument('--seed', type=int)
    parser.add_argument('--sabotage', action='store_const', const=SABOTAGE,
                        help='to see whether that is noticed')
    arguments = parser.parse_args()
    seed = arguments.seed
    if seed is None:
        seed = random.randrange(10 ** 6)
    print(f'seed {seed}, {arguments.seconds:.0f} s', flush=True)
    began = time.monotonic()
    with Site().running() as site:
        pulse = Pulse(site.drain)
        pulse.start()
        drainers, killer = torture(site, seed, arguments.seconds,
                                   arguments.sabotage)
        pulse.stopping.set()
        pulse.join()
        drains = [drain for drainer in drainers for drain in drainer.drains]
        faults = killer.faults + pulse.faults
        site.note('drains', drains)
        site.note('faults', faults)
        checker = Checker(site.facts(), drains, faults).check()
        report(checker, drainers, faults, time.monotonic() - began)
        wrong = [*checker.violations, *look_whether_all_is_open(site)]
        wrong += [f'{thread.name}: {thread.died!r}'
                  for thread in (*drainers, killer) if thread.died]
        wrong += [f'client {number}: status {client.returncode}'
                  for number, client in enumerate(site.clients)
                  if client.returncode]
        for line in wrong[:50]:
            print(line)
        print(f'{len(wrong)} violations', flush=True)
        if wrong:
            raise SystemExit(1)


if __name__ == '__main__':
    main()
