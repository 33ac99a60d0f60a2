"""The parts of smbdrain-update: each is small, and calls only parts before
it."""

import os
import re
from pathlib import Path

from lib.drain import BUILD

SOURCE = Path(os.environ['DRAIN_TOP'], 'source/update')
MOST_LINES = 200

# Where a command begins: at the start of a line, after a word or sign of the
# shell, or after a function that runs its arguments
_BEGIN = (r'(?:^|[;|&({!]|'
          r'\b(?:if|then|else|elif|while|until|do|tried|trap)\b)\s*')


def script():
    """The installed script"""
    return Path(BUILD, 'smbdrain-update').read_text(encoding='utf-8')


def parts():
    """{name: text}, in the order of the installed script"""
    texts = {path.stem: path.read_text(encoding='utf-8').strip()
             for path in SOURCE.glob('*.sh')}
    joined = script()
    return dict(sorted(texts.items(), key=lambda part: joined.index(part[1])))


def functions(text):
    """The functions that a part defines"""
    return re.findall(r'^([a-z_]+)\(\)$', text, re.MULTILINE)


def calls(text, function):
    """Return true if the text calls the function; patterns of case do not
    count"""
    code = re.sub(r'(?m)^\s*#.*', '', text)
    code = re.sub(r'(?ms)<<-END\n.*?^\tEND$', '', code)
    code = re.sub(r'(?m)^\s*\w+( \| \w+)*\)', ';', code)
    return re.search(rf'{_BEGIN}{function}(?![\w=-]| =|\(\))', code,
                     re.MULTILINE)


def test_size():
    """No part has more than MOST_LINES lines"""
    assert len(parts()) > 10
    assert {name: text.count('\n') for name, text in parts().items()
            if text.count('\n') >= MOST_LINES} == {}


def test_no_function_twice():
    """A second definition would silently replace the first"""
    names = functions(script())
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))


def test_layers():
    """A part calls only its own functions and those of parts before it"""
    assert calls(parts()['main'], 'update')
    later = {}
    for name, text in reversed(parts().items()):
        upward = [function for function in later if calls(text, function)]
        assert upward == [], (name, [later[function] for function in upward])
        later.update((function, name) for function in functions(text))
