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
    """Instructions per open+close for some names, in a server of its own"""
    server = smbd({'pkg': share}, wrapper=callgrind.WRAPPER)
    callgrind.prepare(server, NAMES)
    values = callgrind.costs(server, NAMES, 100)
    server.stop()
    return values


@pytest.mark.time_limit(180)
@pytest.mark.skipif(not shutil.which('valgrind'), reason='needs valgrind')
def test_open_and_close(smbd):
    """The difference that `vfs objects = drain` makes"""
    without = count(smbd, {})
    added = callgrind.added(count(smbd, {'vfs objects': 'drain'}), without)
    assert min(without) > 100_000, 'the profile lacks most of smbd'
    # What smbd does besides adds to a count now and then: not the largest
    assert sorted(added)[1] <= GOAL, added
