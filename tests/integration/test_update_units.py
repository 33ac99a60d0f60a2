"""The script is good sh, and the units are good units."""

import os
import subprocess
from pathlib import Path

from lib.update import BUILD

TOP = Path(os.environ['DRAIN_TOP'])

UNITS = {'smbdrain-update@.service': 'smbdrain-update@office.service',
         'smbdrain-update@.timer': 'smbdrain-update@office.timer',
         'smbdrain-update-recover.service':
             'smbdrain-update-recover.service'}


def checked(*words):
    """What a checker has to say"""
    done = subprocess.run(words, capture_output=True, text=True, timeout=50,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def test_syntax():
    """Of the shell that scripts are run by here"""
    script = os.path.join(BUILD, 'smbdrain-update')
    assert checked('sh', '-n', script) == (0, '')


def test_shellcheck():
    """Has nothing to say, nor of the scripts of the build and of packages"""
    scripts = [os.path.join(BUILD, 'smbdrain-update'), TOP / '.ci' / 'run',
               *(TOP / 'source' / 'build').glob('*.sh'),
               *(TOP / 'source' / 'debian').glob('*.p*')]
    assert len(scripts) > 5
    assert checked('shellcheck', *scripts) == (0, '')


def test_units(tmp_path):
    """systemd understands them; of one package, and with the script that was
    built"""
    paths = []
    for name, instance in UNITS.items():
        text = (Path(BUILD) / name).read_text()
        assert '@SBINDIR@' not in text
        paths.append(tmp_path / instance)
        paths[-1].write_text(text.replace('/usr/sbin/', f'{BUILD}/'))
    assert checked('systemd-analyze', 'verify', '--man=no',
                   *map(str, paths)) == (0, '')
