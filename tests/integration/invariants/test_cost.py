"""With no drain in force the module costs next to nothing.

Counts of instructions are exact whatever else the machine does, so that can
be a test; times are for the benchmark (tests/bench).
"""

import shutil

import pytest

from bench import callgrind
from lib.drain import Drain

GOAL = 250
NAMES = callgrind.NAMES[:5]
PAIRS = 40


def count(smbd, share):
    """Instructions and allocations per open+close, for some names"""
    server = smbd({'pkg': share}, wrapper=callgrind.WRAPPER)
    callgrind.prepare(server, NAMES)
    counts = callgrind.costs(server, NAMES, PAIRS)
    server.stop()
    return counts


def needs_valgrind(test):
    """For a test that takes its time"""
    skip = pytest.mark.skipif(not shutil.which('valgrind'),
                              reason='needs valgrind')
    left_out = pytest.mark.no_memcheck('runs under callgrind')
    return pytest.mark.time_limit(300)(left_out(skip(test)))


@needs_valgrind
def test_open_and_close(smbd):
    """The difference that `vfs objects = drain` makes"""
    without, their_allocations = count(smbd, {})
    with_it, allocations = count(smbd, {'vfs objects': 'drain'})
    added = callgrind.added(with_it, without)
    assert min(without) > 100_000, 'the profile lacks most of smbd'
    assert min(added) > -GOAL, 'not the same was counted'
    # What smbd does besides adds to a count now and then: not the largest
    assert sorted(added)[1] <= GOAL, added
    assert sorted(callgrind.added(allocations, their_allocations))[1] < 0.5


@needs_valgrind
def test_after_a_drain(smbd):
    """A client that has seen one pays no more than before"""
    server = smbd({'pkg': {'vfs objects': 'drain'}},
                  wrapper=callgrind.WRAPPER)
    callgrind.prepare(server, NAMES)
    drain = Drain(server)

    def see_one():
        drain.begin('pkg')
        drain.resume('pkg')

    before, _ = callgrind.costs(server, NAMES[:3], PAIRS)
    after, _ = callgrind.costs(server, NAMES[:3], PAIRS, see_one)
    # Newer smbds take a little longer for each client that there has been
    again, _ = callgrind.costs(server, NAMES[:3], PAIRS)
    base = map(max, before, again)
    assert sorted(callgrind.added(after, base))[1] < GOAL / 2
