"""Until all caches are broken when a drain begins, ms

The handles have leases to read, write and keep the handle.  It begins with the
start of `smbdrain begin`, and ends when the last break has arrived at the
clients, who acknowledge each.  The alternative is to wait for the clients:
Windows and Linux keep what no program uses for seconds to minutes.
"""

import time

from bench.measure import TARGET, Row, start_up
from lib.smbd import wait_until

GOAL = 200
LEASE = 'RWH'


def _broken(load, number):
    return load.state().breaks >= number


def _one(drain, load, number):
    """(until the last break, for the program to start)"""
    broken = load.state().breaks
    start = start_up(drain)
    began = time.time()
    drain.begin(TARGET)
    wait_until(lambda: _broken(load, broken + number), 30, 'breaks', 0.01)
    took = 1000 * (load.state().last_break - began)
    load.close_all()
    drain.resume(TARGET)
    assert not load.open().failed
    return took, start


def measure(bench):
    """Rows for one smbd with all of them, and for an smbd each"""
    number = bench.pick(200, 1000)
    for clients in (1, number):
        with bench.holders(clients, number // clients,
                           lease=LEASE) as (drain, load):
            taken = [_one(drain, load, number)
                     for _ in range(bench.pick(3, 5))]
        case = (f'{number} handles in one smbd' if clients == 1
                else f'{number} smbds with one each')
        took, start = zip(*taken)
        yield Row('all breaks have arrived', 'ms', took, case=case, goal=GOAL)
        yield Row('  of it start-up', 'ms', start, case=case)
