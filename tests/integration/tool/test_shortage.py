"""No memory, wherever the tool and the module ask for it: whatever cannot be
done is said, nobody crashes, and a drain that is armed is one.
"""

import contextlib
import os

import pytest

from lib.shortage import Shortage
from lib.smb2 import ConnectionLost, NtStatus, SmbError, connect
from lib.smbd import PrivateSmbd

REFUSED = NtStatus.SHARING_VIOLATION
MODULE = {'pkg': {'vfs objects': 'drain'}}

pytestmark = pytest.mark.time_limit(180)


@pytest.fixture(name='shortage')
def _shortage(tmp_path, preloaded):
    tmp_path.chmod(0o777)
    return Shortage(tmp_path, preloaded)


@pytest.fixture(name='server', scope='module')
def _server():
    """One for all tests of the tool"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('shortage', MODULE) as server:
        server.put('pkg', 'app/tool.exe', b'MZ')
        yield server


def is_closed(server):
    """Whether an open is refused"""
    with connect(server.port) as tree:
        return tree.create_nowait('app/tool.exe').status() == REFUSED


def each_place(shortage, run):
    """Runs with enough memory, then with none at one of the places that
    asked for it, and so on; how many there are"""
    shortage.places()
    run()
    places = shortage.places()
    for place in places:
        shortage.at(place)
        run()
    return len(places)


STATE_AFTER = {'begin': 'armed', 'wait': 'quiescent', 'resume': 'open',
               'run': 'open'}


def is_as_it_says(words, done, state):
    """What a call is for that has not failed; "?" are names that there was no
    memory for"""
    verb = words[0]
    if verb in STATE_AFTER:
        return state == STATE_AFTER[verb]
    text = done.stdout.replace('?/?', 'tool.exe')
    return {'status': 'armed', 'holders': 'tool.exe', 'close': 'tool.exe',
            'check': 'all is well'}[verb] in text


@pytest.mark.parametrize('words, state', [
    (['begin', 'pkg/app'], 'open'),
    (['wait', 'pkg/app'], 'armed'),
    (['resume', 'pkg/app'], 'armed'),
    (['resume', '--all'], 'armed'),
    (['status', 'pkg/app'], 'armed'),
    (['status', '--json'], 'armed'),
    (['holders', 'pkg/app'], 'open'),
    (['check'], 'open'),
    (['close', 'pkg/app'], 'open'),
    (['run', 'pkg/app', '--', 'true'], 'open'),
], ids=lambda words: '_'.join(words) if isinstance(words, list) else words)
def test_tool(server, drain, shortage, words, state):
    """Fails and says so, or does what it is for"""
    environment = {**os.environ, **shortage.environment}

    def call():
        if state == 'armed':
            drain.begin('pkg/app')
        done = drain.call(*words, expect=None, env=environment)
        assert 0 <= done.returncode <= 125, done
        # Taken away, whoever owns it
        assert 'records removed' not in done.stdout, done
        after = drain.state('pkg/app')
        if done.returncode:
            assert done.stdout or done.stderr, done
        else:
            assert is_as_it_says(words, done, after), (done, after)
        if after in ('armed', 'quiescent'):
            assert is_closed(server)

    def run():
        drain.resume('--all')
        if words[0] in ('holders', 'close', 'status'):
            with connect(server.port) as tree:
                tree.create('app/tool.exe')
                call()
        else:
            call()

    assert each_place(shortage, run) > 3


def test_module(drained, shortage):
    """An smbd that cannot do its part is not taken for one that has"""
    server, tool = drained(environment=shortage.environment)

    def run():
        tool.resume('--all')
        with contextlib.suppress(SmbError, ConnectionLost), \
                connect(server.port) as tree:
            tree.create_nowait('app/tool.exe').status()
            done = tool.begin('pkg/app', expect=None)
            refused = tree.create_nowait('app/tool.exe').status()
            assert done.returncode or refused.is_error, refused
            tool.call('holders', 'pkg/app', expect=None)
        if tool.state('pkg/app') in ('armed', 'quiescent'):
            shortage.at('nowhere')
            assert is_closed(server)

    assert each_place(shortage, run) > 20
    tool.resume('--all')
    assert not is_closed(server)
