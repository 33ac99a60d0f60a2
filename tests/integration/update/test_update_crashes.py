"""smbdrain-update, killed with all that it has started, at each step: what is
served is wholly old or wholly new, --list tells which, and --recover or the
next update put everything right."""

import os
import signal

import pytest

from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until
from lib.update import complaint, kill_session, package, session
from lib.waiting import waits

OPEN = NtStatus.SUCCESS
RUN = '[ "$3" = run ]'
EXCHANGES = 'renameat,renameat2'


def before_exchange(calls=EXCHANGES, number=1):
    """A script in which smbdrain is killed before its rename `number`"""
    return (f'strace -f -qq -o /dev/null -e trace={calls} -e inject='
            f'{calls}:signal=KILL:when={number} "$real" "$@" || :')


# smbdrain is killed after the exchange
AFTER_EXCHANGE = f'''
strace -f -qq -o /dev/null -e trace={EXCHANGES} \\
\t-e inject={EXCHANGES}:delay_exit=30s "$real" "$@" &
until grep -q new "$live/tool.exe"; do
\tsleep 0.05
done
kill -9 $(ps -o pid= --ppid $!)'''

# The program; the arguments at which all is killed; what the program does
# before; the version that is served then
STEPS = {
    'staging': ('rsync', '[ "$2" = --delete ]', '', 'old'),
    'verifying': ('sha256sum', '[ $# -gt 0 ]', '', 'old'),
    'before the exchange':
        ('smbdrain', RUN, before_exchange(), 'old'),
    'after the exchange':
        ('smbdrain', RUN, AFTER_EXCHANGE, 'new'),
    'putting the old version in its place':
        ('mv', '[ "$1" = -T ] && [ "${3##*/}" = tree ]', '', 'new'),
    'pruning': ('rm', '[ -d "$2" ]', '', 'new'),
}


def kill_at(update, step, source):
    """Kill an update at this step"""
    name, condition, script, served = STEPS[step]
    update.kill_at(name, condition, '--keep=0', '--', update.target, source,
                   script=f"live='{update.live}'\n{script}")
    return served


def check_served(update, stamp):
    """That version is served completely, and --list shows it"""
    assert update.serves() == package(stamp)
    states = update.states()
    assert states.count('served') == 1
    assert set(states) <= {'served', 'kept', 'unfinished'}


def check_open(update, files):
    """These files are served, nothing is left over, and clients can open
    them"""
    assert update.serves() == files
    assert set(update.tidy()) <= {'served', 'kept'}
    with connect(update.server.port) as tree:
        assert tree.status_of_open(update.path('tool.exe')) == OPEN


@pytest.mark.parametrize('step', STEPS)
def test_recover(updater, step):
    """Recovery of a directory after a kill at this step"""
    update = updater()
    served = kill_at(update, step, update.make('new'))
    check_served(update, served)
    drained = 'exchange' in step
    assert update.drain.state('pkg/app') == ('quiescent' if drained
                                             else 'open')
    update.recover()
    check_open(update, package(served))


def test_again(updater):
    """A second update succeeds, and does the recovery"""
    update = updater()
    source = update.make('new')
    kill_at(update, 'after the exchange', source)
    update.update(source)
    check_open(update, package('new'))


@pytest.mark.parametrize('step', ['before the exchange',
                                  'after the exchange'])
def test_link(updater, step):
    """The link leads to one of the versions; the other release is removed"""
    update = updater('pkg/current')
    served = kill_at(update, step, update.make('new'))
    check_served(update, served)
    assert update.drain.state(update.target) == 'quiescent'
    update.recover()
    check_open(update, package(served))
    releases = {path.name for path in update.root.iterdir()}
    assert releases == {'current', 'release-1',
                        *(['current-' + update.list()[-1][0]]
                          if served == 'new' else [])}


def test_while_files_are_shared(updater):
    """A kill while the top entries of a share are replaced with copies"""
    update = updater('pkg', **{'read only': 'yes'})
    update.kill_at('cp', '[ "$1 ${3##*/}" = "-a copy" ]', 'pkg',
                   update.copy('new', **{'lib/b.dll': 'changed'}))
    assert update.states() == ['served', 'unfinished']
    update.recover()
    assert update.serves() == package('old')
    assert update.tidy() == ['served']


# -- the root of a share is exchanged in many steps

NEW = {**package('new'), 'more/x': 'new', 'top': 'new'}


def half(update, step):
    """After a kill there the share is drained, and --list shows both
    versions"""
    update.kill_at('smbdrain', RUN, 'pkg', update.make('new', NEW),
                   script=before_exchange('renameat2', step))
    assert update.drain.state('pkg') == 'quiescent'
    with connect(update.server.port) as tree:
        assert waits(tree.create_nowait('tool.exe'))


@pytest.mark.parametrize('step', [1, 3])
def test_share(updater, step):
    """Recovery completes it"""
    update = updater('pkg')
    half(update, step)
    if step > 1:
        assert update.states() == ['served in part', 'served in part']
        assert update.serves() not in (package('old'), NEW)
    update.recover()
    check_open(update, NEW)


def test_share_that_can_not_be_completed(updater):
    """The exchange is undone, and the old version is served"""
    update = updater('pkg')
    update.stand_in('smbdrain', f"""
if {RUN}; then
	# LeakSanitizer, if it is there, cannot be beside strace
	export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"
	strace -f -qq -o /dev/null -e trace=renameat2 \\
		-e inject=renameat2:error=EIO:when=2+ "$real" "$@"
	exit
fi""")
    done = update.update(update.make('new', NEW), expect=1)
    assert 'the switch failed' in done.stderr
    check_open(update, package('old'))


def test_share_opened_by_force(updater):
    """Every update fails until somebody has repaired the share"""
    update = updater('pkg')
    half(update, 3)
    update.drain.resume('pkg', '--force')
    before = update.serves()
    assert 'by force' in complaint(update.recover(expect=1))
    assert 'by force' in complaint(update.update(update.make('newer'),
                                                 expect=1))
    assert update.serves() == before


# -- kills and signals that do not end all processes

def test_while_it_waits(updater):
    """A kill while the update waits for a holder, which is not affected"""
    update = updater()
    source = update.make('new')
    with connect(update.server.port) as tree:
        held = tree.create('app/tool.exe')
        process = update.start('pkg/app', source)
        update.drain.wait_for_state('pkg/app', 'armed')
        kill_session(process)
        process.communicate()
        assert update.drain.state('pkg/app') == 'armed'
        check_served(update, 'old')
        update.recover()
        assert held.read() == b'old'
        assert tree.status_of_open('app/lib/a.dll') == OPEN
    check_open(update, package('old'))


def test_only_the_script(updater):
    """smbdrain continues without the script, and holds the locks"""
    update = updater()
    with connect(update.server.port) as tree:
        held = tree.create('app/tool.exe')
        process = update.start('pkg/app', update.make('new'))
        try:
            update.drain.wait_for_state('pkg/app', 'armed')
            process.kill()
            process.wait()
            done = update.recover(expect=3)
            assert 'another update' in complaint(done)
            held.close()
            wait_until(lambda: not session(process), 20, 'end of smbdrain')
        finally:
            kill_session(process)
            process.communicate()
        assert tree.create('app/tool.exe').read() == b'new'
    update.recover()
    check_open(update, package('new'))


@pytest.mark.parametrize('kill', [os.killpg, os.kill],
                         ids=['to all', 'to the script alone'])
def test_signal(updater, kill):
    """It recovers itself, and does not wait for its child processes"""
    update = updater()
    with connect(update.server.port) as tree:
        tree.create('app/tool.exe')
        process = update.start('pkg/app', update.make('new'))
        update.drain.wait_for_state('pkg/app', 'armed')
        kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 128 + signal.SIGTERM
    check_open(update, package('old'))


def test_signal_when_it_is_published(updater):
    """A signal after the switch: the update succeeds"""
    update = updater()
    update.stand_in('smbdrain', f"""
if {RUN}; then
	"$real" "$@" || exit
	kill $PPID
	exec sleep 10
fi""")
    update.update(update.make('new', NEW))
    check_open(update, NEW)
    assert '\tpublished\t' in (update.area / 'history').read_text()


def test_history_that_can_not_be_written(updater):
    """A failure after the switch: the update succeeds"""
    update = updater()
    update.update(update.make('new'))
    (update.area / 'history').unlink()
    (update.area / 'history').mkdir()
    update.update(update.make('newer', NEW))
    (update.area / 'history').rmdir()
    check_open(update, NEW)


def test_drain_that_is_left(updater):
    """A drain that smbdrain run has left in spite of its success is ended"""
    update = updater()
    update.stand_in('smbdrain', f"""
if {RUN}; then
	"$real" "$@" || exit
	exec "$real" "$1" "$2" begin "$4" "$5"
fi""")
    update.update(update.make('new'))
    check_open(update, package('new'))


def test_all_at_boot(updater):
    """--recover without a target does each package, even if one fails"""
    update = updater()
    kill_at(update, 'before the exchange', update.make('new'))
    update.server.put('pkg', 'other/tool.exe', b'MZ')
    registry = update.server.base / 'state/smbdrain-update'
    (registry / 'pkg%2Fother').symlink_to('/nowhere')
    update.server.restart()
    done = update.call('--recover', expect=1)
    assert 'pkg/other' in complaint(done)
    check_open(update, package('old'))


def test_drain_of_another(updater):
    """A drain of somebody else: nothing is updated, nothing is resumed"""
    update = updater()
    source = update.make('new')
    update.update(source)
    update.drain.begin('pkg/app', '--reason=mine')
    assert 'somebody else' in complaint(update.update(source, expect=1))
    assert 'somebody else' in complaint(update.rollback(expect=1))
    update.call('--recover')
    assert update.drain.state('pkg/app') == 'armed'


def test_drain_of_another_meanwhile(updater):
    """The same if the drain begins during the staging"""
    update = updater()
    begin = ' '.join(update.drain.command('begin', 'pkg/app'))
    done = update.update(update.make('new'), f'--verify={begin}', expect=1)
    assert 'somebody else' in complaint(done)
    assert update.serves() == package('old')
    assert update.drain.state('pkg/app') == 'armed'
