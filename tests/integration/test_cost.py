"""With no drain in force the module costs next to nothing.

Counts of instructions are exact whatever else the machine does, so that can
be a test; times are for the benchmark (tests/bench).
"""

import shutil

import pytest

from bench import callgrind

GOAL = 250
NAMES = callgrind.NAMES[:5]


def count(smbd, share):
    """Instructions and allocations per open+close, for some names"""
    server = smbd({'pkg': share}, wrapper=callgrind.WRAPPER)
    callgrind.prepare(server, NAMES)
    counts = callgrind.costs(server, NAMES, 100)
    server.stop()
    return counts


@pytest.mark.time_limit(180)
@pytest.mark.skipif(not shutil.which('valgrind'), reason='needs valgrind')
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
