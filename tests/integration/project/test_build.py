"""The build: module, tool, source and the installed Samba have to fit.

And .ci/run, with a stand-in for waf: each thing that is wrong makes it fail.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lib.drain import BUILD
from lib.smbd import SMBD

TOP = Path(os.environ['DRAIN_TOP'])

sys.path.insert(0, str(TOP / 'source' / 'build'))

# pylint: disable=wrong-import-position
import headers  # noqa: E402 (needs the path above)
import symcheck  # noqa: E402

MODULE = os.path.join(BUILD, 'drain.so')
TOOL = os.path.join(BUILD, 'smbdrain')


def output(*command, **options):
    """What a command prints"""
    return subprocess.run(command, text=True, check=True, timeout=30,
                          capture_output=True, **options).stdout


# -- what smbd offers

def test_smbd_has_all_that_the_module_calls():
    """As the build has checked"""
    assert symcheck.unresolved(MODULE, SMBD) == []


def test_symbol_that_smbd_lacks(tmp_path):
    """It is named; what smbd has is not"""
    library = tmp_path / 'library.so'
    output('gcc', '-shared', '-fPIC', '-x', 'c', '-', '-o', str(library),
           input='void no_such_call(void); void become_root(void);'
                 'void f(void) { no_such_call(); become_root(); }')
    assert symcheck.unresolved(str(library), SMBD) == ['no_such_call']


@pytest.mark.parametrize('built', [MODULE, TOOL], ids=os.path.basename)
def test_no_version_of_samba_is_needed(built):
    """A security update has other versions of private symbols"""
    assert 'GLIBC_' in output('readelf', '-V', built)
    assert 'SAMBA' not in output('readelf', '-V', built).upper()
    assert 'SAMBA_4' in output('readelf', '-V', SMBD)


# -- the source and the installed smbd

def installed_source():
    """Where the source is that this build was made with"""
    return Path(headers.read(os.path.join(BUILD, 'samba', 'stamp'))
                .splitlines()[-1])


def test_source_of_another_release(tmp_path):
    """configure fails, in a sentence that names both"""
    shutil.copy(TOP / 'waf', tmp_path)
    shutil.copy(TOP / 'wscript', tmp_path)
    for part in 'source', 'tests':
        (tmp_path / part).symlink_to(TOP / part)
    source = tmp_path / 'samba'
    source.mkdir()
    (source / 'third_party').symlink_to(installed_source() / 'third_party')
    numbers = dict(headers.version_numbers(installed_source()))
    numbers['RELEASE'] = int(numbers['RELEASE']) + 1
    (source / 'VERSION').write_text(''.join(
        f'SAMBA_VERSION_{name}={number}\n'
        for name, number in numbers.items()), encoding='ascii')
    done = subprocess.run(
        ['./waf', 'configure'], cwd=tmp_path, text=True, timeout=30,
        env={**os.environ, 'SAMBA_SOURCE': str(source)}, check=False,
        capture_output=True)
    assert done.returncode != 0
    other = '.'.join(str(number) for number in numbers.values())
    assert (f'The source in {source} is of Samba {other}, but the installed '
            f'smbd is {headers.smbd_version(SMBD)}' in done.stderr)


def test_smbd_that_was_replaced(tmp_path):
    """What was made for the old one is made anew"""
    smbd = tmp_path / 'smbd'
    smbd.write_text('#!/bin/sh\necho Version 4.17.12\n', encoding='ascii')
    smbd.chmod(0o755)
    made = tmp_path / 'made'
    header, stamp = made / 'config.h', made / 'stamp'

    headers.start_afresh(str(made), str(smbd), 'source')
    header.touch()
    headers.start_afresh(str(made), str(smbd), 'source')
    assert not headers.stamp_is_stale(str(stamp), 'source')
    assert header.exists()

    os.utime(smbd, (1, 1))
    assert headers.stamp_is_stale(str(stamp), 'source')
    headers.start_afresh(str(made), str(smbd), 'source')
    assert not header.exists()
    assert not headers.stamp_is_stale(str(stamp), 'source')
    assert headers.stamp_is_stale(str(stamp), 'other source')


# -- .ci/run

PASSES = 'echo "5 passed, 0 failed"'

WRONG = {
    'a test fails': ('echo "4 passed, 1 failed"; exit 1',
                     '4 passed, 1 failed'),
    'no test is run': ('exit 1', '0 passed, 1 failed'),
    'warning': (f'echo "x.c:1:1: warning: unused"; {PASSES}',
                '5 passed, 1 failed'),
    'panic': ('mkdir -p build/tests/it-1/log; '
              f'echo "PANIC: x" >build/tests/it-1/log/smbd.log; {PASSES}',
              '5 passed, 1 failed'),
    'leftover': (f'touch left; {PASSES}', '5 passed, 1 failed'),
    'leftover in a directory': (f'mkdir a; touch a/left; {PASSES}',
                                '5 passed, 1 failed'),
    'changed file': (f'echo >>.gitignore; {PASSES}', '5 passed, 1 failed'),
}


@pytest.fixture(name='ci')
def _ci(tmp_path):
    """``ci(check)``: .ci/run in a repository whose `waf check` is that"""
    def run(check):
        shutil.copytree(TOP / '.ci', tmp_path / '.ci')
        shutil.copy(TOP / '.gitignore', tmp_path)
        waf = tmp_path / 'waf'
        waf.write_text(f'#!/bin/sh\n[ "$1" = check ] || exit 0\n{check}\n',
                       encoding='ascii')
        waf.chmod(0o755)
        git = ['git', '-c', 'user.name=ci', '-c', 'user.email=ci', '-C',
               str(tmp_path)]
        output(*git, 'init', '-q')
        output(*git, 'add', '-A')
        output(*git, 'commit', '-q', '-m', 'all')
        return subprocess.run([tmp_path / '.ci' / 'run'], text=True,
                              capture_output=True, timeout=30, check=False)

    return run


def test_ci_passes(ci):
    """What the build makes itself is no leftover"""
    done = ci(f'mkdir -p build .cache; touch build/x .cache/y; {PASSES}')
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == '5 passed, 0 failed'


@pytest.mark.parametrize('check, count', WRONG.values(), ids=WRONG)
def test_ci_fails(ci, check, count):
    """It says so, and its last line counts it"""
    done = ci(check)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == count
