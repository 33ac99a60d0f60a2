"""What the packages are made from fits the rest; ./waf check-deb makes them."""

import os
import re
import subprocess
from pathlib import Path

TOP = Path(os.environ['DRAIN_TOP'])
DEBIAN = TOP / 'source' / 'debian'


def test_version():
    """That of the programs"""
    said = subprocess.run(
        [Path(os.environ['DRAIN_BUILD']) / 'smbdrain-update', '--version'],
        text=True, check=True, capture_output=True, timeout=30).stdout
    first = (DEBIAN / 'changelog').read_text(encoding='utf-8').splitlines()[0]
    assert re.match(r'smbdrain \((.*)\)', first)[1] == said.split()[-1]


def test_build_dependencies():
    """./waf installs them all"""
    control = (DEBIAN / 'control').read_text(encoding='utf-8')
    wanted = re.search(r'^Build-Depends:(.*?)^\S', control, re.M | re.S)[1]
    names = {re.match('[a-z0-9.+-]+', word.strip())[0]
             for word in wanted.split(',')} - {'debhelper-compat'}
    setup = (TOP / 'source' / 'build' / 'setup.sh').read_text(encoding='utf-8')
    lists = re.findall(r'^\w+_packages=["\'](.*?)["\']$', setup, re.M | re.S)
    assert len(names) > 10
    assert names - set(' '.join(lists).split()) == set()
