"""smbdrain status --prometheus: what node_exporter collects."""

import os
import shutil
import subprocess
import time
from datetime import datetime

import pytest
import tdb
from prometheus_client.parser import text_string_to_metric_families

from lib.drain import complaint, stopped
from lib.smb2 import connect
from lib.waiting import HOLD, waits


def text_of(drain, *arguments):
    """As it is printed; promtool has nothing against it, if it is here"""
    text = drain.call('status', '--prometheus', *arguments).stdout
    if shutil.which('promtool'):
        done = subprocess.run(['promtool', 'check', 'metrics'], input=text,
                              text=True, capture_output=True, check=False,
                              timeout=30)
        assert done.returncode == 0 and done.stderr == '', done
    return text


def samples(drain, *arguments):
    """{(name without smbdrain_, target, state): value}"""
    found = {}
    for family in text_string_to_metric_families(text_of(drain, *arguments)):
        assert family.type == 'gauge' and family.documentation.endswith('.')
        for sample in family.samples:
            key = (sample.name.removeprefix('smbdrain_'),
                   sample.labels.get('target'), sample.labels.get('state'))
            assert key not in found, key
            found[key] = sample.value
    return found


def test_nothing_drains(drained):
    """No series of drains, but those of the server"""
    server, drain = drained()
    with connect(server.port):
        assert samples(drain) == {
            ('smbd_running', None, None): 1, ('smbds', None, None): 1,
            ('smbd_errors', None, None): 0, ('drains', None, None): 0,
            ('unreadable_records', None, None): 0}


def test_smbd_does_not_run(drained):
    """A monitoring system hears of that"""
    server, drain = drained()
    server.stop()
    found = samples(drain)
    assert found['smbd_running', None, None] == 0
    assert found['smbds', None, None] == 0


def test_same_as_json(drained):
    """All that changes in the life of a drain"""
    server, drain = drained()
    with connect(server.port) as tree, connect(server.port) as other:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app', HOLD, '--timeout=1h', '--on-timeout=fail')
        drain.begin('pkg/other', '--wait')
        assert waits(other.create_nowait('app/tool.exe'))
        found = samples(drain)
        said = {one['target']: one for one in drain.status()['drains']}
        assert found['drains', None, None] == len(said) == 2
        for target, one in said.items():
            for name, member in (('holders', 'holders'),
                                 ('waiting_opens', 'waiting_opens')):
                assert found[f'drain_{name}', target, None] == one[member]
            assert {state for (name, which, state), value in found.items()
                    if (name, which, value) == ('drain_state', target, 1)
                    } == {one['state']}
            when = datetime.fromisoformat(one['begun'].replace('Z', '+00:00'))
            assert 0 <= (found['drain_begun_timestamp_seconds', target, None]
                         - when.timestamp()) < 1
        assert found['drain_waiting_opens', 'pkg/app', None] == 1
        assert 0 < found['drain_longest_wait_seconds', 'pkg/app', None] < 30
        left = (found['drain_deadline_timestamp_seconds', 'pkg/app', None]
                - time.time())
        assert 3500 < left <= 3600
        assert ('drain_deadline_timestamp_seconds', 'pkg/other',
                None) not in found
        handle.close()
        assert samples(drain, 'pkg/app')['drain_holders', 'pkg/app', None] == 0


def test_smbd_that_stands_still(drained):
    """It has not acknowledged the drain"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        with stopped(server.child_of(tree.connection)):
            found = samples(drain)
    assert found['drain_unacknowledged_smbds', 'pkg/app', None] == 1


def test_unreadable_records(drained):
    """They are counted"""
    server, drain = drained()
    drain.call('status')
    store = tdb.open(str(server.base / 'state' / 'smbdrain.tdb'),
                     flags=os.O_RDWR)
    store[b'junk'] = b'junk'
    store.close()
    assert samples(drain)['unreadable_records', None, None] == 1


@pytest.mark.parametrize('name', ['a b', 'a"b', 'a\nb', 'grüße',
                                  'a{b="c"} 1'])
def test_strange_names(drained, name):
    """They are labels as they are printed elsewhere"""
    server, drain = drained()
    server.put('pkg', f'{name}/file')
    drain.begin(f'pkg/{name}')
    target = drain.call('status').stdout.splitlines()[0].removesuffix(
        ': armed')
    assert samples(drain)['drain_holders', target, None] == 0


def test_two_forms(drained):
    """One or the other"""
    _, drain = drained()
    done = drain.call('status', '--json', '--prometheus', expect=2)
    assert 'both --json and --prometheus' in complaint(done)


def test_nobody_reads(drained):
    """What cannot be written is an error: half of it is worse than nothing"""
    _, drain = drained()
    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = subprocess.run(drain.command('status', '--prometheus'),
                              stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=30)
    assert done.returncode == 1
    assert 'No space left on device' in complaint(done)
