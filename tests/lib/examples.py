"""Examples of the manuals and of docs/tasks.md, to be run as they are written.

They are about a share [pkg] in /srv/pkg, with a package office.
"""

import contextlib
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from lib.drain import BUILD, TIMEOUT

TOP = Path(os.environ['DRAIN_TOP'])

# What an administrator types, for the smb.conf of a private server
_WRAPPER = '''#!/bin/sh
SMBDRAIN={build}/smbdrain exec {build}/{name} -s {conf} "$@"
'''
# What is not here: it writes down what it was called with, and told
_STANDIN = '''#!/bin/sh
{{ echo {name} "$@"; cat; }} >>{log}
{script}
'''


def of_manual(page):
    """The listings of its EXAMPLES"""
    root = ElementTree.parse(TOP / 'docs' / 'manpages' / f'{page}.xml')
    section = next(section for section in root.iter('refsect1')
                   if section.findtext('title') == 'EXAMPLES')
    return [listing.text.strip('\n')
            for listing in section.iter('programlisting')]


def of_tasks(heading):
    """The first listing below this heading"""
    text = (TOP / 'docs' / 'tasks.md').read_text()
    _, _, text = text.partition(f'## {heading}\n')
    return re.search(r'^```\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)[1]


@contextlib.contextmanager
def own_directory(path):
    """An empty one is there meanwhile: we are in a mount namespace"""
    path = Path(path)
    made = [parent for parent in (path, *path.parents)
            if not parent.exists()]
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'drain', path],
                   check=True)
    try:
        yield path
    finally:
        subprocess.run(['umount', '--lazy', path], check=True)
        for directory in made:
            directory.rmdir()


class Desk:
    """A shell with the programs for one server, and stand-ins for others"""

    def __init__(self, server, home):
        self.bin = home / 'bin'
        self.bin.mkdir()
        self.log = home / 'log'
        for name in 'smbdrain', 'smbdrain-update':
            self._program(name, _WRAPPER.format(build=BUILD, name=name,
                                                conf=server.conf))

    def _program(self, name, text):
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def stand_in(self, name, script='true'):
        """A program that notes what it was told, and then runs this"""
        self._program(name, _STANDIN.format(name=name, script=script,
                                            log=self.log))

    def noted(self):
        """All that stand-ins were told"""
        return self.log.read_text() if self.log.exists() else ''

    def start(self, script, **environment):
        """As if it was typed, in /srv; it ends with the first that fails"""
        return subprocess.Popen(
            ['sh', '-e', '-c', script], cwd='/srv', text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment,
                 'PATH': f'{self.bin}:{os.environ["PATH"]}'})

    def run(self, script, **environment):
        """The same, to the end; what it prints"""
        process = self.start(script, **environment)
        out, err = process.communicate(timeout=TIMEOUT)
        assert process.returncode == 0, (script, out, err)
        return out
