"""Units of systemd that come after a drain, run by systemd itself."""

import os
import re
from pathlib import Path

import pytest

from lib.manager import Manager, example
from lib.smb2 import connect
from lib.smbd import wait_until

BUILD = Path(os.environ['DRAIN_BUILD'])
SYSTEM_TOOL = re.compile(r'^(Exec\w+=)/\S*/smbdrain\b', re.M)
DRAIN = 'smbdrain@pkg-app.service'
RESUME = 'smbdrain-resume@pkg-app.service'


class Units:
    """The units, and update.service, which runs a script of sh

    It is the example; its script writes to `ran` what state the target is in.
    """

    def __init__(self, manager, drain, home):
        self.manager = manager
        self.drain = drain
        self.ran = home / 'ran'
        self.script = home / 'update-office'
        self.tool = home / 'smbdrain'
        self.program(self.tool, ' '.join(["exec", *drain.command('"$@"')]))
        self.update_with('true')
        for unit in BUILD.glob('smbdrain*@.service'):
            manager.write(unit.name, SYSTEM_TOOL.sub(rf'\1{self.tool}',
                                                     unit.read_text()))
        manager.write('update.service',
                      example().replace('/usr/local/sbin/update-office',
                                        str(self.script))
                      .replace('pkg-office', 'pkg-app'))
        manager.systemctl('daemon-reload')

    @staticmethod
    def program(path, text):
        """A script"""
        path.write_text(f'#!/bin/sh\n{text}\n', encoding='utf-8')
        path.chmod(0o755)

    def update_with(self, text):
        """The script of the update, from now on"""
        self.program(self.script,
                     f'{self.tool} status pkg/app >{self.ran}; {text}')

    def options(self, text):
        """As with systemctl edit"""
        place = self.manager.units / f'{DRAIN}.d'
        place.mkdir()
        (place / 'override.conf').write_text(
            f'[Service]\nEnvironment="OPTIONS={text}"\n', encoding='utf-8')
        self.manager.systemctl('daemon-reload')


@pytest.fixture(name='units')
def _units(drained, tmp_path):
    server, drain = drained()
    with Manager(tmp_path) as manager:
        units = Units(manager, drain, tmp_path)
        units.server = server
        yield units


def test_update_between_drain_and_resume(units):
    """It starts when the last holder has gone; meanwhile it is said who is
    waited for"""
    manager = units.manager
    with connect(units.server.port) as tree:
        handle = tree.create('app/tool.exe')
        manager.systemctl('start', '--no-block', 'update.service')
        wait_until(lambda: 'app/tool.exe' in
                   manager.property(DRAIN, 'StatusText'), 20, 'the status')
        assert manager.property(DRAIN, 'ActiveState') == 'activating'
        assert units.drain.state('pkg/app') == 'armed'
        assert not units.ran.exists()
        handle.close()
        wait_until(lambda: units.drain.state('pkg/app') == 'open', 20,
                   'the end')
    assert 'quiescent' in units.ran.read_text()
    manager.wait_for('update.service', 'inactive')
    manager.wait_for(DRAIN, 'inactive')
    assert manager.property('update.service', 'Result') == 'success'
    assert manager.property(RESUME, 'Result') == 'success'


def test_status_of_another_unit(units):
    """One that calls smbdrain tells who is waited for, if it may"""
    units.manager.write('other.service', '[Service]\nType=oneshot\n'
                        'NotifyAccess=all\n'
                        f'ExecStart=sh -c "{units.tool} wait pkg/app; :"\n')
    with connect(units.server.port) as tree:
        tree.create('app/tool.exe')
        units.drain.begin('pkg/app')
        units.manager.systemctl('start', '--no-block', 'other.service')
        wait_until(lambda: 'app/tool.exe' in units.manager.property(
            'other.service', 'StatusText'), 20, 'the status')
    units.manager.wait_for('other.service', 'inactive')
    assert units.manager.property('other.service', 'StatusText') == ''


def test_update_that_fails(units):
    """The target stays drained, until it has been done"""
    manager = units.manager
    units.update_with('exit 1')
    manager.systemctl('start', 'update.service', expect=1)
    assert 'quiescent' in units.ran.read_text()
    assert manager.property(DRAIN, 'ActiveState') == 'active'
    assert manager.property(DRAIN, 'StatusText') == 'pkg/app is quiescent'
    assert units.drain.state('pkg/app') == 'quiescent'
    units.update_with('true')
    manager.systemctl('start', 'update.service')
    wait_until(lambda: units.drain.state('pkg/app') == 'open', 20, 'the end')


def test_target_in_use(units):
    """The update is not started, and the target is open again"""
    units.options('--timeout=1')
    with connect(units.server.port) as tree:
        tree.create('app/tool.exe')
        units.manager.systemctl('start', 'update.service', expect=1)
    assert units.manager.property(DRAIN, 'ActiveState') == 'failed'
    assert not units.ran.exists()
    assert units.drain.state('pkg/app') == 'open'


def test_stop_opens_nothing(units):
    """Nor does the machine when it is shut down, but resume"""
    units.manager.systemctl('start', DRAIN)
    units.manager.systemctl('stop', DRAIN)
    assert units.manager.property(DRAIN, 'ActiveState') == 'inactive'
    assert units.drain.state('pkg/app') == 'quiescent'
    units.manager.systemctl('start', RESUME)
    assert units.drain.state('pkg/app') == 'open'


def test_resume_stops_the_unit(units):
    """What holds the drain is ended first"""
    units.manager.systemctl('start', DRAIN)
    units.manager.systemctl('start', RESUME)
    units.manager.wait_for(DRAIN, 'inactive')
    assert units.drain.state('pkg/app') == 'open'


def test_after_a_crash(units):
    """What is drained already is only gone on with if that is said"""
    units.manager.systemctl('start', DRAIN)
    units.manager.systemctl('kill', '--signal=KILL', '--kill-who=main', DRAIN)
    units.manager.wait_for(DRAIN, 'failed')
    units.manager.systemctl('start', DRAIN, expect=1)
    assert units.drain.state('pkg/app') == 'quiescent'
    units.options('--continue')
    units.manager.systemctl('start', 'update.service')
    wait_until(lambda: units.drain.state('pkg/app') == 'open', 20, 'the end')


def test_name_that_is_escaped(units):
    """Of a directory with a blank and a dash"""
    units.server.put('pkg', "an app-2/it's", b'')
    name = 'pkg-an\\x20app\\x2d2'
    units.manager.systemctl('start', f'smbdrain@{name}.service')
    assert units.drain.state('pkg/an app-2') == 'quiescent'
    units.manager.systemctl('start', f'smbdrain-resume@{name}.service')
    assert units.drain.state('pkg/an app-2') == 'open'
