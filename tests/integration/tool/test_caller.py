"""Whatever the caller of smbdrain is like: descriptors that are closed, output
that cannot be written, limits, signals, locales. A verb ends with an exit status
and a line, never by a signal, and what it says is true."""

import contextlib
import hashlib
import itertools
import os
import random
import resource
import signal
import subprocess

import pytest

from lib.drain import Drain, complaint, ended
from lib.smb2 import connect
from lib.smbd import PrivateSmbd, wait_until

SEED = int(os.environ.get('FUZZ_SEED', random.randrange(10 ** 9)))
TRIALS = 12
FULL = 'cannot write the output: No space left on device'
UNTOLD = 123
USERSHARE = '''#VERSION 2
path={path}
comment=
usershare_acl=S-1-1-0:F
guest_ok=n
sharename={name}
'''

pytestmark = pytest.mark.no_memcheck('valgrind and sh have descriptors too')


def add_usershare(server, name='annas'):
    """As net usershare does"""
    directory = server.base / 'usershares'
    directory.mkdir(exist_ok=True)
    directory.chmod(0o1770)
    elsewhere = server.base / 'elsewhere'
    elsewhere.mkdir(exist_ok=True)
    file = directory / name
    file.write_text(USERSHARE.format(path=elsewhere, name=name))
    file.chmod(0o644)
    return {'usershare path': directory, 'usershare max shares': 10,
            'usershare owner only': 'no'}


@pytest.fixture(name='shared', scope='module')
def _shared():
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    server = PrivateSmbd('caller', {'pkg': {'vfs objects': 'drain'}},
                         {'registry shares': 'yes'})
    with server:
        server.put('pkg', 'app/tool.exe', b'MZ')
        server.global_options.update(add_usershare(server))
        server.write_conf()
        server.reload()
        drain = Drain(server)
        drain.call('status')  # makes the databases that are missing
        yield server, drain


@pytest.fixture(name='caller')
def _caller(shared):
    """Nothing is drained before and after"""
    yield shared
    shared[1].call('resume', '--all', '--force')


def databases(server):
    """What is in Samba's own, {path: checksum}"""
    return {path: hashlib.sha256(path.read_bytes()).hexdigest()
            for directory in ('state', 'private')
            for path in (server.base / directory).rglob('*.tdb')
            if path.name != 'smbdrain.tdb'}


def closing(*descriptors):
    """preexec_fn: a program gets these closed"""
    def close():
        for number in descriptors:
            os.close(number)
    return close


# -- closed descriptors

ALL_CLOSED = [closed for number in (1, 2, 3)
              for closed in itertools.combinations(range(3), number)]


@pytest.mark.parametrize('closed', ALL_CLOSED, ids=str)
def test_closed(caller, closed):
    """No word of it is written to a file that has got such a number"""
    server, drain = caller
    before = databases(server)
    for words, state in ((['begin', 'pkg/app'], 'armed'),
                         (['status', '--json'], 'armed'),
                         (['begin', 'pkg/app'], 'armed'),
                         (['resume', 'pkg/app'], 'open')):
        again = words[0] == 'begin' and drain.state('pkg/app') == 'armed'
        drain.call(*words, expect=int(again), preexec_fn=closing(*closed))
        assert drain.state('pkg/app') == state
    assert databases(server) == before


def test_descriptors_of_the_command(caller):
    """It gets those of the caller, closed ones too, and none of ours"""
    _, drain = caller
    script = ('for n in 0 1 2 3 4 5 6 7 8 9; do '
              '[ ! -e /proc/$$/fd/$n ] || echo $n; done')
    done = drain.run('pkg/app', 'sh', '-c', script, preexec_fn=closing(0))
    assert done.stdout.split() == ['1', '2']


def test_warn_command(caller):
    """Gets the holders on its standard input, whatever is closed"""
    server, drain = caller
    told = server.base / 'told'
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app', f'--warn-command=cat >{told}.new; '
                    f'mv {told}.new {told}', preexec_fn=closing(0, 1, 2))
        wait_until(told.exists, 20, 'the warning')
        assert 'tool.exe' in told.read_text()
    drain.resume('pkg/app')


def has_socket(pid):
    """It is on Samba's bus"""
    with contextlib.suppress(OSError):
        return any('socket:' in os.readlink(f'/proc/{pid}/fd/{number}')
                   for number in os.listdir(f'/proc/{pid}/fd'))
    return False


# -- output that is lost

@contextlib.contextmanager
def full():
    """Where nothing can be written"""
    with open('/dev/full', 'w', encoding='utf-8') as file:
        yield file


@contextlib.contextmanager
def gone():
    """A pipe that nobody reads"""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def lose(drain, where, *words):
    """A call whose output is lost: its status, and what it says of that"""
    with where() as file:
        done = subprocess.run(drain.command(*words), stdout=file, text=True,
                              stdin=subprocess.DEVNULL, timeout=60,
                              stderr=subprocess.PIPE, check=False)
    return done


QUERIES = [['status'], ['status', '--json'], ['status', '--prometheus'],
           ['check'], ['check', '--json'], ['holders', 'pkg/app'],
           ['holders', 'pkg/app', '--json'], ['monitor'],
           ['monitor', '--json'], ['--help'], ['--version']]


@pytest.mark.parametrize('where', [full, gone])
def test_queries(caller, where):
    """Fail, and say so unless it was a pipe"""
    server, drain = caller
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        for words in QUERIES:
            done = lose(drain, where, *words)
            assert done.returncode == 1, (words, done)
            if where is full:
                assert complaint(done) == FULL, words
            else:
                assert done.stderr == '', words


@pytest.mark.parametrize('where', [full, gone])
def test_changes(caller, where):
    """Have been made all the same: a status of its own, and a line"""
    _, drain = caller
    for words, state, told in (
            (['begin', 'pkg/app'], 'armed', 'begin has succeeded'),
            (['wait', 'pkg/app'], 'quiescent', 'the target is quiescent'),
            (['close', 'pkg/app'], 'quiescent', 'close has succeeded'),
            (['resume', 'pkg/app'], 'open', 'resume has succeeded')):
        done = lose(drain, where, *words)
        assert done.returncode == UNTOLD, (words, done)
        if where is full:
            assert complaint(done) == f'{FULL}; {told}'
        else:
            assert done.stderr == ''
        assert drain.state('pkg/app') == state


def test_run_publish(caller):
    """Is published, and says so on standard error"""
    server, drain = caller
    new = server.base / 'new'
    (new / 'v2').mkdir(parents=True)
    done = lose(drain, full, 'run', 'pkg/app', f'--publish={new}')
    assert done.returncode == UNTOLD
    assert complaint(done) == f'{FULL}; run has succeeded'
    assert (server.share_path('pkg') / 'app' / 'v2').is_dir()
    drain.call('run', 'pkg/app', f'--publish={new}')


def test_run_without_a_reader(caller):
    """A run that gives up opens what it has closed, though nobody hears it"""
    server, drain = caller
    with connect(server.port) as tree, gone() as file:
        tree.create('app/tool.exe')
        process = drain.start('run', 'pkg/app', '--timeout=1', '--', 'true',
                              stdout=file, stderr=file)
        with ended(process):
            assert process.wait(60) == 124
    assert drain.state('pkg/app') == 'open'


@pytest.mark.parametrize('restore, status', [(True, -13), (False, 0)])
def test_sigpipe_of_the_command(caller, restore, status):
    """Is what it was for the caller"""
    _, drain = caller
    done = drain.run('pkg/app', 'sh', '-c', 'kill -PIPE $$; exit 0',
                     expect=None, restore_signals=restore,
                     preexec_fn=None if restore else
                     lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
    assert done.returncode == (128 - status if restore else status)


@pytest.mark.parametrize('words, status', [
    (('monitor',), 1), (('run', 'pkg/app', '--', 'true'), 125)])
def test_fault(caller, words, status):
    """In a library: a line, and a status that is no signal's"""
    server, drain = caller
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        process = drain.start(*words)
        with ended(process):
            if words[0] == 'run':
                drain.wait_for_state('pkg/app', 'armed', 30)
            else:
                wait_until(lambda: has_socket(process.pid), 30, 'the bus')
            process.send_signal(signal.SIGSEGV)
            _, text = process.communicate(timeout=30)
    assert process.returncode == status
    assert "internal error in Samba's libraries" in text.splitlines()[-1]


# -- smb.conf

CONFIGURATIONS = {
    'only_global': '', 'share_twice': '[x]\npath = /tmp\n' * 2,
    'usershares_alone': '',
    'registry': 'registry shares = yes\ninclude = registry\n',
    'homes': '[homes]\n', 'copy_of_itself': '[x]\ncopy = x\npath = /tmp\n',
    'no_names': '[]\n[ ]\n[x\npath = /tmp\n', 'no_path': '[x]\n-valid = no\n',
    'missing_include': 'include = /nonexistent/%m.conf\n',
    'includes_itself': 'include = {conf}\n',
    'long_lines': '[x]\npath = /' + 'a' * 100000 + '\n',
    'many': ''.join(f'[s{number}]\npath = /tmp\nvfs objects = drain\n'
                    for number in range(10000)),
    'binary': bytes(random.Random(1).choices(range(256), k=5000)).decode(
        'latin1'),
    'odd_values': 'log level = 100 x:y\nnetbios name =\nmax log size = -1\n'
                  'unix charset = NONE\n',
    'template': 'usershare template share = none\n'}


@pytest.mark.parametrize('kind', CONFIGURATIONS)
def test_configuration(caller, kind):
    """Whatever is in smb.conf, a verb ends with its own words"""
    server, drain = caller
    conf = server.base / f'{kind}.conf'
    options = {name: server.base / directory for name, directory in (
        ('private dir', 'private'), ('lock directory', 'lock'),
        ('state directory', 'state'), ('cache directory', 'cache'),
        ('pid directory', 'pid'), ('ncalrpc dir', 'ncalrpc'))}
    if kind in ('usershares_alone', 'template', 'registry'):
        options.update(add_usershare(server))
    conf.write_text('[global]\n' + ''.join(
        f'{name} = {value}\n' for name, value in options.items())
        + CONFIGURATIONS[kind].replace('{conf}', str(conf)),
        encoding='latin1')
    accepted = kind == 'many' or subprocess.run(
        ['testparm', '-s', conf], stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60, check=False).returncode == 0
    verbs = [['status'], ['check'], ['holders', 'none']]
    for words in verbs[:1] if kind == 'many' else verbs:
        done = subprocess.run([drain.bare, '-s', conf, *words],
                              stdin=subprocess.DEVNULL, capture_output=True,
                              errors='replace', timeout=60, check=False)
        assert done.returncode in (0, 1), (words, done)
        if done.returncode:
            assert 'smbdrain: ' in done.stderr or done.stdout, (words, done)
        assert "in Samba's libraries" not in done.stderr, done
        if accepted and words == ['status']:
            assert done.returncode == 0, done


# -- all of it

class Trial:
    """One call, in an environment that is drawn"""

    VERBS = {
        'begin': ['begin', 'pkg/app'], 'wait': ['wait', 'pkg/app'],
        'resume': ['resume', 'pkg/app'], 'run': ['run', 'pkg/app', '--',
                                                 'true'],
        'status': ['status', '--json'], 'metrics': ['status', '--prometheus'],
        'check': ['check'], 'holders': ['holders', 'pkg/app'],
        'close': ['close', 'pkg/app'], 'top': ['top'],
        'publish': ['publish', 'pkg/app', '/nonexistent', '--dry-run'],
        'help': ['--help'], 'version': ['--version']}
    LIMITS = {'NOFILE': (3, 8, 20, 60), 'FSIZE': (0, 4096, 1 << 20),
              'AS': (120 << 20, 200 << 20), 'CORE': (0,),
              'STACK': (512 << 10,)}
    SIGNALS = ('PIPE', 'CHLD', 'HUP', 'INT', 'TERM', 'USR1', 'ALRM', 'XFSZ')
    LOCALES = (*subprocess.run(['locale', '-a'], text=True, check=True,
                               stdout=subprocess.PIPE).stdout.split(),
               'xx_YY.nonsense', '', '/etc/passwd', 'a' * 5000)

    def __init__(self, draw):
        self.words = self.VERBS[draw.choice(sorted(self.VERBS))]
        self.closed = draw.sample(range(3), draw.choice((0, 0, 1, 2, 3)))
        self.output = draw.choice((None, None, full, gone))
        self.limit = draw.choice((None, *self.LIMITS))
        self.most = draw.choice(self.LIMITS.get(self.limit, (0,)))
        self.ignored = draw.sample(self.SIGNALS, draw.randrange(4))
        self.blocked = draw.sample(self.SIGNALS, draw.randrange(4))
        self.mask = draw.choice((0o777, 0o022, 0))
        self.nice = draw.choice((0, 19))
        self.locale = draw.choice(self.LOCALES)
        self.bare = draw.random() < 0.3     # no HOME, PATH, TERM
        self.no_cwd = draw.random() < 0.3
        self.no_proc = self.limit is None and draw.random() < 0.3

    def __repr__(self):
        return repr(vars(self))

    def prepare(self, lost):
        """In the child"""
        os.umask(self.mask)
        os.nice(self.nice)
        if self.no_cwd:
            os.mkdir(lost)
            os.chdir(lost)
            os.rmdir(lost)
        for name in self.ignored:
            signal.signal(getattr(signal, f'SIG{name}'), signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [
            getattr(signal, f'SIG{name}') for name in self.blocked])
        if self.limit:
            number = getattr(resource, f'RLIMIT_{self.limit}')
            resource.setrlimit(number, (self.most, self.most))
        for number in self.closed:
            os.close(number)

    def call(self, drain, scratch):
        """What it comes to"""
        environment = {} if self.bare else dict(os.environ)
        environment['LC_ALL'] = self.locale
        command = drain.command(*self.words)
        if self.no_proc:
            command = ['/usr/bin/unshare', '-m', '/bin/sh', '-c',
                       '/bin/mount -t tmpfs none /proc && exec "$@"', '-',
                       *command]
        with (self.output or contextlib.nullcontext)() as file:
            return subprocess.run(
                command, stdout=file or subprocess.PIPE,
                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                errors='replace', env=environment, timeout=60, check=False,
                preexec_fn=lambda: self.prepare(scratch / 'lost'))


AFTER = {'begin': {'armed', 'quiescent'}, 'wait': {'quiescent'},
         'resume': {'open'}, 'run': {'open'}}


def check_trial(trial, done, before, after):
    """An exit status, a line, and a drain as that has it"""
    verb = trial.words[0]
    assert 0 <= done.returncode <= 127, done
    if 'error while loading shared libraries' in done.stderr:
        return # it has not begun
    if done.returncode and 2 not in trial.closed and trial.output is not gone:
        assert done.stderr or done.stdout, done
    if done.returncode in (0, UNTOLD):
        assert after in AFTER.get(verb, {before}), done
    elif verb in ('resume', 'wait'):
        assert after in (before, 'quiescent'), done
    elif verb not in AFTER:
        assert after == before, done
    if 2 not in trial.closed and trial.output is None and verb == 'run':
        assert after == before or 'drained' in done.stderr or (
            'resume' in done.stderr or after == 'arming'), done


@pytest.mark.time_limit(400)
def test_any_environment(caller, tmp_path):
    """Drawn from a seed, which is shown"""
    print(f'FUZZ_SEED={SEED}')
    server, drain = caller
    draw = random.Random(SEED)
    contents = databases(server)
    for number in range(TRIALS):
        trial = Trial(draw)
        before = draw.choice(('open', 'armed'))
        drain.call('resume', '--all', '--force')
        if before == 'armed':
            drain.begin('pkg/app')
        done = trial.call(drain, tmp_path)
        note = f'FUZZ_SEED={SEED}, trial {number}: {trial}\n{done}'
        try:
            check_trial(trial, done, before, drain.state('pkg/app'))
            assert databases(server) == contents
        except AssertionError as error:
            raise AssertionError(f'{note}\n{error}') from error
    drain.call('resume', '--all', '--force')
