"""Runs what has been built: unit tests, pytest, the demo, the benchmark."""

import os
import re
import shlex
import subprocess
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = '/usr/bin/python3'
UNIT_TIMEOUT = 300
NOTHING_RUN = 5  # pytest's exit status when it has run no test

# Integration tests mostly wait for something, so that there are two for each
# processor; those of a file share a server
PROCESSORS = len(os.sched_getaffinity(0))
BY_FILE = ['--dist', 'loadfile', '-n']


class Counts:
    """How many tests passed, failed and were skipped"""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed = passed
        self.failed = failed
        self.skipped = skipped

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed,
                      self.skipped + other.skipped)

    def __str__(self):
        skipped = ', %d skipped' % self.skipped if self.skipped else ''
        return '%d passed, %d failed%s' % (self.passed, self.failed, skipped)


# Unit tests

def count_tap(text, clean_end):
    """cmocka writes `not ok # SKIP` for a test that was skipped"""
    skipped = len(re.findall(r'^(?:not )?ok\b.*# SKIP', text, re.M))
    failed = len(re.findall(r'^not ok\b(?!.*# SKIP)', text, re.M))
    passed = len(re.findall(r'^ok\b(?!.*# SKIP)', text, re.M))
    if not clean_end and not failed:
        failed = 1
    return Counts(passed, failed, skipped)


def run_unit_program(program):
    """What it wrote and whether it ended well"""
    environ = dict(os.environ, CMOCKA_MESSAGE_OUTPUT='TAP',
                   ASAN_OPTIONS='detect_leaks=1:abort_on_error=0',
                   UBSAN_OPTIONS='print_stacktrace=1')
    try:
        done = subprocess.run([program], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, errors='replace',
                              env=environ, timeout=UNIT_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b'').decode(errors='replace')
        return text + 'not ended after %d s\n' % UNIT_TIMEOUT, False
    if done.returncode < 0:
        return done.stdout + 'killed by signal %d\n' % -done.returncode, False
    return done.stdout, done.returncode == 0


def unit_tests(programs, say):
    total = Counts()
    for program in programs:
        text, clean_end = run_unit_program(program)
        counts = count_tap(text, clean_end)
        if counts.failed:
            say(text)
        say('%s: %s' % (os.path.basename(program), counts))
        total += counts
    return total


# Where smbd finds the module

def environment(top, build):
    """For tests, demo and benchmark: our tool first, and where things are"""
    return dict(os.environ, DRAIN_TOP=top, DRAIN_BUILD=build,
                PATH=build + os.pathsep + os.environ['PATH'])


def in_namespace(command, top, build, vfsdir):
    """Exit status of a command that sees our module among the stock ones"""
    stage = os.path.join(build, 'vfs')
    os.makedirs(stage, exist_ok=True)
    return subprocess.call(
        [os.path.join(HERE, 'in-namespace.sh'), os.path.join(build, 'drain.so'),
         vfsdir, stage, *command],
        cwd=top, env=environment(top, build))


# Integration tests

def count_junit(path):
    suites = xml.etree.ElementTree.parse(path).getroot().iter('testsuite')
    total = Counts()
    for suite in suites:
        number = {key: int(suite.get(key, 0))
                  for key in ('tests', 'failures', 'errors', 'skipped')}
        failed = number['failures'] + number['errors']
        total += Counts(max(number['tests'] - failed - number['skipped'], 0),
                        failed, number['skipped'])
    return total


def test_files(directory):
    return [name for _, _, names in os.walk(directory) for name in names
            if re.fullmatch(r'test_.*\.py', name)]


def is_selection(words):
    """Whether these words of a person let pytest run some of the tests only"""
    return any(word.startswith(('-k', '-m', '--deselect', '--ignore'))
               or '::' in word for word in words)


def run_pytest(run, tests, build, *options):
    """`run` is given the command, and returns how it ended"""
    report = os.path.join(build, os.path.basename(tests) + '.xml')
    if os.path.exists(report):
        os.unlink(report)
    extra = shlex.split(os.environ.get('PYTEST_ARGS', ''))
    status = run([PYTHON, '-m', 'pytest', tests, '-p', 'no:cacheprovider',
                  *options, '--junitxml=' + report, *extra])
    counts = count_junit(report) if os.path.exists(report) else Counts()
    if status == NOTHING_RUN and is_selection(extra):
        return counts
    if status != 0 and not counts.failed:
        # pytest itself failed, or found no test in the files there are
        counts.failed = 1
    return counts


def tests_in_namespace(name, options, top, build, vfsdir):
    """Those of a directory, with our module among the stock ones"""
    tests = os.path.join(top, 'tests', name)
    if not test_files(tests):
        return Counts()
    return run_pytest(
        lambda command: in_namespace(command, top, build, vfsdir),
        tests, build, '--confcutdir=' + os.path.dirname(tests), *options)


def integration_tests(top, build, vfsdir, *options):
    return tests_in_namespace(
        'integration', [*BY_FILE, str(2 * PROCESSORS), *options], top, build,
        vfsdir)


def memcheck_tests(*place):
    """The same with smbd and the tool under valgrind; see tests/lib/memcheck.py"""
    os.environ['DRAIN_MEMCHECK'] = 'yes'
    return tests_in_namespace('integration',
                              [*BY_FILE, str(PROCESSORS), '-rs'], *place)


def cluster_tests(short, *place):
    """All in one process, for they share a cluster"""
    options = ['-m', 'not long'] if short else []
    return tests_in_namespace('cluster', options, *place)


def package_tests(top, build):
    """These need no build of ours, and have a time of their own"""
    os.makedirs(build, exist_ok=True)
    return run_pytest(
        lambda command: subprocess.call(command, cwd=top,
                                        env=environment(top, build)),
        os.path.join(top, 'tests', 'packages'), build, '-rP')
