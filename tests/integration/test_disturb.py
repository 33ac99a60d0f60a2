"""Clients can not tell that the module is loaded; more by ./waf disturb."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.drain import BUILD
from lib.smb2 import Connection, NtStatus

SCRIPT = Path(__file__).resolve().parents[1] / 'disturb' / 'disturb.py'
JITTER = Path(BUILD) / 'tests/jitter/drain.so'


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
