"""The script and the units pass the checks of their tools."""

import os
import re
import subprocess
from pathlib import Path

from lib.manager import TOP, example
from lib.update import BUILD

UNITS = {'smbdrain-update@.service': 'smbdrain-update@office.service',
         'smbdrain-update@.timer': 'smbdrain-update@office.timer',
         'smbdrain-update-recover.service':
             'smbdrain-update-recover.service',
         'smbdrain@.service': 'smbdrain@pkg-office.service',
         'smbdrain-resume@.service': 'smbdrain-resume@pkg-office.service'}


def checked(*words):
    """The exit status and output of a checker"""
    done = subprocess.run(words, capture_output=True, text=True, timeout=50,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def test_syntax():
    """sh can parse the script"""
    script = os.path.join(BUILD, 'smbdrain-update')
    assert checked('sh', '-n', script) == (0, '')


def test_shellcheck():
    """shellcheck accepts all scripts"""
    scripts = [os.path.join(BUILD, 'smbdrain-update'), TOP / '.ci' / 'run',
               *(TOP / 'source' / 'build').glob('*.sh'),
               *(TOP / 'tests' / 'run').glob('*.sh'),
               *(TOP / 'source' / 'ctdb').glob('*.script'),
               *(TOP / 'source' / 'debian').glob('*.p*')]
    assert len(scripts) > 5
    assert checked('shellcheck', *scripts) == (0, '')


def test_units(tmp_path):
    """systemd accepts the units of one package, with the script that was
    built"""
    paths = []
    for name, instance in UNITS.items():
        text = (Path(BUILD) / name).read_text()
        assert not re.search('@[A-Z]+@', text)
        paths.append(tmp_path / instance)
        paths[-1].write_text(re.sub('/usr/s?bin/smb', f'{BUILD}/smb', text))
    paths.append(tmp_path / 'update-office.service')
    paths[-1].write_text(example().replace('/usr/local/sbin/update-office',
                                           '/bin/true'))
    assert checked('systemd-analyze', 'verify', '--man=no',
                   *map(str, paths)) == (0, '')
