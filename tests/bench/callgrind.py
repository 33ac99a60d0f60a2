"""Exact counts: the instructions of the smbd that serves one client.

callgrind writes down its counts, and begins anew, whenever smbd handles an
ECHO: the client says that before and after what is to be counted, so start-up
is not in it.  Counts come out the same within some instructions, on any
machine and under any load; a cost far below the noise of every clock can be
seen.

Two things that are not the module's would hide it.  smbd converts the path of
the share again and again, character by character: servers that are compared
need directories of the same length.  And malloc's own way through its free
lists takes some hundred instructions more or less, as memory happens to lie:
libc is left out, and the calls of the allocator are counted instead.
"""

import collections
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

ALLOCATORS = ('malloc', 'calloc', 'realloc')
POSITION = re.compile(r'(c?(?:ob|fn))=(\(\d+\))(?: (.*))?$')
COST = re.compile(r'[0-9+*-]')


def prepare(server, names=NAMES):
    """The files that are opened"""
    for name in names:
        server.put('pkg', f'tools/{name}', name)
    # Newer smbds answer an ECHO, and so write what was counted, as the client
    server.base.chmod(0o777)


def _open_and_close(tree, name, pairs):
    for _ in range(pairs):
        tree.create(f'tools/{name}').close()


class Profile:
    """What callgrind wrote down: instructions, and calls of functions

    See "Callgrind Format Specification" in valgrind's manual: positions set
    what the lines after them belong to, names are spelled out once, and the
    line after calls= is the cost of the callee, that is counted there.
    """

    def __init__(self, path):
        self.path = path
        self._names = {}
        self.instructions = collections.Counter()  # by object file
        self.calls = collections.Counter()  # by function
        callee = False
        current = {}
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                if position := POSITION.match(line):
                    current[position[1]] = self._name(*position.groups())
                elif line.startswith('calls='):
                    self.calls[current['cfn']] += int(line[6:].split()[0])
                    callee = True
                elif COST.match(line):
                    if not callee:
                        self.instructions[current['ob']] += int(
                            line.split()[1])
                    callee = False

    def _name(self, kind, number, name):
        key = (kind.removeprefix('c'), number)
        if name:
            self._names[key] = name
        return self._names[key]

    @property
    def cost(self):
        """All instructions outside of libc"""
        return sum(count for name, count in self.instructions.items()
                   if not Path(name).name.startswith('libc.so'))

    @property
    def allocations(self):
        """How often memory was asked for"""
        return sum(self.calls[name] for name in ALLOCATORS)


def session(server, names, pairs, prelude=None):
    """One client opens and closes each name so many times: a profile of each

    prelude() comes before.
    """
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        if prelude:
            prelude()
        for name in names:
            _open_and_close(tree, name, WARM_UP)
            tree.connection.echo()
            _open_and_close(tree, name, pairs)
            tree.connection.echo()
    server.wait_gone(pid)
    return [Profile(Path(server.base) / f'callgrind.{pid}.{2 * number}')
            for number, _ in enumerate(names, 1)]


def costs(server, names=NAMES, pairs=300, prelude=None):
    """Instructions and allocations of one open+close, for each name

    The lesser of two clients: when a timer of smbd's goes off that only adds.
    """
    clients = [session(server, names, pairs, prelude) for _ in range(2)]
    best = [min(profiles, key=lambda profile: profile.cost)
            for profiles in zip(*clients)]
    return ([profile.cost / pairs for profile in best],
            [profile.allocations / pairs for profile in best])


def added(values, base):
    """What a variant costs more, name by name"""
    return [value - other for value, other in zip(values, base)]
