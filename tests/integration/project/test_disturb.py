"""Clients cannot tell that the module is loaded; more by ./waf disturb."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib.drain import BUILD
from lib.smb2 import Connection, NtStatus

SCRIPT = Path(__file__).resolve().parents[2] / 'disturb' / 'disturb.py'
JITTER = Path(BUILD) / 'tests/jitter/drain.so'

sys.path.insert(0, str(SCRIPT.parent))

import disturb  # noqa: E402 pylint: disable=wrong-import-position


@pytest.mark.time_limit(300)
@pytest.mark.no_memcheck('smbtorture has time limits of its own')
def test_tests_of_samba_end_in_the_same_way():
    """With the module, with opens that wait, and with drains beside"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    done = subprocess.run([sys.executable, SCRIPT, '--quick'], text=True,
                          capture_output=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '\n0 disturbed by the module\n' in done.stdout, done.stdout
    for name in 'with', 'with jitter', 'with drains beside':
        assert f'\n{name}: ' in done.stdout
    assert ' x success' in done.stdout
    drains, = re.findall(r'^(\d+) drains beside$', done.stdout, re.M)
    assert int(drains) > 10


def test_only_the_module_for_tests_jitters(drained):
    """There, and nowhere else, opens are told to wait while nothing drains"""
    assert count_waits(drained, {}) == 0
    assert count_waits(drained, {'modules': {'drain': JITTER}}) > 0


def count_waits(drained, options):
    """How many of some opens were told STATUS_PENDING"""
    server, _ = drained(**options)
    with Connection(server.port) as connection:
        tree = connection.session().tree('pkg')
        opens = [tree.create_nowait('app/tool.exe') for _ in range(20)]
        assert {request.status() for request in opens} == {NtStatus.SUCCESS}
    return sum(request.interim is not None for request in opens)


class Scripted:
    """A server of which is known beforehand which runs of the test fail"""

    def __init__(self, name, every, first=0):
        self.name = name
        self._fail = every and range(first, 1000, every)
        self.outcomes = {'test': []}
        self.run(['test'])

    def run(self, _):
        """Once more"""
        fails = self._fail and len(self.outcomes['test']) in self._fail
        self.outcomes['test'].append('failure' if fails else 'success')


@pytest.mark.parametrize('without, with_it, found', [
    (None, None, None),
    (1, 1, None),
    (None, 1, 'disturbed'),
    (1, None, 'disturbed'),
    (None, 4, 'disturbed'),     # never without
    (20, 2, 'disturbed'),       # and more often
    (None, 1000, 'seldom'),     # once, and never again
    (None, 20, 'seldom'),
    (4, 3, None),
])
def test_what_is_disturbed(without, with_it, found):
    """One in so many runs fails, without the module not the first"""
    plain = [Scripted(name, without, first=(without or 0) // 2)
             for name in ('without', 'without again')]
    comparison = disturb.Comparison(plain, [Scripted('with', with_it)],
                                    ['test'])
    assert found == next((name for name in ('disturbed', 'seldom')
                          if getattr(comparison, name)), None)


@pytest.mark.parametrize('with_it, found', [
    (1, True), (20, False), (None, False)])
def test_what_ends_in_two_ways_by_itself(with_it, found):
    """In the first runs already: it may do so more often with the module"""
    plain = [Scripted('without', 20), Scripted('without again', None)]
    comparison = disturb.Comparison(plain, [Scripted('with', with_it)],
                                    ['test'])
    assert comparison.flaky
    assert bool(comparison.disturbed) == found


def test_what_takes_too_long_without_is_not_compared():
    """And is named"""
    plain, variant = Scripted('without', None), Scripted('with', 1)
    plain.outcomes['test'] = ['hangs']
    comparison = disturb.Comparison([plain], [variant], ['test'])
    assert comparison.too_long and not comparison.disturbed
