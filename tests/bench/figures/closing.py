"""Processor time of all smbds for a whole drain, ms for each client

Every client holds a file; all close at once while `smbdrain run` waits.  The
drain is what smbd does from before begin until after resume.  The alternative
is that they just close, with nothing draining.
"""

from bench.measure import TARGET, Row, clients_text, processor, settled

GOAL = 1
UNIT = 'ms'


def _drain(drain, load, pids):
    """(for begin, for the closes and what they set off)"""
    before = settled(pids)
    drain.begin(TARGET)
    begun = settled(pids)
    process = drain.start('run', TARGET, '--continue', '--', 'true')
    settled(pids)  # to ask how far it is would be one more question to all
    load.close_all()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return begun - before, settled(pids) - begun


def _plain(load, pids):
    before = processor(pids)
    load.close_all()
    return settled(pids) - before


def measure(bench):
    """Rows for each number of clients"""
    for clients in bench.pick((200,), (1000,)):
        begin, closes, plain = [], [], []
        with bench.holders(clients) as (drain, load):
            pids = drain.server.children()
            for _ in range(bench.pick(3, 5)):
                plain.append(_plain(load, pids) / clients)
                assert not load.open().failed
                one, other = _drain(drain, load, pids)
                begin.append(one / clients)
                closes.append(other / clients)
                assert not load.open().failed
        case = clients_text(clients)
        base = Row('just closing', UNIT, plain, case=case)
        yield base
        yield Row('with a drain', UNIT,
                  [sum(pair) for pair in zip(begin, closes)], case=case,
                  against=base, goal=GOAL)
        yield Row('  of it begin', UNIT, begin, case=case)
        yield Row('  of it the closes, and resume', UNIT, closes, case=case)
