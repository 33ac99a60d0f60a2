"""Memory of smbd for each open file, bytes, while nothing drains

What smbd has allocated (`smbcontrol PID pool-usage`), with files open less
without, by the number of them.
"""

import re

from bench.measure import MODULE, Row, load_on, put_files

FILES = 500
TOTAL = re.compile(r"^full talloc report on '\S+' \(total +(\d+) bytes", re.M)


def _allocated(server, pid):
    report = server.smbcontrol(pid, 'pool-usage', timeout=60)
    return sum(map(int, TOTAL.findall(report)))


def _each(bench, share):
    """Bytes for each of the files"""
    with bench.server(share) as server:
        put_files(server, 'tools', 1, FILES)
        with load_on(server, 'tools', 1, FILES) as load:
            pid, = server.children()
            with_files = _allocated(server, pid)
            load.close_all()
            return (with_files - _allocated(server, pid)) / FILES


def measure(bench):
    """Rows without and with the module, and of the difference"""
    times = bench.pick(2, 5)
    without = [_each(bench, {}) for _ in range(times)]
    with_module = [_each(bench, MODULE) for _ in range(times)]
    base = Row('without the module', 'bytes', without)
    yield base
    yield Row('with it', 'bytes', with_module, against=base)
    yield Row('that is more by', 'bytes',
              [one - other for one, other in zip(with_module, without)],
              goal=0)
