"""Where people write numbers otherwise: with a comma."""

import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lib.smb2 import NtStatus, connect


@pytest.fixture(name='german')
def _german(drained, tmp_path):
    """smbd and the tool in such a locale"""
    name = 'de_DE.UTF-8'
    subprocess.run(['localedef', '-i', 'de_DE', '-f', 'UTF-8',
                    tmp_path / name], check=True, timeout=60)
    enter = ('env', f'LOCPATH={tmp_path}', f'LC_ALL={name}')
    point = subprocess.run([*enter, 'locale', 'decimal_point'], text=True,
                           stdout=subprocess.PIPE, check=True, timeout=10)
    assert point.stdout == ',\n'

    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     'drain:new opens': 'hold',
                                     'drain:hold timeout': '1.5'}})
    server.put('pkg', 'app/tool.exe')
    server.enter = enter
    server.restart()
    return server, drain


def test_durations(german):
    """As for sleep(1), which takes a point everywhere"""
    server, drain = german
    drain.call('check')
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        done = drain.begin('pkg', '--wait', '--timeout=0.5', expect=124)
        assert done.stderr.count('\n') == 2, done.stderr
        found, = drain.status('pkg')['drains']
        assert found['hold_timeout'] == 1.5
        assert (tree.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
    drain.wait('pkg', '--timeout=0,5', expect=2)


def test_metrics(german):
    """Are numbers, which they are not with a comma"""
    _, drain = german
    drain.begin('pkg')
    text = drain.call('status', '--prometheus').stdout
    families = {family.name: family.samples
                for family in text_string_to_metric_families(text)}
    begun, = families['smbdrain_drain_begun_timestamp_seconds']
    assert begun.value > 1e9
