"""From the last close to the start of the command, ms

It begins with the last answer to a close, by the clock of the clients.  They
close all at once, or one closes when the others have done so.  The alternative
is what people do without drain:
`while smbstatus -L | grep PACKAGE; do sleep 1; done; command`.
Before the command starts the record says so on disk: a transaction of a tdb of
its size, in the same directory, tells how much of it that is.
"""

import os
import random
import subprocess
import time

import tdb

from bench.measure import (
    PACKAGE, TARGET, Row, clients_text, clock_of, load_on, milliseconds,
    put_files)
from lib.load import find_program

GOAL = 20
GOAL_ONE = 2
POLL = ('while smbstatus -s "$1" -L | grep -q "$2/"; do sleep 1; done; '
        'exec "$3"')
OTHERS = 25  # clients that hold all the other files


def _clock():
    return find_program('clock')


def _close_all(load):
    load.close_all()


def _close_one_last(load):
    load.close_all_but(0)
    time.sleep(0.2)
    load.close(0)


def _late(process, load, close, pause):
    """How late a waiting command starts; the clients open again then"""
    try:
        time.sleep(pause)
        close(load)
        late = 1000 * (clock_of(process) - load.last_close)
    finally:
        process.kill()
        process.communicate()
    assert not load.open().failed
    return late


def _drain(drain, load, close):
    process = drain.start('run', TARGET, '--', _clock())
    drain.wait_for_state(TARGET, 'armed')
    return _late(process, load, close, 0.2)


def _poll(drain, load):
    """The moment is at random: a poll may be lucky"""
    process = subprocess.Popen(
        ['sh', '-c', POLL, 'sh', drain.server.conf, PACKAGE, _clock()],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return _late(process, load, _close_all, random.uniform(0.2, 1.2))


def _transaction(store):
    store.transaction_start()
    store[b'id'] = os.urandom(300)
    store.transaction_commit()


def _transactions(server, times):
    """As the record is written"""
    path = server.base / 'state' / 'bench.tdb'
    store = tdb.open(str(path), flags=os.O_RDWR | os.O_CREAT)
    _transaction(store)
    values = [milliseconds(_transaction, store) for _ in range(times)]
    store.close()
    return values


def _goal(clients):
    if clients == 1:
        return GOAL_ONE
    return GOAL if clients <= 1000 else None


def _rows(bench, case, clients, drain, load):
    """Polling, all at once, one last, and the record alone; they take turns"""
    polled, at_once, one_last = [], [], []
    for _ in range(bench.pick(3, 5)):
        polled.append(_poll(drain, load))
        at_once.append(_drain(drain, load, _close_all))
        one_last.append(_drain(drain, load, _close_one_last))
    other = Row('polling smbstatus', 'ms', polled, case=case)
    yield other
    yield Row('smbdrain run, all close at once', 'ms', at_once,
              case=case, against=other, goal=_goal(clients))
    base = Row('smbdrain run, one closes last', 'ms', one_last,
               case=case, against=other, goal=_goal(clients))
    yield base
    yield Row('  of it to have the record on disk', 'ms',
              _transactions(drain.server, 20), case=case, against=base)


def _with_other_files(bench, clients):
    """The same while others hold files elsewhere in the share"""
    others = bench.pick(2000, 50000)
    with bench.holders(clients) as (drain, load):
        put_files(drain.server, 'other', OTHERS, others // OTHERS)
        with load_on(drain.server, 'other', OTHERS, others // OTHERS):
            case = f'{clients_text(clients)}, {others:,} other files open'
            yield from _rows(bench, case, clients, drain, load)


def _distribution(bench, clients):
    """More of one kind, for the plot"""
    with bench.holders(clients) as (drain, load):
        values = [_drain(drain, load, _close_one_last)
                  for _ in range(bench.pick(8, 40))]
    return Row('one closes last, many times', 'ms', values,
               case=clients_text(clients))


def measure(bench):
    """Rows for each number of clients"""
    for clients in bench.pick((1, 200), (1, 10, 100, 200, 1000, 2000)):
        with bench.holders(clients) as (drain, load):
            yield from _rows(bench, clients_text(clients), clients, drain,
                             load)
    for clients in bench.pick((1,), (1, 1000)):
        yield from _with_other_files(bench, clients)
    for clients in bench.pick((1,), (1, 100)):
        yield _distribution(bench, clients)
