"""Fixtures of all tests that need smbd: private servers and a time limit."""

import faulthandler
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import memcheck  # noqa: E402 (needs the path above)
from lib.drain import Drain  # noqa: E402
from lib.smbd import PrivateSmbd  # noqa: E402
from lib.update import Update, package  # noqa: E402
from lib.waiting import remove_tree  # noqa: E402

TIME_LIMIT = 60
LAST_RESORT = 30

# Files that take longest, and so start first. Those that need a processor are
# among others that wait.
FIRST = [f'test_{name}.py' for name in (
    'torture', 'publish_share', 'model_sizes', 'publish', 'model_mutants',
    'shortage', 'memcheck', 'reach', 'cost', 'deadline', 'races', 'run',
    's2_empty', 'policy', 'tool_errors', 'update_errors', 'update_fuzz',
    'update', 'update_crashes', 'holders', 'caller', 'publish_link', 'disturb',
    's4_s5_crashes', 'smbcontrol_drain', 'stacked', 's3_wakes', 'shares',
    'runner', 'completion', 'check')]

_REPORTS = pytest.StashKey()


def pytest_configure(config):
    """Markers of ours, and signals as they are at a terminal: what a script has
    started with & ignores this one, and so would all that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        'markers', 'time_limit(seconds): the test may take this long '
        f'({TIME_LIMIT} s by default)')
    config.addinivalue_line(
        'markers', 'logs_may_contain(pattern): lines of smbd\'s log that do '
        'not make the test fail')
    config.addinivalue_line(
        'markers', 'long: not in ./waf check')
    config.addinivalue_line(
        'markers', 'no_memcheck(reason): left out of ./waf memcheck')


def pytest_collection_modifyitems(items):
    """Start with the files that take longest: all other processes wait for the
    one that ends last."""
    items.sort(key=lambda item: FIRST.index(item.path.name)
               if item.path.name in FIRST else len(FIRST))


def pytest_runtest_setup(item):
    """Some tests are of time, or of how much."""
    left_out = item.get_closest_marker('no_memcheck')
    if left_out and memcheck.ACTIVE:
        pytest.skip(left_out.args[0])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Let fixtures know, when they end, how the test went."""
    report = (yield).get_result()
    item.stash.setdefault(_REPORTS, {})[report.when] = report


def _passed(node):
    reports = node.stash.get(_REPORTS, {})
    return all(when in reports and not reports[when].failed
               for when in ('setup', 'call'))


@pytest.fixture
def has_passed(request):
    """For fixtures, when they end: ``has_passed()``"""
    return lambda: _passed(request.node)


@pytest.fixture(autouse=True)
def time_limit(request):
    """End a test that hangs, fixtures included, and show where it does.

    If it cannot be interrupted the whole run ends: private servers notice
    that and go.
    """
    marker = request.node.get_closest_marker('time_limit')
    seconds = (marker.args[0] if marker else TIME_LIMIT) * memcheck.SLOWNESS

    def expire(_signal, _frame):
        faulthandler.dump_traceback(sys.__stderr__)
        pytest.fail(f'not finished within {seconds} s')

    previous = signal.signal(signal.SIGALRM, expire)
    faulthandler.dump_traceback_later(seconds + LAST_RESORT, exit=True,
                                      file=sys.__stderr__)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    faulthandler.cancel_dump_traceback_later()
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def tmp_path(request):
    """As pytest's own, but it leaves nothing behind a test that passed."""
    path = Path(tempfile.mkdtemp(prefix='drain-'))
    path.chmod(0o755)
    yield path
    if _passed(request.node):
        shutil.rmtree(path)


@pytest.fixture
def smbd(request, tmp_path):  # pylint: disable=unused-argument
    """Start private servers: ``smbd(shares, global_options, ...)``.

    It asks for tmp_path so that this is removed after the servers have
    ended: smbd panics when its current directory goes.

    The arguments are those of PrivateSmbd.  The servers are stopped after
    the test, which fails if their logs show a crash.
    """
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    servers = []
    name = re.sub(r'\W+', '-', request.node.name.removeprefix('test_'))[:30]

    def start(shares=None, global_options=None, **options):
        server = PrivateSmbd(name.strip('-'), shares, global_options,
                             **options)
        servers.append(server)
        return server.start()

    yield start
    _finish(request.node, servers)


@pytest.fixture
def drained(smbd):
    """Start a server whose shares use the module: ``server, drain = ...``.

    Without arguments it has one share, ``pkg``, with ``app/tool.exe`` and
    ``other/data.bin`` in it.
    """
    def start(shares=None, global_options=None, **options):
        server = smbd(shares or {'pkg': {'vfs objects': 'drain'}},
                      global_options, **options)
        if shares is None:
            server.put('pkg', 'app/tool.exe', b'MZ' * 100)
            server.put('pkg', 'other/data.bin', b'data')
        return server, Drain(server)

    return start


@pytest.fixture
def drain(server):
    """The tool of a server that a file has for all its tests; open again after
    each"""
    tool = Drain(server)
    yield tool
    tool.resume('--all')


@pytest.fixture
def updater(drained, tmp_path):
    """Make a package to update: ``updater(target, **share options)``.

    Version ``old`` of it is served. A target ``pkg/current`` is a link to
    ``pkg/release-1``.
    """
    def start(target='pkg/app', **options):
        server, _ = drained({'pkg': {'vfs objects': 'drain', **options}})
        home = tmp_path / 'home'
        home.mkdir()
        update = Update(server, home, target)
        path = target.partition('/')[2]
        if path == 'current':
            update.live.symlink_to('release-1')
            path = 'release-1'
        for name, content in package('old').items():
            server.put('pkg', os.path.join(path, name), content)
        return update

    return start


@pytest.fixture
def signed(tmp_path):
    """signed(file): the options for a good signature of it"""
    home = tmp_path / 'gpg'
    home.mkdir(mode=0o700)
    gpg = ['gpg', '--homedir', str(home), '--batch', '--quiet',
           '--passphrase', '']

    def sign(path):
        for words in (['--quick-gen-key', 'builder', 'ed25519'],
                      ['--detach-sign', str(path)],
                      ['--output', str(home / 'keys'), '--export']):
            subprocess.run([*gpg, *words], check=True, timeout=30)
        return f'--signature={path}.sig', f'--keyring={home}/keys'

    yield sign
    subprocess.run(['gpgconf', '--homedir', str(home), '--kill', 'all'],
                   check=True, timeout=30)
    # The agent may remove its sockets meanwhile
    remove_tree(home)


@pytest.fixture
def preloaded(tmp_path):
    """``preloaded(source)``: the environment with that source compiled"""
    def compile_it(source):
        library = tmp_path / 'preloaded.so'
        subprocess.run(['gcc', '-shared', '-fPIC', '-O1', '-x', 'c', '-',
                        '-o', library], input=source, text=True, check=True,
                       timeout=30)
        return {'LD_PRELOAD': str(library)}

    return compile_it


def _finish(node, servers):
    """Stop the servers, look at their logs, keep those of a failed test."""
    passed = False
    expected = node.get_closest_marker('logs_may_contain')
    try:
        for server in servers:
            server.stop()
        for server in servers if _passed(node) else []:
            server.check_logs(expected.args[0] if expected else None)
        passed = _passed(node)
    finally:
        for server in servers:
            if not passed:
                print(f'log of {server.name}:\n{server.logs()[-4000:]}')
            server.close(keep_logs=not passed)
