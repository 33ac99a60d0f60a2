"""Small systems of their own, to install packages in.

    root = Root.make(directory)
    root.install('samba')
    root.run('smbd', '-V').stdout

A root is a copy of one that is made once, with what debootstrap installs; see
source/build/root.sh.
"""

import fcntl
import os
import platform
import shutil
import subprocess
from pathlib import Path

TOP = Path(os.environ['DRAIN_TOP'])
ROOT_SH = TOP / 'source' / 'build' / 'root.sh'
CACHE = TOP / '.cache' / 'roots'
TIMEOUT = 900


def _pristine():
    """That of the release that runs here"""
    release = platform.freedesktop_os_release()['VERSION_CODENAME']
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f'{release}.pristine'
    with open(f'{path}.lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            subprocess.run([ROOT_SH, 'make', release, path], check=True,
                           timeout=TIMEOUT)
    return path


class Root:
    """A system in a directory; what runs there ends with each call"""

    def __init__(self, path):
        self.path = path

    @classmethod
    def make(cls, path):
        """One in which nothing has been installed yet"""
        if path.exists():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['cp', '-a', _pristine(), path], check=True,
                       timeout=TIMEOUT)
        root = cls(path)
        root.run('apt-get', 'update')
        return root

    def remove(self):
        """It is large"""
        shutil.rmtree(self.path)

    def run(self, *command, expect=0):
        """Run to the end, and return what it said, errors included"""
        done = subprocess.run([ROOT_SH, 'enter', self.path, *command],
                              stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, timeout=TIMEOUT,
                              stderr=subprocess.STDOUT, check=False)
        assert done.returncode == expect, (command, done.stdout[-4000:])
        return done.stdout

    def script(self, text, **keywords):
        """The same with a script of sh"""
        return self.run('sh', '-euc', text, **keywords)

    def apt(self, *words):
        """apt-get, which asks nothing"""
        return self.run('env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get',
                        '--yes', '--no-install-recommends', *words)

    def install(self, *packages):
        return self.apt('install', *packages)

    def versions(self):
        """{package: version} of what is installed"""
        lines = self.run('dpkg-query', '-W', '-f',
                         '${db:Status-Status} ${Package} ${Version}\n')
        words = [line.split() for line in lines.splitlines()]
        return {package: version for state, package, version in words
                if state == 'installed'}

    def put(self, files):
        """Copy files to its / and return their names in there"""
        for file in files:
            shutil.copy(file, self.path)
        return [f'/{file.name}' for file in files]

    def names(self, *directories):
        """All that is in there"""
        return set(self.run('find', *directories).splitlines())
