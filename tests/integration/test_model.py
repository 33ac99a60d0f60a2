"""The model of the protocol: what is promised holds, and no mutant survives.

And the page about it names code that is there.
"""

import re
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(TOP / 'source' / 'build'))

import model  # noqa: E402 pylint: disable=wrong-import-position

PAGE = (TOP / 'docs/model/README.md').read_text(encoding='utf-8')
PROMELA = (TOP / 'docs/model/drain.pml').read_text(encoding='utf-8')


@pytest.mark.parametrize('size', model.SIZES)
def test_all_holds(size):
    """In all states of that size"""
    result = model.check(model.SIZES[size])
    assert result.complete, result.text[-2000:]
    assert result.states > 1000


@pytest.mark.parametrize('mutant', model.MUTANTS)
def test_mutant_is_caught(mutant):
    """By the property that it breaks, in a size where all holds without it"""
    result = model.check_mutant(mutant)
    assert result.broken == model.MUTANTS[mutant][1], result.text[-2000:]


@pytest.mark.parametrize('mutant', model.HARMLESS)
def test_harmless(mutant):
    """What is said to be there twice over is so"""
    result = model.check(model.SIZES[model.HARMLESS[mutant]],
                         'MUTANT_' + mutant)
    assert result.complete, result.text[-2000:]


def test_an_open_may_be_granted_while_it_arms():
    """By an smbd that has not heard of it yet: S1 is about armed, not arming"""
    result = model.check(model.SIZES['smbds'], 'EXPECT_CLOSED_WHILE_ARMING')
    assert result.broken == 'arming_means_closed'


def test_what_is_given_up_is_not_complete():
    """As pan says it, at the end of its time"""
    result = model.Result('Time limit of 2 minutes exceeded\n'
                          'State-vector 124 byte, depth 8338, errors: 0\n'
                          '  1000000 states, stored\n', None)
    assert result.given_up and not result.complete
    assert str(result) == '1000000 states, all hold in those; ' \
                          'it has more than that'


def test_all_mutants_are_there():
    """Those of the model are those of the list, and of the page"""
    names = set(re.findall(r'MUTANT_(\w+)', PROMELA))
    assert names == set(model.MUTANTS) | set(model.HARMLESS)
    assert names <= set(re.findall(r'[A-Z_]{5,}', PAGE))


def _rows():
    """Of the table of steps: those of the model, and functions by file"""
    for line in PAGE.splitlines():
        row = re.fullmatch(r'\| (`\w+\(\)`.*?) \| (.*?) \| (.*) \|', line)
        if row:
            yield (re.findall(r'`(\w+)\(\)`', row.group(1)),
                   re.findall(r'`(\w+)\(\)`', row.group(2)),
                   re.findall(r'`([\w/]+\.c)`', row.group(3)))


def test_page_names_code_that_is_there():
    """Each function in one of the files of its row"""
    rows = list(_rows())
    assert len(rows) > 15
    for _, functions, files in rows:
        assert functions and files
        texts = [(TOP / 'source' / file).read_text(encoding='utf-8')
                 for file in files]
        for name in functions:
            assert any(re.search(rf'^[\w *]*\b{name}\(', text, re.M)
                       for text in texts), f'{name}() is not in {files}'


def test_page_explains_all_steps():
    """Each inline of the model has a row"""
    explained = {name for steps, _, _ in _rows() for name in steps}
    steps = set(re.findall(r'^inline (\w+)\(', PROMELA, re.M))
    assert steps == explained
