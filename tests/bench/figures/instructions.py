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
GOAL_DRAINS = 1500  # at 50 of them
UNIT = 'instructions'


def _drain_elsewhere(server, drains):
    drain = Drain(server)
    for number in range(drains):
        server.put('pkg', f'other{number}/file')
        drain.begin(f'pkg/other{number}')


def _count(bench, share, drains=0):
    """Costs with one kind of share, in a server of its own"""
    names = bench.pick(callgrind.NAMES[:2], callgrind.NAMES[:3])
    pairs = bench.pick(50, 100)
    with bench.server(share, wrapper=callgrind.WRAPPER) as server:
        callgrind.prepare(server, names)
        _drain_elsewhere(server, drains)
        values, _ = callgrind.costs(server, names, pairs)
        if not bench.quick:
            profile, = callgrind.session(server, names[:1], pairs)
            kind = f'{"with" if share else "without"}-{drains}'
            shutil.copy(profile.path, bench.directory / f'callgrind.{kind}')
    return values


def _what(drains):
    if not drains:
        return 'with it, nothing drains'
    return f'{drains} drain{"" if drains == 1 else "s"} elsewhere'


def measure(bench):
    """Rows of the variants, and of their differences"""
    without = Row('without the module', UNIT, _count(bench, {}))
    yield without
    for drains in bench.pick((0, 50), (0, 1, 10, 50, 200)):
        values = _count(bench, MODULE, drains)
        yield Row(_what(drains), UNIT, values, against=without)
        yield Row('  that is more by', UNIT,
                  callgrind.added(values, without.values),
                  goal=GOAL_DRAINS if drains else GOAL)
