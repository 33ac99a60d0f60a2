"""The model of the protocol: what is promised holds, and no mutant survives.

And the page about it names code that is there.
"""

import os
import re
from pathlib import Path

import pytest

from run import model

TOP = Path(os.environ['DRAIN_TOP'])

# Some seconds of a processor, which many others may want too
pytestmark = pytest.mark.time_limit(model.LONGEST)

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


@pytest.mark.parametrize(('mutant', 'size'), [
    (mutant, size) for mutant, sizes in model.HARMLESS.items()
    for size in sizes])
def test_harmless(mutant, size):
    """What is said to be there twice over is so"""
    result = model.check(model.SIZES[size], 'MUTANT_' + mutant)
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


def _table(first):
    """Of the tables of steps: the first column, functions and files"""
    for line in PAGE.splitlines():
        row = re.fullmatch(rf'\| ({first}) \| (.*?) \| (.*) \|', line)
        if row:
            yield (row.group(1),
                   re.findall(r'`(\w+)\(\)`', row.group(2)),
                   re.findall(r'`([\w/]+\.c)`', row.group(3)))


STEPS = list(_table(r'`\w+\(\)`.*?'))
EVENTS = list(_table(r'(?:smbd|tool|world): .*?'))


def test_page_names_code_that_is_there():
    """Each function in one of the files of its row"""
    assert len(STEPS) > 15 and len(EVENTS) > 15
    for _, functions, files in STEPS + EVENTS:
        assert functions and files
        texts = [(TOP / 'source' / file).read_text(encoding='utf-8')
                 for file in files]
        for name in functions:
            assert any(re.search(rf'^[\w *]*\b{name}\(', text, re.M)
                       for text in texts), f'{name}() is not in {files}'


def test_page_explains_all_steps():
    """Each inline of the model has a row"""
    explained = {name for steps, _, _ in STEPS
                 for name in re.findall(r'`(\w+)\(\)`', steps)}
    steps = set(re.findall(r'^inline (\w+)\(', PROMELA, re.M))
    assert steps == explained


def _process(name):
    return re.search(rf'^proctype {name}\(.*?^}}', PROMELA, re.M | re.S)[0]


def test_page_explains_all_events():
    """Each option of smbds and of the world, and each label of a tool"""
    events = set()
    for name, indent in (('smbd', '\t\t'), ('world', '\t')):
        body = _process(name)
        named = re.findall(rf'^{indent}/\* ({name}: .*) \*/\n{indent}:: ',
                           body, re.M)
        assert len(named) == len(re.findall(rf'^{indent}:: ', body, re.M))
        events |= set(named)
    events |= {'tool: ' + label
               for label in re.findall(r'^(\w+):', _process('tool'), re.M)}
    assert events == {event for event, _, _ in EVENTS}


def test_page_says_how_large():
    """One row for each size that is looked at here, and none that is not so"""
    rows = re.findall(r'^\| ([\w ]+) \| `([A-Z0-9_= ]+)` \| \d+ \| \d+ '
                      r'\| (complete|given up) \|$', PAGE, re.M)
    sizes = {name: model.shown(size) for name, size in model.SIZES.items()}
    deep = {'deep ' + name: model.shown(size)
            for name, size in model.DEEP_SIZES.items()}
    assert sizes == {name: size for name, size, end in rows
                     if name in sizes and end == 'complete'}
    assert all((sizes | deep)[name] == size for name, size, _ in rows)
