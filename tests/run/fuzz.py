"""Runs what is made of tests/fuzz/fuzz_*.c with clang's libFuzzer.

Each harness begins with the inputs of tests/fuzz/corpus/NAME, and keeps those
that lead anywhere new in build/fuzz/NAME. One that shows something wrong is
build/fuzz/NAME-crash-...
"""

import concurrent.futures
import os
import re
import subprocess

from . import runner

# A harness that has not ended so long after its time does not end
GRACE = 240

# An input takes milliseconds; this is for a machine that does much else
LIMITS = ['-timeout=60', '-rss_limit_mb=2048']


class Harness:
    """One program, and what came of it"""

    def __init__(self, program, tests, out):
        self.program = program
        self.name = os.path.basename(program).removeprefix('fuzz_')
        self.good = False
        self.text = ''
        self._tests = tests
        self._out = out

    def _command(self, seconds, more):
        found = os.path.join(self._out, self.name)
        corpus = os.path.join(self._tests, 'corpus', self.name)
        words = os.path.join(self._tests, self.name + '.dict')
        os.makedirs(found, exist_ok=True)
        return ['nice', self.program, '-max_total_time=%d' % seconds, *LIMITS,
                '-artifact_prefix=%s-' % found, '-print_final_stats=1',
                *(['-dict=' + words] if os.path.exists(words) else []),
                *more, found, corpus]

    def run(self, seconds, more=()):
        """Returns self; good if it has tried inputs and found nothing"""
        environ = dict(os.environ, UBSAN_OPTIONS='print_stacktrace=1',
                       ASAN_OPTIONS='quarantine_size_mb=16')
        try:
            done = subprocess.run(self._command(seconds, more),
                                  stdout=subprocess.PIPE, env=environ,
                                  stderr=subprocess.STDOUT, check=False,
                                  timeout=seconds + GRACE)
            self.text = done.stdout.decode(errors='replace')
            self.good = done.returncode == 0 and self._figures() is not None
        except subprocess.TimeoutExpired as late:
            self.text = ((late.stdout or b'').decode(errors='replace')
                         + 'not ended after %d s\n' % (seconds + GRACE))
        return self

    def _figures(self):
        """Number of inputs, cov, ft, corpus; None if it has not said them"""
        runs = re.findall(r'number_of_executed_units: (\d+)', self.text)
        reached = re.findall(r'cov: (\d+) ft: (\d+) corp: (\d+)', self.text)
        return (runs[-1], *reached[-1]) if runs and reached else None

    def __str__(self):
        """A line of figures, or what was wrong"""
        if not self.good:
            return '%s: failed\n%s' % (self.name, self.text[-4000:])
        return '%s: %s inputs, cov %s, ft %s, corpus %s' % (
            self.name, *self._figures())


def run(programs, top, build, seconds, say, more=(), at_once=1):
    """All of them, which share the time; returns how many passed"""
    tests = os.path.join(top, 'tests', 'fuzz')
    out = os.path.join(build, 'fuzz')
    each = max(1, seconds * at_once // max(1, len(programs)))
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        harnesses = pool.map(
            lambda program: Harness(program, tests, out).run(each, more),
            programs)
        return sum((count(harness, say) for harness in harnesses),
                   runner.Counts())


def count(harness, say):
    """Each is a test"""
    say('fuzz %s' % harness)
    return runner.Counts(passed=int(harness.good),
                         failed=int(not harness.good))
