"""The deadline of a drain: fail, force and resume, whoever waits or does not;
and the command that warns people before."""

import json
import os
import signal
import struct
import subprocess
import time
from datetime import datetime

import pytest
import tdb

from lib.drain import complaint, stopped
from lib.faults import owned_at_first
from lib.impacket_client import ImpacketClient
from lib.memcheck import SLOWNESS
from lib.smb2 import NtStatus, SmbError, connect
from lib.smbclient import SmbClient
from lib.smbd import PrivateSmbd, wait_until

HOLDERS_LEFT = '1 holders left'


@pytest.fixture(name='server', scope='module')
def _server():
    """One server for all"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    with PrivateSmbd('deadline', {'pkg': {'vfs objects': 'drain'}}) as server:
        server.put('pkg', 'app/tool.exe', b'MZ' * 100)
        server.put('pkg', 'other/data.bin', b'data')
        yield server


@pytest.fixture(name='handle')
def _handle(server):
    """A file of pkg/app that a client has open"""
    with connect(server.port) as tree:
        yield tree.create('app/tool.exe')


def deadline(seconds, on_timeout):
    """The options of a deadline"""
    if not isinstance(seconds, str):
        seconds *= SLOWNESS
    return f'--timeout={seconds}', f'--on-timeout={on_timeout}'


def record(drain, target='pkg/app'):
    """The drain as status shows it"""
    return drain.status(target)['drains'][0]


def wait_due(drain):
    """Until the deadline has come"""
    wait_until(lambda: record(drain)['is_due'], 5, 'deadline', 0.05)


# -- fail

def test_fail_on_wait(drain, handle):
    """The waiter gives up and says who is left; the target stays closed"""
    drain.begin('pkg/app')
    began = time.monotonic()
    done = drain.wait('pkg/app', *deadline(1, 'fail'), expect=124)
    assert 1 <= time.monotonic() - began < 5 * SLOWNESS
    assert HOLDERS_LEFT in done.stderr
    assert drain.state('pkg/app') == 'armed'
    assert handle.read(length=2) == b'MZ'


def test_fail_on_begin(drain, handle):
    """The same for begin --wait"""
    done = drain.begin('pkg/app', '--wait', *deadline(1, 'fail'), expect=124)
    assert HOLDERS_LEFT in done.stderr
    assert drain.state('pkg/app') == 'armed'
    handle.close()


def test_fail_on_run(drain, handle, tmp_path):
    """run opens what it has closed; the command has not run"""
    done = drain.run('pkg/app', 'touch', str(tmp_path / 'ran'),
                     options=deadline(1, 'fail'), expect=124)
    assert HOLDERS_LEFT in done.stderr
    assert drain.state('pkg/app') == 'open'
    assert not (tmp_path / 'ran').exists()
    handle.close()


def test_fail_is_done_by_the_next_that_waits(drain, handle):
    """It is due until then, and status says so"""
    drain.begin('pkg/app', *deadline(1, 'fail'))
    assert record(drain)['is_due'] is False
    wait_due(drain)
    text = drain.call('status', 'pkg/app').stdout
    assert 'fail, is due' in text
    began = time.monotonic()
    drain.wait('pkg/app', expect=124)
    assert time.monotonic() - began < 3 * SLOWNESS
    assert drain.state('pkg/app') == 'armed'
    handle.close()


def test_who_is_in_time_does_not_fail(drain, handle):
    """Quiescent before the deadline is quiescent; nothing is due after it"""
    drain.begin('pkg/app', *deadline(2, 'fail'))
    handle.close()
    drain.wait('pkg/app')
    time.sleep(2.1 * SLOWNESS)
    assert record(drain)['is_due'] is False
    drain.wait('pkg/app')


# -- resume

def test_resume_on_wait(server, drain, handle):
    """The target is open again, and the waiter has not got it"""
    drain.begin('pkg/app')
    done = drain.wait('pkg/app', *deadline(1, 'resume'), expect=124)
    assert 'resumed at its deadline' in complaint(done)
    assert drain.state('pkg/app') == 'open'
    with connect(server.port) as tree:
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
    assert handle.read(length=2) == b'MZ'


def test_resume_after_somebody_unseen(drain, handle, preloaded):
    """Who had the lock whenever it was asked for: it is waited for"""
    drain.begin('pkg/app')
    done = drain.wait('pkg/app', *deadline(1, 'resume'), expect=124, env={
        **os.environ, **preloaded(owned_at_first(20))})
    assert 'resumed at its deadline' in done.stderr
    assert drain.state('pkg/app') == 'open'
    assert not handle.is_closed()


def test_resume_on_begin(drain, handle):
    """The same for begin --wait"""
    done = drain.begin('pkg/app', '--wait', *deadline(1, 'resume'),
                       expect=124)
    assert 'resumed at its deadline' in complaint(done)
    assert drain.state('pkg/app') == 'open'
    handle.close()


def test_resume_on_run(drain, handle, tmp_path):
    """The command has not run"""
    drain.run('pkg/app', 'touch', str(tmp_path / 'ran'),
              options=deadline(1, 'resume'), expect=124)
    assert drain.state('pkg/app') == 'open'
    assert not (tmp_path / 'ran').exists()
    handle.close()


def test_resume_with_no_tool_running(server, drain, handle):
    """The smbds do it by themselves, also after the tool was killed"""
    for wait in (), ('--wait',):
        began = time.monotonic()
        waiter = drain.start('begin', 'pkg/app', *wait,
                             *deadline(1, 'resume'))
        drain.wait_for_state('pkg/app', 'armed')
        waiter.kill()
        waiter.communicate()
        wait_until(lambda: drain.records() == {}, 10, 'resume', 0.05)
        assert time.monotonic() - began >= 1
        with connect(server.port) as tree:
            assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
    assert handle.read(length=2) == b'MZ'


def test_resume_lets_opens_in_that_wait(server, drain, handle):
    """Who waits is let in, and nobody had to run anything"""
    drain.begin('pkg/app', '--new-opens=hold', *deadline(1, 'resume'))
    with connect(server.port) as tree:
        assert tree.create_nowait('app/tool.exe').wait(20).read(length=2) == (
            b'MZ')
    assert not handle.is_closed()
    assert drain.records() == {}


def test_resume_put_off_and_the_message_was_lost(server, drain, handle):
    """The record decides, not what an smbd remembers of it"""
    drain.begin('pkg/app', *deadline(1, 'resume'))
    put_off(server, 5 * SLOWNESS)
    time.sleep(2.5 * SLOWNESS)
    assert drain.records() != {}
    wait_until(lambda: drain.records() == {}, 15, 'resume', 0.05)
    handle.close()


def test_quiescent_is_not_resumed_by_itself(server, drain):
    """Somebody works there"""
    with connect(server.port):
        drain.begin('pkg/app', '--wait', *deadline(1, 'resume'))
        time.sleep(2 * SLOWNESS)
        assert drain.state('pkg/app') == 'quiescent'


def overdue(drain):
    """A drain past its deadline, with no client there that would resume it"""
    drain.begin('pkg/app', *deadline(0.5, 'resume'))
    number, = drain.records()
    time.sleep(1.3 * SLOWNESS)
    assert list(drain.records()) == [number]
    return number


def test_resume_by_the_next_client_that_connects(server, drain):
    """Before it is refused anything"""
    overdue(drain)
    with connect(server.port) as tree:
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
    wait_until(lambda: drain.records() == {}, 10, 'resume', 0.05)


@pytest.mark.parametrize('verb', [
    ('status',), ('holders', 'pkg/app'), ('check',), ('begin', 'pkg/app'),
    ('begin', 'pkg/other'), ('run', 'pkg/app', '--', 'true')], ids=' '.join)
def test_resume_by_whoever_looks(drain, verb):
    """Whatever is asked for: it stands in nobody's way"""
    number = overdue(drain)
    done = drain.call(*verb, expect=None)
    assert 'pkg/app: resumed at its deadline' in done.stderr
    assert number not in drain.records()
    assert done.returncode == 0 or verb == ('check',)


BOOTED = 'int sd_booted(void) { return 1; }'


@pytest.fixture(name='systemd')
def _systemd(tmp_path, preloaded):
    """A stand-in for systemd-run, which ends with a status: the environment,
    and what it was called with"""
    words = tmp_path / 'words'

    def install(status=0):
        program = tmp_path / 'systemd-run'
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{words}\n'
                           f'exit {status}\n')
        program.chmod(0o755)
        return {**os.environ, **preloaded(BOOTED),
                'PATH': f'{tmp_path}:{os.environ["PATH"]}'}

    return install, words


def test_resume_by_a_timer_of_systemd(drain, systemd):
    """begin starts it, and names it; what it runs opens the target"""
    install, words = systemd
    done = drain.begin('pkg/app', *deadline(1, 'resume'), env=install())
    number = record(drain)['id']
    called = words.read_text(encoding='utf-8').splitlines()
    unit, = (word.removeprefix('--unit=') for word in called
             if word.startswith('--unit='))
    assert unit.startswith(f'smbdrain-deadline-{number}-')
    assert f'{unit}.timer resumes pkg/app after ' in done.stdout
    assert done.stderr == ''
    seconds, = (int(word.removeprefix('--on-active=')) for word in called
                if word.startswith('--on-active='))
    assert 2 <= seconds <= 3 + SLOWNESS
    time.sleep(1.1 * SLOWNESS)
    subprocess.run([*drain.server.enter,
                    *called[called.index('--') + 1:]], check=True, timeout=30)
    assert drain.records() == {}


@pytest.mark.parametrize('how', ['no systemd', 'fails'])
def test_begin_says_that_nothing_opens_it(drain, systemd, how):
    """It is in force all the same"""
    done = drain.begin('pkg/app', *deadline('1h', 'resume'),
                       env=systemd[0](1) if how == 'fails' else None)
    assert complaint(done).startswith(
        'cannot start a systemd timer for the deadline of pkg/app: if no client')
    assert drain.state('pkg/app') == 'armed'


def test_no_timer_for_what_is_not_resumed(drain, systemd):
    """Nor for whom begin waits"""
    install, words = systemd
    drain.begin('pkg/app', *deadline('1h', 'fail'), env=install())
    drain.resume('pkg/app')
    drain.begin('pkg/app', '--wait', *deadline('1h', 'resume'), env=install())
    assert not words.exists()


def test_run_that_continues_does_what_is_due(drain, handle, tmp_path):
    """As any other that waits; its command does not run"""
    drain.begin('pkg/app', *deadline(0.5, 'fail'))
    wait_due(drain)
    drain.run('pkg/app', 'touch', str(tmp_path / 'ran'),
              options=('--continue',), expect=124)
    assert not (tmp_path / 'ran').exists()
    assert drain.state('pkg/app') == 'armed'
    handle.close()


@pytest.mark.parametrize('new_opens', ['refuse', 'hold'])
def test_two_waiters_resume_once(server, drain, handle, new_opens):
    """Both end, as at any deadline, and the target is open. One takes long
    for it, as it tells an smbd that stands still"""
    pid = server.child_of(handle.tree.connection)
    drain.begin('pkg/app', *deadline(1, 'resume'), f'--new-opens={new_opens}')
    waiters = [drain.start('wait', 'pkg/app') for _ in range(2)]
    with stopped(pid):
        for waiter in waiters:
            error = waiter.communicate(timeout=20 * SLOWNESS)[1]
            assert waiter.returncode == 124, error
            assert error.count('\n') == 1
            assert 'resumed at its deadline' in error
    assert drain.state('pkg/app') == 'open'
    handle.close()


# -- force

def test_force_on_wait(drain, handle):
    """The handles that are left are closed at the deadline, not before"""
    drain.begin('pkg/app')
    began = time.monotonic()
    drain.wait('pkg/app', *deadline(1, 'force'))
    assert 1 <= time.monotonic() - began < 6 * SLOWNESS
    assert handle.is_closed()
    assert drain.state('pkg/app') == 'quiescent'


def test_force_for_other_clients(server, drain):
    """A library and a program that know nothing of us find it closed"""
    os.truncate(server.put('pkg', 'app/large'), 50 << 20)
    with ImpacketClient(server.port) as library:
        file_id = library.open('app/tool.exe')
        # It stands still while nobody reads what it writes.
        program = SmbClient(server).start('get app/large -')
        wait_until(lambda: len(drain.holders('pkg/app')) == 2, 10,
                   'smbclient', 0.05)
        drain.begin('pkg/app', '--wait', *deadline(1, 'force'))
        with pytest.raises(SmbError) as caught:
            library.read(file_id)
        assert caught.value.status == NtStatus.FILE_CLOSED
        assert library.read_file('other/data.bin') == b'data'
    assert program.wait().statuses == [NtStatus.FILE_CLOSED]


def test_force_says_whose(drain, handle):
    """Who waits is told whose handles are closed, and what they were"""
    done = drain.begin('pkg/app', '--wait', *deadline(1, 'force'))
    assert handle.is_closed()
    assert 'its deadline has come' in done.stderr
    assert HOLDERS_LEFT in done.stderr
    assert '@127.0.0.1 has app/tool.exe open' in done.stderr


def test_force_says_of_all(server, drain, handle):
    """Nobody could be asked for them later"""
    names = {f'app/many/{number}' for number in range(30)}
    for name in names:
        server.put('pkg', name)
        handle.tree.create(name)
    done = drain.begin('pkg/app', '--wait', *deadline(1, 'force'))
    told = {line.split()[3] for line in done.stderr.splitlines()
            if '@127.0.0.1 has ' in line}
    assert told == names | {'app/tool.exe'}


def test_force_on_begin_and_run(server, drain, handle):
    """The same for the others that wait"""
    drain.begin('pkg/app', '--wait', *deadline(1, 'force'))
    assert handle.is_closed()
    drain.resume('pkg/app')
    again = handle.tree.create('app/tool.exe')
    outside = handle.tree.create('other/data.bin')
    drain.run('pkg/app', 'true', options=deadline(1, 'force'))
    assert again.is_closed() and not outside.is_closed()
    assert drain.state('pkg/app') == 'open'
    assert handle.tree.read_file('app/tool.exe') == b'MZ' * 100


def test_force_with_no_tool_running(drain, handle):
    """The smbds do it by themselves"""
    drain.begin('pkg/app', *deadline(1, 'force'))
    assert not handle.is_closed()
    wait_until(handle.is_closed, 5, 'force', 0.05)
    assert record(drain)['holders'] == 0
    assert record(drain)['is_due'] is True
    drain.wait('pkg/app')
    assert record(drain)['is_due'] is False


def test_force_after_the_tool_was_killed(drain, handle):
    """What it had set stays set"""
    waiter = drain.start('run', 'pkg/app', *deadline(2, 'force'), '--',
                         'true')
    drain.wait_for_state('pkg/app', 'armed')
    waiter.kill()
    waiter.communicate()
    wait_until(handle.is_closed, 6, 'force', 0.05)


def test_force_for_a_client_that_comes_later(server, drain):
    """Who connects while it drains has the deadline as well"""
    with connect(server.port) as first:
        held = first.create('app/tool.exe')
        drain.begin('pkg/app', *deadline(2, 'force'))
        with connect(server.port) as late:
            assert (late.status_of_open('app/tool.exe') ==
                    NtStatus.SHARING_VIOLATION)
            wait_until(held.is_closed, 6, 'force', 0.05)
            late.connection.echo()


def test_resumed_before_it_was_due(drain, handle):
    """Nothing is closed of a drain that has ended"""
    drain.begin('pkg/app', *deadline(1, 'force'))
    drain.resume('pkg/app')
    time.sleep(1.3 * SLOWNESS)
    assert not handle.is_closed()


def put_off(server, seconds):
    """Give the one record another deadline, and tell nobody"""
    store = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'),
                     flags=os.O_RDWR)
    try:
        key, = store
        value = bytearray(store[key])
        now = time.time() * 1e6
        at = max((at for at in range(0, len(value) - 7, 4)
                  if abs(struct.unpack_from('<Q', value, at)[0] - now) < 1e8),
                 key=lambda at: struct.unpack_from('<Q', value, at)[0])
        struct.pack_into('<Q', value, at, int(now + seconds * 1e6))
        store.store(key, bytes(value), tdb.REPLACE)
    finally:
        store.close()


def test_put_off_and_the_message_was_lost(server, drain, handle):
    """What an smbd has not heard of it reads before it closes anything"""
    drain.begin('pkg/app', *deadline(1.5, 'force'))
    put_off(server, 4 * SLOWNESS)
    time.sleep(2.5 * SLOWNESS)
    assert not handle.is_closed()
    wait_until(handle.is_closed, 10, 'force', 0.05)


# -- whose it is

def test_it_is_in_the_record(drain):
    """For all tools to see"""
    begun = time.time()
    drain.begin('pkg/app', *deadline('1h', 'resume'))
    when = datetime.fromisoformat(record(drain)['deadline']).timestamp()
    assert begun + 3595 < when < begun + 3660
    assert record(drain)['on_timeout'] == 'resume'
    assert ': resume\n' in drain.call('status', 'pkg/app').stdout


def test_wait_with_a_time_limit_sets_none(drain, handle):
    """--timeout alone is the patience of this one wait"""
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.3', expect=124)
    assert record(drain)['deadline'] is None
    handle.close()
    drain.wait('pkg/app')


def test_begin_with_a_time_limit_sets_none(drain, handle):
    """The same for begin: a later wait has its own patience"""
    drain.begin('pkg/app', '--wait', '--timeout=0.5', expect=124)
    assert record(drain)['deadline'] is None
    drain.wait('pkg/app', '--timeout=0.2', expect=124)
    handle.close()
    drain.wait('pkg/app', '--timeout=5')


def test_wait_may_set_another(drain, handle):
    """The later word counts, for those that wait already too"""
    drain.begin('pkg/app', *deadline('1h', 'fail'))
    waiter = drain.start('wait', 'pkg/app')
    time.sleep(0.5)
    drain.wait('pkg/app', *deadline(1, 'force'))
    assert waiter.wait(5) == 0
    waiter.communicate()
    assert handle.is_closed()


def test_force_is_brought_forward(drain, handle):
    """The smbds have a timer already, and take another"""
    drain.begin('pkg/app', *deadline('1h', 'force'))
    drain.wait('pkg/app', *deadline(1, 'force'), timeout=20)
    assert handle.is_closed()


@pytest.mark.parametrize('on_timeout, status',
                         [('fail', 124), ('force', 0)])
def test_run_that_continues_may_set_another(drain, handle, on_timeout,
                                            status):
    """It is its own wish that counts, not what the other has begun with"""
    drain.begin('pkg/app')
    done = drain.run('pkg/app', 'true', expect=status,
                     timeout=10 * SLOWNESS,
                     options=('--continue', *deadline(1, on_timeout)))
    assert HOLDERS_LEFT in done.stderr
    assert handle.is_closed() == (on_timeout == 'force')


def test_begin_that_goes_on_sets_its_own(server, drain, handle):
    """What could not be armed is begun again, now with a deadline"""
    server.set_share('past', {'path': server.share_path('pkg')})
    server.reload()
    drain.begin('pkg/app', expect=1)
    server.remove_share('past')
    server.reload()
    assert drain.state('pkg/app') == 'arming'
    drain.begin('pkg/app', '--wait', *deadline(1, 'force'), timeout=20)
    assert handle.is_closed()


def test_wait_finds_it_quiescent(drain):
    """Then there is no time to be set, and nothing to wait for"""
    drain.begin('pkg/app', '--wait')
    drain.wait('pkg/app', *deadline(5, 'fail'))
    assert record(drain)['deadline'] is None


def test_run_that_continues_sets_it(drain, handle, tmp_path):
    """Of a drain that had none, as wait does"""
    drain.begin('pkg/app')
    done = drain.run('pkg/app', 'touch', str(tmp_path / 'ran'),
                     options=('--continue', *deadline(1, 'fail')), expect=124)
    assert HOLDERS_LEFT in done.stderr
    assert record(drain)['deadline'] is not None
    assert not (tmp_path / 'ran').exists()
    handle.close()
    drain.run('pkg/app', 'true', options=('--continue', *deadline(5, 'fail')))


def test_patience_ends_before_the_deadline(drain, handle):
    """One wait gives up, the drain does not"""
    drain.begin('pkg/app', *deadline('1h', 'force'))
    drain.wait('pkg/app', '--timeout=0.3', expect=124)
    assert record(drain)['deadline'] is not None
    assert not handle.is_closed()


# -- words

@pytest.mark.parametrize('words, status', [
    (('begin', 'pkg/app', '--on-timeout=force'), 2),
    (('wait', 'pkg/app', '--on-timeout=fail'), 2),
    (('run', 'pkg/app', '--on-timeout=fail', '--', 'true'), 125),
    (('begin', 'pkg/app', '--timeout=1', '--on-timeout=kill'), 2),
    (('resume', 'pkg/app', '--timeout=1', '--on-timeout=fail'), 2),
    (('status', 'pkg/app', '--on-timeout=fail'), 2),
])
def test_usage(drain, words, status):
    """What cannot be meant is said, and nothing is begun"""
    assert 'timeout' in complaint(drain.call(*words, expect=status))
    assert drain.status()['drains'] == []


# -- telling people

@pytest.fixture(name='warned')
def _warned(tmp_path):
    """A command that notes what it is given, and what it has been given"""
    notes = tmp_path / 'notes'
    notes.mkdir()

    def read():
        return [json.loads(path.read_text())
                for path in sorted(notes.glob('*.json'))]

    command = (f'n={notes}/$(date +%s%N); cat >$n; '
               f'echo "$DRAIN_SHARE $DRAIN_PATH" >{notes}/target; '
               f'mv $n $n.json')
    return f'--warn-command={command}', read, notes


@pytest.mark.parametrize('verb', ['begin', 'wait', 'run'])
def test_warned_at_begin_and_at_half_time(drain, handle, warned, verb):
    """Twice, with the holders as JSON and the drain in the environment"""
    option, read, notes = warned
    options = (*deadline(2, 'fail'), option)
    if verb == 'run':
        drain.run('pkg/app', 'true', options=options, expect=124)
    elif verb == 'begin':
        drain.begin('pkg/app', '--wait', *options, expect=124)
    else:
        drain.begin('pkg/app')
        drain.wait('pkg/app', *options, expect=124)
    wait_until(lambda: len(read()) == 2, 3, 'two warnings', 0.05)
    known = json.loads(drain.call('holders', 'pkg/app', '--json').stdout)
    assert known['holders'][0]['path'] == 'app/tool.exe'
    assert read() == [known] * 2
    assert (notes / 'target').read_text() == 'pkg app\n'
    first, second = (int(path.name.split('.')[0])
                     for path in sorted(notes.glob('*.json')))
    assert 0.5 < (second - first) / 1e9 / SLOWNESS < 1.9
    handle.close()


def test_warned_at_half_of_a_patience(drain, handle, warned):
    """Without a deadline it is the time limit of the wait that counts"""
    option, read, _ = warned
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=2', option, expect=124)
    wait_until(lambda: len(read()) == 2, 3, 'two warnings', 0.05)
    handle.close()


def test_warned_by_begin_that_does_not_wait(drain, handle, warned):
    """People are told at begin, whoever waits later"""
    option, read, _ = warned
    drain.begin('pkg/app', option)
    wait_until(lambda: len(read()) == 1, 3, 'a warning', 0.05)
    handle.close()


def test_warned_once_without_an_end(drain, handle, warned):
    """With no time limit there is no half time"""
    option, read, _ = warned
    drain.begin('pkg/app')
    waiter = drain.start('wait', 'pkg/app', option)
    wait_until(read, 5, 'a warning', 0.05)
    handle.close()
    assert waiter.wait(5) == 0
    waiter.communicate()
    assert len(read()) == 1


def test_warning_that_hangs(drain, handle, tmp_path):
    """Nobody waits for it, at the deadline or before"""
    pids = tmp_path / 'pids'
    drain.begin('pkg/app')
    with open(tmp_path / 'out', 'w', encoding='utf-8') as out:
        waiter = drain.start('wait', 'pkg/app', *deadline(1, 'force'),
                             f'--warn-command=echo $$ >>{pids}; exec sleep 60',
                             stdout=out, stderr=out)
        began = time.monotonic()
        assert waiter.wait(10) == 0
    assert time.monotonic() - began < 6 * SLOWNESS
    assert handle.is_closed()
    for pid in pids.read_text().split():
        os.kill(int(pid), signal.SIGTERM)


def test_warning_that_fails(drain, handle):
    """It is no reason not to drain"""
    drain.begin('pkg/app')
    drain.wait('pkg/app', '--timeout=0.5', '--warn-command=/nonexistent/tell',
               expect=124)
    handle.close()
    drain.wait('pkg/app', '--warn-command=exit 3')


def test_nobody_warns_when_no_tool_waits(drain, handle, warned):
    """Only a tool that waits runs it"""
    option, read, _ = warned
    drain.begin('pkg/app', '--wait', '--timeout=0.3', option, expect=124)
    wait_until(read, 3, 'a warning', 0.05)
    known = len(read())
    time.sleep(0.5)
    assert len(read()) == known
    handle.close()
