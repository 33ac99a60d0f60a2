"""run: a command on a quiescent target."""

import os
import pwd
import signal
import subprocess

import pytest

from lib.drain import complaint, ended, stopped
from lib.smb2 import NtStatus, connect
from lib.smbd import wait_until

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
SH = ('/bin/sh', '-c')


# -- the command

def test_environment(drained):
    """It is told which drain it runs for, and where the files are"""
    server, drain = drained()
    done = drain.run('pkg/app', 'env')
    environment = dict(line.split('=', 1)
                       for line in done.stdout.splitlines() if '=' in line)
    assert environment['DRAIN_SHARE'] == 'pkg'
    assert environment['DRAIN_PATH'] == 'app'
    assert (environment['DRAIN_REAL_PATH'] ==
            os.path.realpath(server.share_path('pkg') / 'app'))
    assert len(environment['DRAIN_ID']) >= 32
    assert environment['PATH'] == os.environ['PATH']


def test_environment_of_a_whole_share(drained):
    """The path is empty, and each drain has an id of its own"""
    server, drain = drained()
    script = 'echo "<$DRAIN_PATH> $DRAIN_REAL_PATH"; echo $DRAIN_ID'
    ids = set()
    for _ in range(3):
        done = drain.run('pkg', *SH, script)
        where, number = done.stdout.splitlines()
        assert where == f'<> {os.path.realpath(server.share_path("pkg"))}'
        ids.add(number)
    assert len(ids) == 3


def test_id_is_that_of_status(drained):
    """A command can ask about its own drain"""
    _, drain = drained()
    script = ('echo $DRAIN_ID; ' +
              ' '.join(drain.command('status', 'pkg', '--json')))
    number, *status = drain.run('pkg', *SH, script).stdout.splitlines()
    assert f'"id": "{number}"' in '\n'.join(status)
    assert '"state": "quiescent"' in '\n'.join(status)


def test_no_file_descriptors_leak(drained):
    """The command has its three, and that of its own look"""
    _, drain = drained()
    done = drain.run('pkg', 'ls', '/proc/self/fd')
    assert done.stdout.split() == ['0', '1', '2', '3']


def test_signals_are_as_usual_in_the_command(drained):
    """None blocked, none ignored that was not before"""
    _, drain = drained()
    done = drain.run('pkg', 'grep', '-E', '^Sig(Blk|Ign)',
                     '/proc/self/status')
    with open('/proc/self/status', encoding='ascii') as file:
        ours = [line for line in file if line.startswith('SigIgn')]
    blocked, ignored = done.stdout.splitlines()
    assert int(blocked.split()[1], 16) == 0
    # Python ignores SIGPIPE and SIGXFSZ, and gives them back to its children
    assert int(ignored.split()[1], 16) & ~int(ours[0].split()[1], 16) == 0


def test_what_is_ignored_stays_so(drained, tmp_path):
    """Under nohup a lost terminal ends neither run nor its command"""
    _, drain = drained()
    flag, go = tmp_path / 'flag', tmp_path / 'go'
    program, *words = drain.command(
        'run', 'pkg', '--', *SH, 'grep SigIgn /proc/$$/status; touch "$0"; '
        'until [ -e "$1" ]; do sleep 0.05; done', str(flag), str(go))
    process = subprocess.Popen(
        [*SH, 'trap "" HUP; exec "$0" "$@"', program, *words], text=True,
        stdout=subprocess.PIPE)
    with ended(process):
        wait_until(flag.exists, 10, 'the command')
        process.send_signal(signal.SIGHUP)
        go.touch()
        out, _ = process.communicate(timeout=10)
        assert process.returncode == 0
    assert int(out.split()[1], 16) & 1 << (signal.SIGHUP - 1)
    assert drain.state('pkg') == 'open'


def test_without_any_wait(drained):
    """--timeout=0: now or not at all; smbds are asked all the same"""
    server, drain = drained()
    with connect(server.port) as tree:
        assert drain.run('pkg', 'true', options=['--timeout=0']).stderr == ''
        tree.create('app/tool.exe')
        done = drain.run('pkg', 'true', options=['--timeout=0'], expect=124)
        assert 'tool.exe' in done.stderr
    assert drain.state('pkg') == 'open'


def test_input_and_output_are_those_of_run(drained):
    """Nothing of smbdrain's own gets in between"""
    _, drain = drained()
    done = drain.run('pkg', *SH, 'echo out; echo err >&2')
    assert (done.stdout, done.stderr) == ('out\n', 'err\n')


def test_options_of_the_command_are_its_own(drained):
    """What follows -- is not for smbdrain, another -- neither"""
    _, drain = drained()
    done = drain.run('pkg', 'echo', '--timeout=1', '--', '--force')
    assert done.stdout == '--timeout=1 -- --force\n'


def test_no_shell(drained):
    """What a shell would make something of is passed on as it is"""
    _, drain = drained()
    words = ['$HOME', '*', 'a; b', '`date`', '~', '', "'"]
    done = drain.run('pkg', 'printf', '%s\n', *words)
    assert done.stdout.split('\n')[:-1] == words


def test_share_is_closed_while_it_runs(drained, tmp_path):
    """Until its end, and open after it"""
    server, drain = drained()
    flag = tmp_path / 'flag'
    with connect(server.port) as tree:
        process = drain.start('run', 'pkg/app', '--', *SH,
                              f'touch {flag}; while [ -e {flag} ]; do '
                              'sleep 0.02; done')
        with ended(process):
            wait_until(flag.exists, 10, 'the command')
            assert drain.state('pkg/app') == 'quiescent'
            assert tree.status_of_open(TOOL) == REFUSED
            flag.unlink()
            assert process.wait(10) == 0
        assert tree.status_of_open(TOOL) == OPEN
    assert drain.records() == {}


# -- exit statuses

@pytest.mark.parametrize('command, status', [
    (('true',), 0),
    ((*SH, 'exit 3'), 3),
    ((*SH, 'exit 124'), 124),
    ((*SH, 'exit 126'), 126),
    ((*SH, 'exit 127'), 127),
    ((*SH, 'kill -9 $$'), 137),
    ((*SH, 'kill -TERM $$'), 143),
    ((*SH, 'ulimit -c 0; kill -SEGV $$'), 139),
])
def test_exit_status(drained, command, status):
    """As of timeout(1); after a failure the share stays closed"""
    server, drain = drained()
    done = drain.run('pkg', *command, expect=status)
    with connect(server.port) as tree:
        if status == 0:
            assert drain.records() == {} and done.stderr == ''
            assert tree.status_of_open(TOOL) == OPEN
        else:
            assert drain.state('pkg') == 'quiescent'
            how = (f'failed with status {status}' if status < 128
                   else f'was killed by signal {status - 128}')
            assert complaint(done) == (
                f'command {command[0]} {how}; pkg stays drained, so that '
                'clients do not get half an update: "smbdrain resume pkg" '
                'opens it')
            assert tree.status_of_open(TOOL) == REFUSED


@pytest.fixture(name='scripts')
def _scripts(tmp_path):
    """Commands that cannot be run, or can: {name: path}"""
    scripts = {'lost': '#!/nowhere/interpreter\nexit 0\n',
               'itself': f'#!{tmp_path}/lost -x\n',
               'plain': 'exit 0\n',
               'spaced': '#! /bin/sh -e\nexit 0\n'}
    for name, text in scripts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / 'data').write_text('#!/bin/sh\n')
    (tmp_path / 'directory').mkdir()
    return tmp_path


NOT_RUN = [('/nowhere/at/all', 127), ('no-such-program-anywhere', 127),
           ('', 127), ('/etc/passwd', 126), ('/', 126), ('{}/data', 126),
           ('data', 126), ('directory', 126), ('{}/data/x', 126),
           ('{}/lost', 127), ('lost', 127), ('itself', 127)]


@pytest.mark.parametrize('command, status', NOT_RUN)
def test_command_that_is_not_there(drained, scripts, command, status):
    """It is looked up as execvp(3) does before anybody is drained"""
    _, drain = drained()
    done = drain.run('pkg', command.format(scripts), expect=status, env={
        **os.environ, 'PATH': f'/nowhere:{scripts}'})
    assert complaint(done).startswith('cannot run ')
    assert drain.records() == {}


@pytest.mark.parametrize('command', ['plain', 'spaced', '{}/plain'])
def test_command_that_is_there(drained, scripts, command):
    """Past what is not to be executed of the same name, and without a #!"""
    _, drain = drained()
    before = scripts / 'before'
    (before / 'spaced').mkdir(parents=True)
    (before / 'plain').write_text('')
    drain.run('pkg', command.format(scripts), env={
        **os.environ, 'PATH': f'{before}:{scripts}'})


def test_command_in_the_current_directory(drained, scripts):
    """An empty word of PATH means that"""
    _, drain = drained()
    drain.run('pkg', 'plain', cwd=scripts,
              env={**os.environ, 'PATH': ':/nowhere'})


@pytest.fixture(name='vanishing')
def _vanishing(drained, tmp_path):
    """Runs a command that is gone when it is to start, with options: its exit
    status and standard error"""
    server, drain = drained()
    command = tmp_path / 'command'

    def run(*options, how=command.unlink, begun=False):
        command.write_text('#!/bin/sh\n')
        command.chmod(0o755)
        with connect(server.port) as tree:
            handle = tree.create(TOOL)
            if begun:
                drain.begin('pkg')
            process = drain.start('run', 'pkg', *options, '--', str(command))
            with ended(process):
                wait_until(lambda: 'drain/runner' in ' '.join(drain.locks()),
                           10, 'the run')
                drain.wait_for_state('pkg', 'armed')
                how()
                handle.close()
                _, text = process.communicate(timeout=20)
        return process.returncode, text

    return drain, command, run


@pytest.mark.parametrize('how, status', [
    (lambda path: path.unlink(), 127), (lambda path: path.chmod(0o644), 126)],
    ids=['gone', 'mode'])
def test_command_that_cannot_start_after_all(vanishing, how, status):
    """Nothing was changed, so the target is open again"""
    drain, command, run = vanishing
    ended_with, text = run(how=lambda: how(command))
    assert ended_with == status
    assert f'cannot run {command}: ' in text
    assert 'pkg is open again; the command was not started' in text
    assert 'stays drained' not in text
    assert drain.records() == {}


def test_command_that_cannot_start_for_a_drain_of_others(vanishing):
    """That one is as it was"""
    drain, command, run = vanishing
    ended_with, text = run('--continue', begun=True)
    assert ended_with == 127
    assert f'cannot run {command}: ' in text
    assert 'pkg stays drained; the command was not started' in text
    assert drain.state('pkg') == 'quiescent'


@pytest.mark.parametrize('choice', ['keep', 'resume'])
def test_on_failure(drained, choice):
    """keep: as it is; resume: open, with the status of the command"""
    _, drain = drained()
    done = drain.run('pkg', *SH, 'exit 3', options=[f'--on-failure={choice}'],
                     expect=3)
    assert drain.state('pkg') == ('quiescent' if choice == 'keep' else 'open')
    assert complaint(done).startswith(
        f'command {SH[0]} failed with status 3; pkg '
        f'{"stays drained" if choice == "keep" else "is open again"}')


USAGE = [
    ('run', 'pkg'),
    ('run', 'pkg', '--'),
    ('run', '--', 'true'),
    ('run', 'pkg', 'true'),
    ('run', 'pkg', 'app', '--', 'true'),
    ('run', 'pkg', '--timeout=soon', '--', 'true'),
    ('run', 'pkg', '--on-failure=maybe', '--', 'true'),
    ('run', 'pkg', '--nonsense', '--', 'true'),
    ('run', 'pkg', '--force', '--', 'true'),
    ('run', '--timeout=soon', 'pkg', '--', 'true'),
    ('--timeout=1', 'run', '--nonsense', 'pkg', '--', 'true'),
]


def test_usage(drained):
    """125: nobody takes that for the status of the command"""
    _, drain = drained()
    for arguments in USAGE:
        assert drain.call(*arguments, expect=125).stderr
    assert drain.records() == {}


def test_bad_target(drained):
    """125 as well, and no trace"""
    _, drain = drained()
    for target in ('nowhere', 'pkg/nowhere', 'pkg/app/tool.exe', 'pkg/../..',
                   ''):
        assert drain.run(target, 'true', expect=125).stderr
    assert drain.records() == {}


def test_not_root(drained, tmp_path):
    """125, and the command does not run"""
    _, drain = drained()
    drain.run('pkg', 'touch', str(tmp_path / 'ran'), expect=125,
              user=pwd.getpwnam('nobody').pw_uid)
    assert not (tmp_path / 'ran').exists()


def test_no_smbd(drained):
    """125"""
    server, drain = drained()
    server.stop()
    drain.run('pkg', 'true', expect=125)
    assert drain.records() == {}


def test_timeout(drained, tmp_path):
    """124, who is in the way is named, and what was begun is ended"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create(TOOL)
        done = drain.run('pkg', 'touch', str(tmp_path / 'ran'),
                         options=['--timeout=1'], expect=124)
        assert '1 holders left' in done.stderr and TOOL in done.stderr
        assert drain.records() == {}
        assert not (tmp_path / 'ran').exists()
        assert tree.status_of_open(TOOL) == OPEN


def test_not_armed(drained):
    """125, named, and ended: an smbd is silent"""
    server, drain = drained()
    with connect(server.port) as tree:
        child = server.child_of(tree.connection)
        with stopped(child):
            done = drain.run('pkg', 'true', options=['--timeout=1'],
                             expect=125)
            assert f'smbd {child} has not answered' in done.stderr
            assert drain.records() == {}
        assert tree.status_of_open(TOOL) == OPEN


# -- drains of others

def test_drain_of_somebody_else(drained):
    """It is not taken over, nor ended"""
    _, drain = drained()
    drain.begin('pkg/app', '--reason=mine')
    before = drain.records()
    done = drain.run('pkg/app', 'true', expect=125)
    assert 'mine' in done.stderr and '--continue' in done.stderr
    assert drain.records() == before


@pytest.mark.parametrize('wait', [False, True], ids=['armed', 'quiescent'])
def test_continue(drained, wait):
    """It is taken over, to its end"""
    server, drain = drained()
    drain.begin('pkg/app', *['--wait'] * wait)
    drain.run('pkg/app', 'true', options=['--continue'])
    assert drain.records() == {}
    with connect(server.port) as tree:
        assert tree.status_of_open(TOOL) == OPEN


def test_continue_without_a_drain(drained):
    """A new one is begun"""
    _, drain = drained()
    drain.run('pkg/app', 'true', options=['--continue'])
    assert drain.records() == {}


def test_continue_after_a_failure(drained):
    """The next run does it better, and ends the drain"""
    _, drain = drained()
    drain.run('pkg/app', 'false', expect=1)
    drain.run('pkg/app', 'true', expect=125)
    drain.run('pkg/app', 'true', options=['--continue'])
    assert drain.records() == {}


def test_continue_that_times_out(drained):
    """124; the drain of somebody else is still there"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create(TOOL)
        drain.begin('pkg/app')
        before = drain.records()
        drain.run('pkg/app', 'true', expect=124,
                  options=['--continue', '--timeout=1'])
        assert drain.records() == before


def test_drain_around_it(drained):
    """A drain of the whole share is another one: that stays"""
    server, drain = drained()
    drain.begin('pkg')
    drain.run('pkg/app', 'true')
    assert drain.state('pkg') == 'armed'
    with connect(server.port) as tree:
        assert tree.status_of_open(TOOL) == REFUSED
        drain.resume('pkg')
        assert tree.status_of_open(TOOL) == OPEN


# -- resume while a command runs

@pytest.mark.parametrize('all_', [False, True], ids=['one', 'all'])
def test_resume_during_the_command(drained, tmp_path, all_):
    """Refused, with the process that is in the way; --force does it"""
    server, drain = drained()
    flag = tmp_path / 'flag'
    what = '--all' if all_ else 'pkg'
    process = drain.start('run', 'pkg', '--', *SH, f'touch {flag}; '
                          f'while [ -e {flag} ]; do sleep 0.02; done; exit 5')
    with ended(process), connect(server.port) as tree:
        wait_until(flag.exists, 10, 'the command')
        done = drain.resume(what, expect=1)
        assert str(process.pid) in done.stderr and '--force' in done.stderr
        assert tree.status_of_open(TOOL) == REFUSED
        drain.resume(what, '--force')
        assert tree.status_of_open(TOOL) == OPEN
        flag.unlink()
        assert process.wait(10) == 5
        assert drain.records() == {}


def test_forced_resume_and_a_new_drain(drained, tmp_path):
    """A run whose drain was ended under it leaves the next one alone"""
    _, drain = drained()
    flag = tmp_path / 'flag'
    process = drain.start('run', 'pkg', '--', *SH, f'touch {flag}; '
                          f'while [ -e {flag} ]; do sleep 0.02; done')
    with ended(process):
        wait_until(flag.exists, 10, 'the command')
        drain.resume('pkg', '--force')
        drain.begin('pkg', '--reason=next')
        before = drain.records()
        flag.unlink()
        assert process.wait(10) == 0
        assert drain.records() == before


@pytest.mark.parametrize('verb', ['resume', 'smbcontrol'])
def test_resumed_while_it_waits(drained, verb):
    """run says that, and nothing else, whoever still has the locks"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create(TOOL)
        for _ in range(12):
            process = drain.start('run', 'pkg', '--', 'true')
            with ended(process):
                drain.wait_for_state('pkg', 'armed')
                if verb == 'resume':
                    drain.resume('pkg')
                else:
                    server.smbcontrol('smbd', 'close-share', 'resume:pkg')
                _, text = process.communicate(timeout=20)
            assert text == (
                'smbdrain: stopped waiting for pkg: another process has '
                'resumed it\n')
            assert process.returncode == 125
            assert drain.records() == {}
        handle.close()
