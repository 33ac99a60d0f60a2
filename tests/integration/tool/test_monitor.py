"""smbdrain monitor: every step of a drain, once and in order."""

import contextlib
import json
import re
import select
import signal
import threading
import time

import pytest

from lib.drain import Monitor
from lib.smb2 import connect
from lib.smbd import wait_until

LIFE = ['begun', 'armed', 'holder_gone', 'quiescent', 'resumed']


@contextlib.contextmanager
def monitoring(drain, *arguments):
    """A Monitor that watches, for certain"""
    with Monitor(drain, *arguments) as monitor:
        lock = (drain.server.base / 'lock' / 'msg.lock' /
                str(monitor.process.pid))
        wait_until(lock.exists, 10, 'monitor')
        time.sleep(0.2)
        yield monitor


@contextlib.contextmanager
def text_of(drain, *arguments):
    """A list that the lines of a monitor go to"""
    process = drain.start('monitor', *arguments)
    lines = []

    def read():
        for line in process.stdout:
            lines.append(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        wait_until((drain.server.base / 'lock' / 'msg.lock' /
                    str(process.pid)).exists, 10, 'monitor')
        time.sleep(0.3)
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join(5)
        process.stdout.close()
        process.stderr.close()


def live(server, drain, target='pkg/app', name='app/tool.exe', monitors=(),
         when_armed=lambda: None):
    """A whole life of a drain with one holder

    It does not go before the monitors have had time to ask its smbd.
    """
    with connect(server.port) as tree:
        handle = tree.create(name)
        drain.begin(target)
        when_armed()
        for monitor in monitors:
            wait_until(lambda one=monitor: (target, 'armed') in [
                (event['drain']['target'], event['event'])
                for event in list(one.events)], 10, 'armed')
        handle.close()
        drain.wait(target, '--timeout=10')
        drain.resume(target)


def test_whole_life(drained):
    """begun, armed, holder_gone, quiescent, resumed"""
    server, drain = drained()
    with monitoring(drain) as monitor:
        live(server, drain, monitors=[monitor])
        monitor.wait_for('resumed')
        assert monitor.names() == LIFE


def test_json_members(drained):
    """What docs/json.md says is in each event"""
    server, drain = drained()
    with monitoring(drain) as monitor:
        live(server, drain, monitors=[monitor])
        monitor.wait_for('resumed')
    assert len({event['drain']['id'] for event in monitor.events}) == 1
    for event in monitor.events:
        assert event['version'] == 1
        assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ',
                            event['time'])
        assert event['drain']['target'] == 'pkg/app'
        assert ('holder' in event) == (event['event'] == 'holder_gone')
    gone = monitor.events[2]['holder']
    assert gone['client'] == '127.0.0.1' and gone['user'] == 'nobody'
    assert gone['path'] == 'app/tool.exe' and gone['left_in_smbd'] == 0
    states = [event['drain']['state'] for event in monitor.events]
    assert states[0] in ('arming', 'armed') and states[3] == 'quiescent'


def test_text(drained):
    """A line an event: when, what, which, and who went"""
    server, drain = drained()
    with text_of(drain) as lines:
        live(server, drain, when_armed=lambda: wait_until(
            lambda: len(lines) == 2, 10, 'two lines'))
        wait_until(lambda: len(lines) == 5, 10, 'five lines')
    for line, name in zip(lines, LIFE):
        assert re.match(r'\d{4}-\S+Z pkg/app %s\b' % name, line), line
    assert lines[2].endswith(' nobody@127.0.0.1 app/tool.exe\n')


def test_present(drained):
    """A drain that was there before is present, not begun"""
    _, drain = drained()
    drain.begin('pkg/app')
    with monitoring(drain) as monitor:
        monitor.wait_for('present')
        drain.resume('pkg/app')
        monitor.wait_for('resumed')
        assert monitor.names() == ['present', 'resumed']


def test_present_goes_on(drained):
    """Its holders and steps are told as those of a new one"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        with monitoring(drain) as monitor:
            monitor.wait_for('present')
            handle.close()
            monitor.wait_for('holder_gone')
            drain.wait('pkg/app', '--timeout=10')
            monitor.wait_for('quiescent')
            assert monitor.names() == ['present', 'holder_gone', 'quiescent']


def test_each_holder(drained):
    """Twenty holders in four smbds: each is told once"""
    server, drain = drained()
    for number in range(20):
        server.put('pkg', 'app/f%d' % number, b'')
    with contextlib.ExitStack() as stack:
        trees = [stack.enter_context(connect(server.port)) for _ in range(4)]
        handles = [trees[n % 4].create('app/f%d' % n) for n in range(20)]
        with monitoring(drain, 'pkg/app') as monitor:
            drain.begin('pkg/app')
            monitor.wait_for('armed')   # by then it is told of each
            for handle in handles:
                handle.close()
            drain.wait('pkg/app', '--timeout=10')
            monitor.wait_for('quiescent')
            gone = sorted(event['holder']['path'] for event in monitor.events
                          if event['event'] == 'holder_gone')
    assert gone == sorted('app/f%d' % n for n in range(20))


def test_target(drained):
    """With a target, nothing of others"""
    server, drain = drained()
    with monitoring(drain, 'pkg/app') as monitor:
        drain.begin('pkg/other')
        live(server, drain, monitors=[monitor])
        monitor.wait_for('resumed')
        assert monitor.names() == LIFE
        assert {event['drain']['target'] for event in monitor.events} == {
            'pkg/app'}


def test_target_in_other_case(drained):
    """Case is the share's"""
    server, drain = drained()
    with monitoring(drain, 'PKG/App') as monitor:
        live(server, drain, monitors=[monitor])
        monitor.wait_for('resumed')
        assert monitor.names() == LIFE


def test_target_through_another_share(drained):
    """A place by another name, as status and wait take it"""
    server, drain = drained()
    server.set_share('alias', {'vfs objects': 'drain',
                               'path': server.share_path('pkg') / 'app'})
    with monitoring(drain, 'alias') as monitor:
        drain.begin('pkg/app')
        monitor.wait_for('begun', timeout=3)


def test_two_drains(drained):
    """Each has its own events"""
    server, drain = drained()
    with monitoring(drain) as monitor:
        live(server, drain, monitors=[monitor])
        live(server, drain, 'pkg/other', 'other/data.bin', [monitor])
        wait_until(lambda: len(monitor.events) == 10, 10, 'ten events')
        assert monitor.names() == LIFE + LIFE


@pytest.mark.parametrize('number', [3])
def test_more_monitors(drained, number):
    """Each of several sees all"""
    server, drain = drained()
    with contextlib.ExitStack() as stack:
        monitors = [stack.enter_context(monitoring(drain))
                    for _ in range(number)]
        live(server, drain, monitors=monitors)
        for monitor in monitors:
            monitor.wait_for('resumed')
            assert monitor.names() == LIFE


def test_killed_holder_smbd(drained):
    """A holder that died does not keep the rest from being told"""
    server, drain = drained()
    with connect(server.port) as tree, monitoring(drain) as monitor:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        server.kill(server.child_of(tree.connection))
        drain.wait('pkg/app', '--timeout=15')
        monitor.wait_for('quiescent')
        names = [name for name in monitor.names() if name != 'holder_gone']
        assert names == ['begun', 'armed', 'quiescent']


@pytest.mark.no_memcheck('slower than what it watches it misses some of it')
def test_run(drained):
    """The drain of a run is one like all"""
    _, drain = drained()
    with monitoring(drain) as monitor:
        drain.run('pkg/app', 'true')
        monitor.wait_for('resumed')
        assert monitor.names() == ['begun', 'armed', 'quiescent', 'resumed']


def test_soon(drained):
    """An event is told when it happens, not at the next look of a loop"""
    _, drain = drained()
    with monitoring(drain) as monitor:
        time.sleep(0.3)
        drain.begin('pkg/app')
        monitor.wait_for('armed', timeout=1)


def test_each_line_at_once(drained):
    """A line is written when it is told, to a pipe as well"""
    _, drain = drained()
    process = drain.start('monitor', '--json')
    try:
        time.sleep(0.5)
        drain.begin('pkg/app')
        assert select.select([process.stdout], [], [], 3)[0]
        assert json.loads(process.stdout.readline())['event'] == 'begun'
    finally:
        process.kill()
        process.communicate()


def test_ends_on_sigterm(drained):
    """It ends when told to, and the drain stays"""
    _, drain = drained()
    with monitoring(drain) as monitor:
        drain.begin('pkg/app')
        monitor.wait_for('armed')
        monitor.process.send_signal(signal.SIGTERM)
        monitor.process.wait(5)
    assert drain.state('pkg/app') == 'armed'


def test_ends_when_nobody_reads(drained):
    """Its pipe closed: it ends with the next event"""
    _, drain = drained()
    process = drain.start('monitor')
    try:
        time.sleep(0.5)
        process.stdout.close()
        drain.begin('pkg/app')
        assert process.wait(5) != 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_names_that_deceive(drained):
    """A path with control characters is one line, escaped"""
    server, drain = drained()
    server.put('pkg', 'app/a\x1b[31mb', b'')
    with connect(server.port) as tree, text_of(drain) as lines:
        shown = [entry.name for entry in tree.list_directory('app')
                 if entry.name != 'tool.exe']
        handle = tree.create('app/%s' % shown[0])
        drain.begin('pkg/app')
        wait_until(lambda: len(lines) == 2, 10, 'it to be armed')
        time.sleep(0.3)     # its smbd is asked
        handle.close()
        wait_until(lambda: len(lines) >= 3, 10, 'holder_gone')
    assert lines[2].endswith('app/a\\x1b[31mb\n')
