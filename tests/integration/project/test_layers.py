"""A layer uses only the layers below it, and the command finds what is wrong."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(os.environ['DRAIN_TOP'])
BUILD = Path(os.environ['DRAIN_BUILD'])
SCRIPT = TOP / 'tests/run/layers.py'

ERROR = 'source/tool/base/error'
HOLDERS = 'source/tool/smbd/holders'


def layers(top, build):
    """The command, on a tree and what was built of it"""
    return subprocess.run([sys.executable, SCRIPT, top, build], text=True,
                          timeout=60, capture_output=True, check=False)


def found(top, build):
    """What the command says of a tree that is not in order"""
    done = layers(top, build)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(name='copy')
def _copy(tmp_path):
    """Of the sources; the objects are those of the tree"""
    for folder in ('source', 'include'):
        shutil.copytree(TOP / folder, tmp_path / folder)
    return tmp_path


def add_line(path, line):
    """At the end of a file"""
    with path.open('a', encoding='utf-8') as file:
        file.write(line + '\n')


def add_object(build, name, source):
    """An object, as if it were made of a file of the tree"""
    target = build / f'{name}.c.1.o'
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(['gcc', '-c', '-x', 'c', '-', '-o', target], text=True,
                   input=source, timeout=30, check=True)


def test_order():
    """Of this tree: no circle, and nothing that looks up"""
    done = layers(TOP, BUILD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ('0 circles of files, 0 circles of folders, '
            '0 uses of a layer that is not below') in done.stdout


def test_header_of_a_higher_layer(copy):
    """It is named, and who includes it"""
    add_line(copy / f'{ERROR}.c', '#include "verb/verb.h"')
    assert (f'{ERROR} uses source/tool/verb/verb: error.c includes verb/verb.h'
            in found(copy, BUILD))


def test_header_of_the_module_in_the_tool(copy):
    """Neither is below the other"""
    add_line(copy / 'source/module/new.h', '')
    add_line(copy / f'{ERROR}.c', '#include "new.h"')
    assert f'{ERROR} uses source/module/new' in found(copy, BUILD)


def test_samba_in_the_core(copy):
    """It is compiled without Samba's headers"""
    add_line(copy / 'source/core/text.c', '#include "drain/samba_compat.h"')
    assert ('source/core/text uses include/drain/samba_compat'
            in found(copy, BUILD))


def test_circle_of_files(copy):
    """In one folder"""
    add_line(copy / 'source/core/text.c', '#include "drain/duration.h"')
    add_line(copy / 'source/core/duration.c', '#include "drain/text.h"')
    assert ('circle: source/core/duration, source/core/text'
            in found(copy, BUILD))


def test_circle_of_folders(copy):
    """That are on one level"""
    add_line(copy / 'source/tool/samba/below.c', '#include "output/json.h"')
    add_line(copy / 'source/tool/output/notify.c', '#include "samba/below.h"')
    assert ('circle: source/tool/output, source/tool/samba'
            in found(copy, BUILD).splitlines())


def test_symbol_of_a_higher_layer(tmp_path):
    """Without any header: what the objects have tells it"""
    add_object(tmp_path, HOLDERS, 'void holders(void) {}')
    add_object(tmp_path, ERROR,
               'void holders(void); void error(void) { holders(); }')
    assert (f'{ERROR} uses {HOLDERS}: it needs holders'
            in found(TOP, tmp_path))


def test_nothing_built(tmp_path):
    """Then half of it could not be looked at"""
    done = layers(TOP, tmp_path)
    assert done.returncode == 1
    assert 'build first' in done.stderr
