"""The model of the protocol: its page names code that is there.

What the model shows is in test_model_sizes.py and test_model_mutants.py.
"""

import os
import re
from pathlib import Path

from run import model

TOP = Path(os.environ['DRAIN_TOP'])

PAGE = (TOP / 'docs/model/README.md').read_text(encoding='utf-8')
PROMELA = (TOP / 'docs/model/drain.pml').read_text(encoding='utf-8')


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
