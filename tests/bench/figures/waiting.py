"""Opens that wait, and then go on, ms

Of one client: the processor time of its smbd, from the end of the drain to the
last answer, as a ratio to as many opens while nothing drains.  Of as many
clients: the time from the end of the drain (`smbdrain resume` is started then)
to the last answer.
"""

import time

from bench.measure import (
    MODULE, TARGET, Row, clients_text, processor, start_up)
from lib.drain import Drain
from lib.smb2 import connect
from lib.smbd import wait_until
from lib.waiting import HOLD, waits

GOAL = 1.3
GOAL_TIME = 500
FILES = 20


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
    used = processor([pid]) - before
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
                before = processor([pid])
                plain.append(_finish(_send(tree, number), pid, before))
                drain.begin('pkg/app', HOLD, '--hold-timeout=5m')
                requests = _send(tree, number)
                assert waits(requests[-1])
                before = processor([pid])
                drain.resume('pkg/app')
                after.append(_finish(requests, pid, before))
    return plain, after


def _one_each(bench, clients, times):
    """(start-up of the program, until all are answered)"""
    start, answered = [], []
    with bench.holders(clients) as (drain, load):
        for _ in range(times):
            load.close_all()
            start.append(start_up(drain))
            drain.begin(TARGET, HOLD, '--hold-timeout=5m')
            load.open()
            assert load.state().parked == clients
            began = time.time()
            drain.resume(TARGET)
            wait_until(lambda: load.state().open == clients, 60, 'answers',
                       0.005)
            answered.append(1000 * (load.state().last_answer - began))
    return start, answered


def measure(bench):
    """Rows for some numbers of opens"""
    for clients in bench.pick((200,), (500, 1000, 2000)):
        case = f'{clients_text(clients)}, one open each'
        start, answered = _one_each(bench, clients, bench.pick(3, 5))
        yield Row('from resume to the last answer', 'ms', answered,
                  case=case, goal=GOAL_TIME)
        yield Row('  of it start-up', 'ms', start, case=case)
    for number in bench.pick((500,), (500, 2000)):
        plain, after = _measure(bench, number, bench.pick(3, 5))
        case = f'one client, {number} opens'
        base = Row('nothing drains', 'ms', plain, case=case)
        yield base
        yield Row('after the wait', 'ms', after, case=case, against=base,
                  goal=GOAL * base.median)
