"""Runs smbdrain-update against a PrivateSmbd, as an administrator would."""

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from lib import memcheck
from lib.drain import BUILD, TIMEOUT, Drain
from lib.smbd import wait_until

# A program in the place of another: it does {script} first, which sees the words
# it was called with, and which program it stands for
_STANDIN = '''#!/bin/sh
real={real}
{script}
exec "$real" "$@"
'''


class Update:
    """smbdrain-update for one package of one PrivateSmbd

    `home` is a directory for sources, outside of all shares.
    """

    def __init__(self, server, home, target='pkg/app'):
        self.server = server
        self.drain = Drain(server)
        self.home = home
        self.target = target
        self.script = os.path.join(BUILD, 'smbdrain-update')
        share, _, path = target.partition('/')
        self.root = server.share_path(share)
        self.live = self.root / path
        self.area = (self.root.parent / '.smbdrain' / share
                     / (path.replace('%', '%25').replace('/', '%2F')
                        or '%whole'))

    # -- calls

    def environment(self):
        """With our programs in the place of others, if there are any"""
        directory = self.home / 'bin'
        smbdrain = directory / 'smbdrain'
        if not smbdrain.exists():
            smbdrain = self.drain.bare
        return {**os.environ, **memcheck.sanitizers(self.drain.server.log_dir),
                'SMBDRAIN': str(smbdrain),
                'PATH': f'{directory}:{os.environ["PATH"]}'}

    def start(self, *arguments, **popen):
        """Start in the background, in a session of its own"""
        options = {'errors': 'replace', 'stdout': subprocess.PIPE,
                   'stderr': subprocess.PIPE, 'stdin': subprocess.DEVNULL,
                   'cwd': self.home, 'env': self.environment(),
                   'start_new_session': True}
        return subprocess.Popen([self.script, '-s', str(self.server.conf),
                                 *map(str, arguments)], **{**options, **popen})

    def call(self, *arguments, expect=0, **popen):
        """Run to the end; `expect` is the exit status (None: any)"""
        process = self.start(*arguments, **popen)
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        finally:
            kill_session(process)
        done = subprocess.CompletedProcess(process.args, process.returncode,
                                           out, err)
        if expect is not None:
            assert done.returncode == expect, (done.returncode, out, err)
        return done

    def update(self, source, *options, **keywords):
        return self.call(*options, '--', self.target, source, **keywords)

    def rollback(self, *words, **keywords):
        return self.call('--rollback', self.target, *words, **keywords)

    def recover(self, **keywords):
        return self.call('--recover', self.target, **keywords)

    def list(self):
        """[(version, state)] as --list says, the oldest first"""
        lines = self.call('--list', self.target).stdout.splitlines()
        found = [re.match(r'[ *] ([0-9]\S+)  ([a-z ]+)  ', line)
                 for line in lines]
        return [line.groups() for line in found if line]

    def states(self):
        """The states alone"""
        return [state for _, state in self.list()]

    def stand_in(self, name, script):
        """A program that first does what a script of sh says, $real is it"""
        real = (self.drain.bare if name == 'smbdrain'
                else shutil.which(name))
        directory = self.home / 'bin'
        directory.mkdir(exist_ok=True)
        path = directory / name
        path.write_text(_STANDIN.format(real=real, script=script))
        path.chmod(0o755)
        return path

    def halting(self, name, condition, script=''):
        """The same: if the condition holds it does the script, makes the file
        that is returned, and stays"""
        flag = self.home / 'halted'
        self.stand_in(name, f'''
if {condition}; then
	{script}
	touch '{flag}'
	sleep 60
fi''')
        return flag

    def kill_at(self, name, condition, *arguments, script=''):
        """Start an update, and kill it when a program comes to that"""
        flag = self.halting(name, condition, script)
        process = self.start(*arguments)
        try:
            wait_until(lambda: flag.exists() or process.poll() is not None,
                       30, 'the moment to kill', 0.05)
            assert process.poll() is None, process.communicate()
        finally:
            kill_session(process)
            process.communicate()
        (self.home / 'bin' / name).unlink()
        flag.unlink()

    # -- packages

    def path(self, name):
        """How a client calls a file of the package"""
        return os.path.join(self.target.partition('/')[2], name)

    def make(self, name, files=None):
        """A directory with a version of the package in it, of that stamp"""
        source = self.home / name
        for path, content in (files or package(name)).items():
            file = source / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return source

    def copy(self, name, **changed):
        """The same of what is served, but for some files"""
        source = self.home / name
        shutil.copytree(self.live, source)
        for path, content in changed.items():
            (source / path).write_text(content)
        return source

    def tree(self, version):
        """Where the files of one are that is kept"""
        return self.area / version / 'tree'

    def serves(self):
        """What is served, {path: content}, without what is not shown"""
        return read(self.live)

    def tidy(self):
        """The states; no drain is left, nor more than versions in the area"""
        assert self.drain.records() == {}
        versions = dict(self.list())
        names = {path.name for path in self.area.iterdir()}
        assert names - {'history', '.lock'} == versions.keys()
        return list(versions.values())


def package(stamp):
    """Files that bear a stamp, so that half of each can be told"""
    return {'tool.exe': stamp, 'lib/a.dll': stamp, 'lib/b.dll': stamp}


def read(directory):
    """{path: content} of a directory"""
    return {str(path.relative_to(directory)): path.read_text()
            for path in directory.rglob('*')
            if path.is_file()
            and '.smbdrain' not in path.relative_to(directory).parts}


def complaint(done):
    """The one line of standard error with which a call failed"""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, 'not one line: %r' % done.stderr
    assert lines[0].startswith('smbdrain-update: '), lines[0]
    return lines[0].removeprefix('smbdrain-update: ')


def session(process):
    """The pids in the session of what start() gave"""
    done = subprocess.run(['ps', '-o', 'pid=', '-s', str(process.pid)],
                          capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


def kill_session(process, timeout=10):
    """As a power failure would: it, and all that it has started"""
    def gone():
        for pid in session(process):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        return process.poll() is not None and not session(process)
    wait_until(gone, timeout, 'end of the session', 0.01)
