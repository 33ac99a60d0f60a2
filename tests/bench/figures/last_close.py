"""From the last close to the start of the command, ms

It begins with the last answer to a close, by the clock of the clients.  They
close all at once, or one closes when the others have done so.  The alternative
is what people do without drain:
`while smbstatus -L | grep PACKAGE; do sleep 1; done; command`.
"""

import random
import subprocess
import time

from bench.measure import (
    PACKAGE, TARGET, Row, clients_text, clock_of)

GOAL = 20
CLOCK = ('date', '+%s.%N')
POLL = ('while smbstatus -s "$1" -L | grep -q "$2/"; do sleep 1; done; '
        'exec date +%s.%N')


def _close_all(load):
    load.close_all()


def _close_one_last(load):
    load.close_all_but(0)
    time.sleep(0.2)
    load.close(0)


def _late(process, load, close):
    """How late a waiting command starts; the clients open again then

    The moment is at random: a poll may be lucky.
    """
    try:
        time.sleep(random.uniform(0.2, 1.2))
        close(load)
        late = 1000 * (clock_of(process) - load.last_close)
    finally:
        process.kill()
        process.communicate()
    assert not load.open().failed
    return late


def _drain(drain, load, close):
    process = drain.start('run', TARGET, '--', *CLOCK)
    drain.wait_for_state(TARGET, 'armed')
    return _late(process, load, close)


def _poll(drain, load):
    process = subprocess.Popen(
        ['sh', '-c', POLL, 'sh', drain.server.conf, PACKAGE], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return _late(process, load, _close_all)


def _measure(bench, clients):
    """Polling, all at once, one last; they take turns"""
    values = [], [], []
    with bench.holders(clients) as (drain, load):
        for _ in range(bench.pick(3, 7)):
            values[0].append(_poll(drain, load))
            values[1].append(_drain(drain, load, _close_all))
            values[2].append(_drain(drain, load, _close_one_last))
    return values


def measure(bench):
    """Rows for each number of clients"""
    for clients in bench.pick((1, 100), (1, 100, 500)):
        case = clients_text(clients)
        polled, at_once, one_last = _measure(bench, clients)
        other = Row('polling smbstatus', 'ms', polled, case=case)
        yield other
        yield Row('smbdrain run, all close at once', 'ms', at_once,
                  case=case, against=other)
        yield Row('smbdrain run, one closes last', 'ms', one_last,
                  case=case, against=other, goal=GOAL)
