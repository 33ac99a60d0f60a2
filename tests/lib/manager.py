"""A service manager of our own: systemd, as that of a user, with our units.

    with Manager(directory) as manager:
        manager.write('one.service', '[Service]\\n...')
        manager.systemctl('start', 'one.service')

It sees a system that was booted with systemd, and has a control group of its
own; units are not read from anywhere but `directory` and systemd's own place.
"""

import os
import re
import subprocess
from pathlib import Path

from lib.memcheck import SLOWNESS
from lib.smbd import wait_until

TOP = Path(os.environ['DRAIN_TOP'])
SYSTEMD = '/usr/lib/systemd/systemd'
TIMEOUT = 50

# systemd wants to know that it may: by this directory of /run. New ones want no
# control groups but those of version 2. It ends when we do, and all that it has
# started with it.
START = '''
mount -t tmpfs none /run
mkdir -p /run/systemd/system
mount --bind "$1" /sys/fs/cgroup
shift
exec setpriv --pdeathsig TERM "$@"
'''


def example():
    """The unit of an update in docs/systemd.md"""
    text = (TOP / 'docs' / 'systemd.md').read_text(encoding='utf-8')
    return re.search(r'```\n(\[Unit\]\n.*?)```', text, re.S)[1]


def _control_groups():
    """Where those of version 2 are; most systems have no others"""
    mounts = Path('/proc/mounts').read_text(encoding='ascii')
    return Path(re.search(r'^\S+ (\S+) cgroup2 ', mounts, re.M)[1])


def _own_control_group():
    """Of this process, as a path in there"""
    groups = Path('/proc/self/cgroup').read_text(encoding='ascii')
    return re.search(r'^0::/(.*)', groups, re.M)[1]


class Manager:
    """Give it a short directory: a socket is put in there"""

    def __init__(self, directory):
        self.units = directory / 'config/systemd/user'
        self.units.mkdir(parents=True)
        self.runtime = directory / 'runtime'
        self.runtime.mkdir(mode=0o700)
        self.groups = _control_groups()
        self.group = self.groups / _own_control_group() / directory.name
        self.environment = {
            'PATH': os.environ['PATH'], 'HOME': str(directory),
            'XDG_CONFIG_HOME': str(directory / 'config'),
            'XDG_RUNTIME_DIR': str(self.runtime)}
        self.log = directory / 'systemd.log'
        self.process = None

    def __enter__(self):
        self.write('nothing.target', '[Unit]\nDefaultDependencies=no\n')
        self.group.mkdir()
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                ['unshare', '--mount', '--propagation', 'private', 'sh', '-euc',
                 f'echo $$ >{self.group}/cgroup.procs\n{START}', 'sh',
                 self.groups, SYSTEMD, '--user', '--unit=nothing.target',
                 '--log-target=console'],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        try:
            wait_until(lambda: 'active' in self.systemctl(
                'is-active', 'nothing.target', expect=None).split(), 20,
                'systemd', interval=0.05)
        except TimeoutError:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """And all that runs"""
        self.process.terminate()
        try:
            self.process.wait(TIMEOUT * SLOWNESS)
        finally:
            self.process.kill()
            for group, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(group)

    def write(self, name, text):
        """A unit"""
        (self.units / name).write_text(text, encoding='utf-8')

    def systemctl(self, *words, expect=0):
        """What it says; `expect` is the exit status (None: any)"""
        done = subprocess.run(['systemctl', '--user', *words], text=True,
                              capture_output=True, env=self.environment,
                              timeout=TIMEOUT * SLOWNESS, check=False)
        assert expect in (None, done.returncode), (words, done)
        return done.stdout.strip()

    def property(self, unit, name):
        """What `show` has for it"""
        return self.systemctl('show', '--value', '--property', name, unit)

    def wait_for(self, unit, state):
        """Until it is active, inactive, failed"""
        wait_until(lambda: self.property(unit, 'ActiveState') == state,
                   TIMEOUT, f'{unit} {state}', interval=0.05)
