"""What figures are made of.

A figure is a file in figures/ with a docstring whose first line is its title,
and a function measure(bench) that yields Rows.  figures/__init__.py lists
them.
"""

import contextlib
import statistics
import subprocess
import time
from pathlib import Path

from lib.drain import Drain
from lib.load import Load
from lib.smbd import PrivateSmbd

MODULE = {'vfs objects': 'drain'}
PACKAGE = 'tools'
TARGET = f'pkg/{PACKAGE}'


class Row:
    """One quantity: all its values, and what it is compared with

    case      under which conditions, e.g. '100 clients'
    against   Row of the alternative that was measured in the same run
    goal      the median is to be at most that
    """

    def __init__(self, what, unit, values, *, case='', against=None,
                 goal=None):
        self.what = what
        self.case = case
        self.unit = unit
        self.values = list(values)
        self.against = against
        self.goal = goal
        self.n = len(self.values)
        self.median = statistics.median(self.values)
        self.min = min(self.values)
        self.max = max(self.values)

    @property
    def ratio(self):
        """To the median of the alternative; None if there is none"""
        if self.against is None or not self.against.median:
            return None
        return self.median / self.against.median

    @property
    def met(self):
        """Whether the goal is met; None if there is none"""
        return None if self.goal is None else self.median <= self.goal

    def as_dict(self):
        """For results.jsonl"""
        return {
            'what': self.what, 'case': self.case, 'unit': self.unit,
            'median': self.median, 'min': self.min, 'max': self.max,
            'n': self.n, 'ratio': self.ratio,
            'against': self.against and self.against.what,
            'goal': self.goal, 'met': self.met, 'values': self.values,
        }


class Bench:
    """How much to measure, and servers and clients to do it with"""

    def __init__(self, quick, directory):
        self.quick = quick
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def pick(self, quick, full):
        """The one that suits this run"""
        return quick if self.quick else full

    @staticmethod
    def server(share=None, **options):
        """A new smbd, always in the same directory: names have a price"""
        return PrivateSmbd('bench', {'pkg': MODULE if share is None
                                     else share}, **options)

    @contextlib.contextmanager
    def holders(self, clients, files=1, **options):
        """A new smbd and clients that hold files: (drain, load)

        The memory of a child of smbd depends on what its parent did before,
        so each number of clients gets a parent of its own.
        """
        with self.server() as server:
            put_files(server, PACKAGE, clients, files)
            with load_on(server, PACKAGE, clients, files, **options) as load:
                yield Drain(server), load


def put_files(server, directory, clients, files):
    """What load_on() opens; smbd takes long to create many in a directory"""
    for client in range(clients):
        server.put('pkg', f'{directory}/{client}/f0')
    for client in range(clients) if files > 1 else ():
        for file in range(1, files):
            path = server.share_path('pkg') / f'{directory}/{client}/f{file}'
            path.touch()
            path.chmod(0o666)


@contextlib.contextmanager
def load_on(server, directory, clients, files=1, **options):
    """Clients that have those files open"""
    with Load(server.port, conns=clients, files=files, timeout=240,
              name=f'{directory}/%c/f%f', **options) as load:
        assert load.ready.open == clients * files, load.ready
        yield load


def processor(pids):
    """What processes have used so far, ms"""
    return sum(int(Path(f'/proc/{pid}/schedstat').read_text().split()[0])
               for pid in pids) / 1e6


def settled(pids, pause=0.3):
    """What they have used when they have nothing left to do, ms"""
    used = processor(pids)
    while True:
        time.sleep(pause)
        before, used = used, processor(pids)
        if used - before < 0.1 + 0.001 * len(pids):
            return used


def milliseconds(function, *args, **keywords):
    """How long a call takes"""
    began = time.monotonic()
    function(*args, **keywords)
    return 1000 * (time.monotonic() - began)


def start_up(drain):
    """What smbdrain needs to come to the point, ms: it asks no smbd"""
    return milliseconds(drain.resume, 'pkg/nothing', expect=1)


def clock_of(process, timeout=60):
    """The time that a started command has printed: seconds since 1970"""
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, (process.args, output, errors)
    return float(output.split()[-1])


def clients_text(number):
    """For a table"""
    return '1 client' if number == 1 else f'{number} clients'
