"""Exact counts: the instructions of the smbd that serves one client.

callgrind writes down its counts, and begins anew, whenever smbd handles an
ECHO: the client says that before and after what is to be counted, so start-up
is not in it.  Counts come out the same within some instructions, on any
machine and under any load; a cost far below the noise of every clock can be
seen.
"""

import re
from pathlib import Path

from lib.smb2 import connect

WRAPPER = ('valgrind', '--tool=callgrind',
           '--dump-before=smbd_smb2_request_process_keepalive',
           # Not where the logs are: function names look like panics
           '--callgrind-out-file={log}/../callgrind.%p')

# Where things lie in memory decides some ten instructions, the same ones in
# each run; several names show how many.
NAMES = ('hammer', 'saw', 'screwdriver', 'axe', 'pliers.exe')
WARM_UP = 20


def prepare(server, names=NAMES):
    """The files that are opened"""
    for name in names:
        server.put('pkg', f'tools/{name}', name)


def _open_and_close(tree, name, pairs):
    for _ in range(pairs):
        tree.create(f'tools/{name}').close()


def session(server, name, pairs):
    """Instructions of one open+close, and the profile of all"""
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        _open_and_close(tree, name, WARM_UP)
        tree.connection.echo()
        _open_and_close(tree, name, pairs)
        tree.connection.echo()
    server.wait_gone(pid)
    profile = Path(server.base) / f'callgrind.{pid}.2'
    total = re.search(r'^summary: (\d+)', profile.read_text(), re.M)
    return int(total[1]) / pairs, profile


def costs(server, names=NAMES, pairs=300):
    """Instructions of one open+close, for each name

    The lesser of two: when a timer of smbd's goes off that only adds.
    """
    return [min(session(server, name, pairs)[0] for _ in range(2))
            for name in names]


def added(values, base):
    """What a variant costs more, name by name"""
    return [value - other for value, other in zip(values, base)]
