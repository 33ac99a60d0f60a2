"""Updates of a package of 20 files that clients run in a loop

A run opens the program, reads all files while it has it open, and is torn if
they are not all of one version.  What people do without drain: copy over it;
poll smbstatus until nobody has it open (given up after 2 s), then copy;
disconnect everybody by close-share, then copy.
"""

import itertools
import subprocess
import time

from bench.measure import Row, clients_text
from lib.drain import Drain
from lib.package import Users, write_version

TARGET = 'pkg/app'
POLL = ('for i in $(seq 10); do '
        'smbstatus -s "$1" -L 2>/dev/null | grep -q app/ || exit 0; '
        'sleep 0.1; done; exit 1')
COPY = 'cp "$1"/* "$DRAIN_REAL_PATH"'


class Site:
    """A share with the package, and the next version prepared beside it"""

    def __init__(self, server):
        self.server = server
        self.drain = Drain(server)
        self.package = server.share_path('pkg') / 'app'
        self.staged = server.base / 'staged'
        self._numbers = itertools.count(1)
        write_version(self.package, 0)

    def prepare(self):
        """The next version"""
        write_version(self.staged, next(self._numbers))

    def copy(self):
        """Over the old version, file by file"""
        subprocess.run(['/bin/sh', '-c', 'cp "$1"/* "$2"', 'sh',
                        str(self.staged), str(self.package)], check=True)


def copy_in_place(site):
    """Whoever runs it meanwhile"""
    site.copy()


def poll_then_copy(site):
    """When smbstatus shows nobody"""
    done = subprocess.run(['/bin/sh', '-c', POLL, 'sh', site.server.conf],
                          check=False, timeout=60)
    if done.returncode == 0:
        site.copy()
    return done.returncode == 0


def close_share_then_copy(site):
    """They come back at once"""
    site.server.smbcontrol('smbd', 'close-share', 'pkg')
    site.copy()


def drain_with_refuse(site):
    """cp within smbdrain run"""
    site.drain.run(TARGET, '/bin/sh', '-c', COPY, 'sh', str(site.staged))


def drain_with_hold(site):
    """smbdrain run, which publishes by itself"""
    site.drain.call('run', TARGET, f'--publish={site.staged}',
                    '--new-opens=hold', '--let-holders-finish')


METHODS = {
    'copy in place': copy_in_place,
    'poll smbstatus, then copy': poll_then_copy,
    'close-share, then copy': close_share_then_copy,
    'smbdrain, refuse': drain_with_refuse,
    'smbdrain, hold': drain_with_hold,
}
OURS = 'smbdrain, refuse', 'smbdrain, hold'


def experiment(site, method, clients, updates, pause=0.2):
    """The Users after that many updates, and how many were made"""
    with Users(site.server.port, 'pkg', 'app', clients) as users:
        users.wait_for_runs(clients)
        made = 0
        for _ in range(updates):
            site.prepare()
            made += method(site) is not False
            time.sleep(pause)
        users.wait_for_runs(clients)
    return users, made


def _measure(bench, name, clients):
    with bench.server() as server:
        users, made = experiment(Site(server), METHODS[name], clients,
                                 bench.pick(10, 50))
    case = f'{clients_text(clients)}, {name}'
    yield Row('updates made', '', [made], case=case)
    yield Row('runs', '', [users.runs], case=case)
    yield Row('torn', '', [users.torn], case=case,
              goal=0 if name in OURS else None)
    yield Row('errors told to clients', '', [users.errors.total()],
              case=case, goal=0 if name == 'smbdrain, hold' else None)
    yield Row('longest wait of an open', 'ms', [1000 * users.longest_wait],
              case=case)


def measure(bench):
    """Rows for each method and number of clients"""
    for clients in bench.pick((4,), (4, 64)):
        for name in METHODS:
            yield from _measure(bench, name, clients)
