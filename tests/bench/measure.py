"""What figures are made of.

A figure is a file in figures/ with a docstring whose first line is its title,
and a function measure(bench) that yields Rows.  figures/__init__.py lists
them.
"""

import contextlib
import statistics
import subprocess
import time

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
    def holders(self, clients):
        """A new smbd and clients that hold a file each: (drain, load)

        The memory of a child of smbd depends on what its parent did before,
        so each number of clients gets a parent of its own.
        """
        with self.server() as server:
            server.put('pkg', f'{PACKAGE}/readme')
            with Load(server.port, conns=clients, files=1,
                      name=f'{PACKAGE}/f%c') as load:
                assert load.ready.open == clients, load.ready
                yield Drain(server), load


def milliseconds(function, *args, **keywords):
    """How long a call takes"""
    began = time.monotonic()
    function(*args, **keywords)
    return 1000 * (time.monotonic() - began)


def clock_of(process, timeout=60):
    """The time that a started command has printed, by `date +%s.%N`"""
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
