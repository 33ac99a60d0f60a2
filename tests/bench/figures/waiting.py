"""Opens of one client that wait, and then go on: processor time, ms

That of the one smbd, from the end of the drain to the last answer.  The ratio
is to as many opens while nothing drains.
"""

from pathlib import Path

from bench.measure import MODULE, Row
from lib.drain import Drain
from lib.smb2 import connect
from lib.waiting import HOLD, waits

GOAL = 1.3
FILES = 20


def _processor(pid):
    """What it has used so far, ms"""
    return int(Path(f'/proc/{pid}/schedstat').read_text().split()[0]) / 1e6


def _credits(tree, number):
    """Have the client get as many as it is to send"""
    while tree.connection.credits < number:
        tree.connection.echo()


def _send(tree, number):
    return [tree.create_nowait(f'app/f{index % FILES}')
            for index in range(number)]


def _finish(requests, pid, before):
    """What it took until all are answered; they are closed then"""
    handles = [request.wait(120) for request in requests]
    used = _processor(pid) - before
    for handle in handles:
        handle.close()
    return used


def _measure(bench, number, times):
    """(plain, after the wait): values of each, taking turns"""
    plain, after = [], []
    with bench.server(MODULE) as server:
        drain = Drain(server)
        for index in range(FILES):
            server.put('pkg', f'app/f{index}')
        with connect(server.port) as tree:
            pid = server.child_of(tree.connection)
            _credits(tree, number + 10)
            for _ in range(times):
                before = _processor(pid)
                plain.append(_finish(_send(tree, number), pid, before))
                drain.begin('pkg/app', HOLD, '--hold-timeout=5m')
                requests = _send(tree, number)
                assert waits(requests[-1])
                before = _processor(pid)
                drain.resume('pkg/app')
                after.append(_finish(requests, pid, before))
    return plain, after


def measure(bench):
    """Rows for some numbers of opens"""
    for number in bench.pick((500,), (500, 1000, 2000)):
        plain, after = _measure(bench, number, bench.pick(3, 7))
        case = f'{number} opens'
        base = Row('nothing drains', 'ms', plain, case=case)
        yield base
        yield Row('after the wait', 'ms', after, case=case, against=base,
                  goal=GOAL * base.median)
