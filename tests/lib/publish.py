"""A package, and a prepared directory that is to take its place."""

import subprocess

from lib.drain import complaint


class Package:
    """A server with a package, and a new version of it beside the shares"""

    def __init__(self, server, drain, name='app'):
        self.server = server
        self.drain = drain
        self.target = f'pkg/{name}'
        self.path = server.share_path('pkg') / name
        self.new = server.base / 'stage' / 'new'
        self.write(self.path, 'old')
        self.write(self.new, 'new')

    @staticmethod
    def write(directory, version):
        """Files that all say the same version"""
        (directory / 'bin').mkdir(parents=True)
        for name in ('tool.exe', 'bin/library.dll', f'only-{version}'):
            (directory / name).write_text(version)
        subprocess.run(['chmod', '-R', 'a+rX', directory], check=True)

    def version(self, directory=None):
        """Of all files in a directory, which is whole"""
        directory = directory or self.path
        version = (directory / 'tool.exe').read_text()
        assert (directory / 'bin/library.dll').read_text() == version
        assert {entry.name for entry in directory.iterdir()} == {
            'tool.exe', 'bin', f'only-{version}'}
        return version

    def id(self):
        """Of the drain that is in force"""
        return self.drain.status(self.target)['drains'][0]['id']

    def quiesce(self):
        """Begin a drain and wait; its id"""
        self.drain.begin(self.target, '--wait')
        return self.id()

    def publish(self, *options, new=None, target=None, **keywords):
        """With the id of a drain of one's own, unless it is in the options"""
        return self.drain.call('publish', target or self.target,
                               str(new or self.new), *options, **keywords)

    def refused(self, *options, expect=1, **keywords):
        """The one line with which it fails; nothing was changed"""
        done = self.publish(*options, expect=expect, **keywords)
        assert done.stdout == ''
        assert self.version() == 'old'
        return complaint(done)
