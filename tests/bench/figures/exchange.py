"""To exchange a package for a new version, ms

`smbdrain publish` of a directory is one renameat2(2), whose time strace tells;
what is before it takes as long as the disk does, and users do not wait for it.
The alternative is rsync in place: all the time in which the package is neither
the old version nor the new one.
"""

import re
import subprocess

from bench.measure import MODULE, Row, milliseconds
from lib.drain import Drain

GOAL = 5
DIRECTORIES = 100
CALL = re.compile(r'renameat2\(.* = 0 <([0-9.]+)>')


def write(directory, files, version):
    """A version of the package"""
    for index in range(DIRECTORIES):
        (directory / f'd{index}').mkdir(parents=True, exist_ok=True)
    for index in range(files):
        path = directory / f'd{index % DIRECTORIES}' / f'f{index}'
        path.write_text(f'{version} {index}\n')
    subprocess.run(['chmod', '-R', 'a+rX', directory], check=True)


def _exchange(drain, staged):
    """How long the one call takes, by strace"""
    drain.begin('pkg/app', '--wait')
    drain_id = drain.status('pkg/app')['drains'][0]['id']
    trace = drain.server.base / 'renameat2.strace'
    subprocess.run(
        ['strace', '-f', '-T', '-e', 'trace=renameat2', '-o', trace,
         *drain.command('publish', 'pkg/app', str(staged),
                        f'--id={drain_id}')],
        check=True, capture_output=True, timeout=120)
    drain.resume('pkg/app')
    took, = CALL.findall(trace.read_text())
    return 1000 * float(took)


def _rsync(source, target):
    subprocess.run(['rsync', '-a', '--delete', f'{source}/', f'{target}/'],
                   check=True, timeout=300)


def measure(bench):
    """Rows for some numbers of files"""
    for files in bench.pick((1000,), (1000, 10000, 100000)):
        case = f'{files:,} files'
        with bench.server(MODULE) as server:
            drain = Drain(server)
            served = server.share_path('pkg') / 'app'
            staged = server.base / 'staged'
            write(served, files, 'old')
            write(staged, files, 'new')
            ours = [_exchange(drain, staged) for _ in range(bench.pick(3, 7))]
            theirs = []
            for turn in range(bench.pick(1, 3)):
                theirs.append(milliseconds(_rsync, staged, served))
                write(staged, files, turn)
        base = Row('rsync in place', 'ms', theirs, case=case)
        yield base
        yield Row('smbdrain publish, the exchange', 'ms', ours, case=case,
                  against=base, goal=GOAL)
