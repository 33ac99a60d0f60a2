"""Opens a second: 8 clients that open and close a file each in a loop

Nothing drains.  Runs with and without the module take turns, and so does
which of them is first.
"""

from bench.measure import MODULE, Row
from lib.load import Load

CLIENTS = 8


def _opens(bench, share, seconds):
    """In one run on a new server"""
    with bench.server(share) as server:
        for number in range(CLIENTS):
            server.put('pkg', f'f{number}')
        with Load(server.port, conns=CLIENTS, files=0, name='f%c') as load:
            churned = load.churn(seconds)
    assert not churned.refused and not churned.dead, churned
    return churned.granted / churned.secs


def measure(bench):
    """A row without and one with the module"""
    times, seconds = bench.pick((4, 1.5), (6, 3))
    without, with_module = [], []
    for turn in range(times):
        pair = [(without, {}), (with_module, MODULE)]
        for values, share in pair if turn % 2 else reversed(pair):
            values.append(_opens(bench, share, seconds))
    base = Row('without the module', 'opens/s', without)
    yield base
    yield Row('with it', 'opens/s', with_module, against=base)
