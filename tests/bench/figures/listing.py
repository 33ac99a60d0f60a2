"""Who holds what: wall time of the command, ms, and its memory

The handles are spread over some smbds, since a process may not open that many
files here.  smbstatus tells of the whole server; there is nothing else open.
Its JSON takes time and memory by the square of the handles: it is measured with
fewer, and not at all where it would take more than there is.
"""

import json
import os
import resource
import subprocess
import tempfile
import time

from bench.measure import TARGET, Row

GOAL_RATIO = 0.1
CLIENTS = 25
MEMORY = 12 << 30  # smbstatus may take
JSON_MAX = 10000  # handles, of which it can make JSON with that


def _limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _run(command):
    """(ms, MiB at most, output)"""
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        with subprocess.Popen(command, stdout=output,
                              stderr=subprocess.DEVNULL,
                              preexec_fn=_limit) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        took = 1000 * (time.monotonic() - began)
        assert process.returncode == 0, command
        output.seek(0)
        return took, usage.ru_maxrss / 1024, output.read()


def _times(command, times, check):
    taken = [_run(command) for _ in range(times)]
    assert check(taken[0][2]), command
    return [one[0] for one in taken], [one[1] for one in taken]


def _lines(handles):
    return lambda output: len(output.splitlines()) >= handles


def _holders(handles):
    return lambda output: len(json.loads(output)['holders']) == handles


def _open_files(handles):
    return lambda output: len(json.loads(output)['open_files']) == handles


def _rows(what, case, ours, theirs):
    other = theirs and Row(f'smbstatus, {what}', 'ms', theirs[0], case=case)
    if other:
        yield other
        yield Row('  its memory', 'MiB', theirs[1], case=case)
    row = Row(f'smbdrain holders, {what}', 'ms', ours[0], case=case,
              against=other)
    row.goal = other and GOAL_RATIO * other.median
    yield row
    yield Row('  its memory', 'MiB', ours[1], case=case)


def measure(bench):
    """Rows for some numbers of handles"""
    for handles in bench.pick((2000,), (10000, 50000)):
        case = f'{handles:,} handles'
        with bench.holders(CLIENTS, handles // CLIENTS) as (drain, _):
            ours = drain.command('holders', TARGET)
            theirs = ['smbstatus', '-s', drain.server.conf, '-L']
            times = bench.pick(3, 5)
            yield from _rows('text', case,
                             _times(ours, times, _lines(handles)),
                             _times(theirs, times, _lines(handles)))
            ours_json = _times([*ours, '--json'], times, _holders(handles))
            theirs_json = None
            if handles <= JSON_MAX:
                theirs_json = _times([*theirs, '--json'], bench.pick(2, 1),
                                     _open_files(handles))
            yield from _rows('JSON', case, ours_json, theirs_json)
