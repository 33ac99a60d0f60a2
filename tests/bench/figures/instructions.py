"""Instructions of smbd per open+close (callgrind, exact)

A client opens and closes a file that exists, again and again, without a
lease.  Drains elsewhere are in other directories of the same share.  Profiles
for callgrind_annotate are left in build/bench.
"""

import shutil

from bench import callgrind
from bench.measure import MODULE, Row
from lib.drain import Drain

GOAL = 250
DRAINS = 50
GOAL_DRAINS = 1500
UNIT = 'instructions'


def _drain_elsewhere(server, drains):
    drain = Drain(server)
    for number in range(drains):
        server.put('pkg', f'other{number}/file')
        drain.begin(f'pkg/other{number}')


def _count(bench, share, drains=0):
    """Costs with one kind of share, in a server of its own"""
    names = bench.pick(callgrind.NAMES[:3], callgrind.NAMES)
    pairs = bench.pick(100, 500)
    with bench.server(share, wrapper=callgrind.WRAPPER) as server:
        callgrind.prepare(server, names)
        _drain_elsewhere(server, drains)
        values, _ = callgrind.costs(server, names, pairs)
        profile = callgrind.session(server, names[0], pairs)
        kind = f'{"with" if share else "without"}-{drains}'
        shutil.copy(profile.path, bench.directory / f'callgrind.{kind}')
    return values


def measure(bench):
    """Rows of the variants, and of their differences"""
    without = Row('without the module', UNIT, _count(bench, {}))
    yield without
    for drains, what, goal in (
            (0, 'with it, nothing drains', GOAL),
            (DRAINS, f'{DRAINS} drains elsewhere', GOAL_DRAINS)):
        values = _count(bench, MODULE, drains)
        yield Row(what, UNIT, values, against=without)
        yield Row('that is more by', UNIT,
                  callgrind.added(values, without.values), goal=goal)
