"""Makes Debian packages of a tree.

That takes a copy of it: dpkg-buildpackage wants debian/ at the top, and leaves
things in there.
"""

import glob
import os
import shutil
import subprocess

# What packages are made of
PARTS = ('README.md', 'docs', 'include', 'source', 'tests', 'waf', 'wscript')


class PackageError(Exception):
    """One line that says why there are none"""


def copy_tree(top, place):
    os.makedirs(place)
    for part in PARTS:
        source, target = os.path.join(top, part), os.path.join(place, part)
        if os.path.isdir(source):
            shutil.copytree(source, target, symlinks=True,
                            ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy2(source, target)
    os.rename(os.path.join(place, 'source', 'debian'),
              os.path.join(place, 'debian'))


def make(top, out):
    """Puts them into `out`, where nothing else is to be, and returns them"""
    shutil.rmtree(out, ignore_errors=True)
    place = os.path.join(out, 'tree')
    copy_tree(top, place)
    done = subprocess.call(['dpkg-buildpackage', '--build=binary', '--no-sign',
                            '--no-pre-clean'], cwd=place)
    if done != 0:
        raise PackageError('dpkg-buildpackage has made no packages')
    shutil.rmtree(place)
    return sorted(glob.glob(os.path.join(out, '*.deb')))
