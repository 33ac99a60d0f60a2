"""The parts of which the build makes smbdrain-update: small, in layers, and all
of them in the script."""

import os
import re
from pathlib import Path

from lib.drain import BUILD

SOURCE = Path(os.environ['DRAIN_TOP'], 'source/update')
MOST_LINES = 200

# Where a command begins: of a line, after a word or sign of the shell, or after
# one of our functions that runs its arguments
_BEGIN = r'(?:^|[;|&({!]|\b(?:if|then|else|elif|while|until|do|tried|trap)\b)\s*'


def script():
    """What is installed"""
    return Path(BUILD, 'smbdrain-update').read_text(encoding='utf-8')


def parts():
    """{name: text} in the order in which they are joined"""
    texts = {path.stem: path.read_text(encoding='utf-8').strip()
             for path in SOURCE.glob('*.sh')}
    joined = script()
    return dict(sorted(texts.items(), key=lambda part: joined.index(part[1])))


def functions(text):
    """Those that it defines"""
    return re.findall(r'^([a-z_]+)\(\)$', text, re.MULTILINE)


def calls(text, function):
    """Whether it calls a function; a pattern of a case is no call"""
    code = re.sub(r'(?m)^\s*#.*', '', text)
    code = re.sub(r'(?ms)<<-END\n.*?^\tEND$', '', code)
    code = re.sub(r'(?m)^\s*\w+( \| \w+)*\)', ';', code)
    return re.search(rf'{_BEGIN}{function}(?![\w=-]| =|\(\))', code, re.MULTILINE)


def test_size():
    """Each can be read at once"""
    assert len(parts()) > 10
    assert {name: text.count('\n') for name, text in parts().items()
            if text.count('\n') >= MOST_LINES} == {}


def test_no_function_twice():
    """The shell would silently take the last one"""
    names = functions(script())
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))


def test_layers():
    """A part calls only itself and parts that come before it"""
    assert calls(parts()['main'], 'update')
    later = {}
    for name, text in reversed(parts().items()):
        upward = [function for function in later if calls(text, function)]
        assert upward == [], (name, [later[function] for function in upward])
        later.update((function, name) for function in functions(text))
