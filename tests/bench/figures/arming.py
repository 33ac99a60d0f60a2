"""From begin to armed, wall time of the command, ms

Every client holds a file in the target.  `smbcontrol close-share` of a share
that nobody uses reaches the same smbds, but waits for no answer: the ratio is
to that.  `smbdrain resume` of what does not drain is what the program needs to start;
the rest is the drain's.
"""

from bench.measure import (
    TARGET, Row, clients_text, milliseconds, start_up)

GOAL = 50
GOAL_CLIENTS = 1000


def _measure(bench, clients, times):
    """Wall times of the three commands, interleaved"""
    tell, start, begin = [], [], []
    with bench.holders(clients) as (drain, _):
        for _ in range(times):
            tell.append(milliseconds(
                drain.server.smbcontrol, 'smbd', 'close-share', 'nosuch'))
            start.append(start_up(drain))
            begin.append(milliseconds(drain.begin, TARGET))
            assert len(drain.holders(TARGET)) == clients
            drain.resume(TARGET)
    return tell, start, begin


def measure(bench):
    """Rows for each number of clients"""
    for clients in bench.pick((1, 100), (1, 100, 500, 1000, 2000)):
        tell, start, begin = _measure(bench, clients, bench.pick(5, 7))
        case = clients_text(clients)
        other = Row('smbcontrol close-share', 'ms', tell, case=case)
        yield other
        yield Row('smbdrain begin', 'ms', begin, case=case, against=other)
        yield Row('  of it start-up', 'ms', start, case=case)
        yield Row('  of it the rest', 'ms',
                  [all_ - part for all_, part in zip(begin, start)],
                  case=case, goal=GOAL if clients <= GOAL_CLIENTS else None)
