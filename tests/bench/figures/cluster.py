"""A cluster of three nodes on this machine, against one smbd

As many clients in all.  A record migrates when a node gets it from another;
messages are those of smbds and tools, to any node.  On three machines there is
more to compute with, and each message takes as long as the network does.
"""

import contextlib
import time

from bench.measure import (
    MODULE, PACKAGE, TARGET, Row, clients_text, milliseconds)
from lib.cluster import Cluster
from lib.drain import Drain, ended
from lib.load import Load

NODES = 3
CHURNERS = 3    # clients of a node
COUNTERS = {
    'record migrations': ('node.reply_dmaster',),
    'messages': ('client.req_message',),
    'controls': ('client.req_control',),
}


class _Nodes:
    """Servers with clients; the first one's tool begins, the last one waits"""

    def __init__(self, servers):
        self.servers = servers
        self.first = Drain(servers[0])
        self.last = Drain(servers[-1])

    def count(self):
        """What the ctdbds have done so far: {counter: number}"""
        total = dict.fromkeys(COUNTERS, 0)
        for node in self.servers:
            names, values = node.ctdb('-X', 'statistics').stdout.splitlines()
            known = dict(zip(names.split('|'), values.split('|')))
            for counter, fields in COUNTERS.items():
                total[counter] += sum(int(known[field]) for field in fields)
        return total


@contextlib.contextmanager
def _clients(nodes, number, directory, files, share='pkg'):
    """So many of each node, each with files of its own: a Load a node"""
    with contextlib.ExitStack() as stack:
        loads = []
        for node, server in enumerate(nodes.servers):
            for client in range(number):
                server.put(share, f'{directory}n{node}_{client}')
            loads.append(stack.enter_context(Load(
                server.port, share, conns=number, files=files,
                addresses=[server.host], name=f'{directory}n{node}_%c')))
        yield loads


def _begin_and_wake(nodes, clients, times):
    """ms from begin to armed, and from the last close to the waiter's end"""
    begin, wake = [], []
    with _clients(nodes, clients, f'{PACKAGE}/', 1) as loads:
        for _ in range(times):
            begin.append(milliseconds(nodes.first.begin, TARGET))
            waiter = nodes.last.start('wait', TARGET)
            with ended(waiter):
                time.sleep(1)
                for load in loads:
                    load.close_all()
                assert waiter.wait() == 0
                wake.append(1000 * (time.time() - loads[-1].last_close))
            nodes.first.resume(TARGET)
            for load in loads:
                assert not load.open().failed
    return begin, wake


def _opens(nodes, share, seconds):
    """In that time, all clients on files of their own"""
    granted = 0
    with _clients(nodes, CHURNERS, '', 0, share) as loads:
        for load in loads:
            load.churn(seconds, wait=False)
        for load in loads:
            churned = load.finish_churn()
            assert not churned.refused and not churned.dead, churned
            granted += churned.granted
    return granted


def _drain_once(nodes):
    """With no client at all: what the tool itself costs"""
    before = nodes.count()
    nodes.first.begin(TARGET, '--wait')
    nodes.last.resume(TARGET)
    return _difference(before, nodes.count())


def _difference(before, after):
    return {counter: after[counter] - before[counter] for counter in after}


def _measure_cost(bench, nodes):
    """Opens a second, and counts an open: (without, with the module)

    They take turns, and so does which of them is first.
    """
    opens, counts = ([], []), ([], [])
    seconds = bench.pick(2, 4)
    for turn in range(bench.pick(4, 8)):
        pair = [(0, 'plain'), (1, 'pkg')]
        for module, share in pair if turn % 2 else reversed(pair):
            before = nodes.count()
            granted = _opens(nodes, share, seconds)
            difference = _difference(before, nodes.count())
            counts[module].append({counter: 1000 * number / granted
                                   for counter, number in difference.items()})
            opens[module].append(granted / seconds)
    return opens, counts


def measure(bench):
    """Rows of a drain, then of opens while nothing drains"""
    clients = bench.pick(20, 100)
    times = bench.pick(3, 7)
    with bench.server() as server:
        one = _begin_and_wake(_Nodes([server]), NODES * clients, times)
    with Cluster('bench', {'pkg': MODULE, 'plain': {}},
                 size=NODES) as cluster:
        nodes = _Nodes(cluster.nodes)
        (nodes.servers[0].share_path('pkg') / PACKAGE).mkdir()
        alone = [_drain_once(nodes) for _ in range(times)]
        before = nodes.count()
        three = _begin_and_wake(nodes, clients, times)
        after = nodes.count()
        opens, counts = _measure_cost(bench, nodes)

    case = f'{clients_text(clients)} on each node'
    for what, old, new in zip(('begin to armed', 'last close to wake-up'),
                              one, three):
        other = Row(f'{what}, one smbd', 'ms', old, case=case)
        yield other
        yield Row(f'{what}, cluster', 'ms', new, case=case, against=other)
    for counter, number in _difference(before, after).items():
        yield Row(f'{counter} a drain', 'count', [number / times], case=case)
    for counter in COUNTERS:
        yield Row(f'{counter} a drain', 'count',
                  [counts[counter] for counts in alone], case='no clients')

    case = f'{clients_text(CHURNERS)} on each node open and close'
    other = Row('without the module', 'opens/s', opens[0], case=case)
    yield other
    yield Row('with it', 'opens/s', opens[1], case=case, against=other)
    for counter in COUNTERS:
        for what, values in zip(('without', 'with it'), counts):
            yield Row(f'{counter} in 1000 opens, {what}', 'count',
                      [value[counter] for value in values], case=case)
