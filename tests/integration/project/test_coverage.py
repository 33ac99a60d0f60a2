"""What is said not to be run is there, and the command finds what is wrong."""

import os
import re
from pathlib import Path

from run import coverage

TOP = Path(os.environ['DRAIN_TOP'])

PAGE = (TOP / 'docs/coverage.md').read_text(encoding='utf-8')
FILE = 'source/core/text.c'


def report(*counts):
    """Of a file with a function in line 1, and one in line 3"""
    return {'file': FILE,
            'functions': [{'lineno': 3, 'name': 'second'},
                          {'lineno': 1, 'name': 'first'}],
            'lines': [{'line_number': number, 'count': count,
                       'gcovr/noncode': False}
                      for number, count in enumerate(counts, 1)]}


def test_page_names_what_is_there():
    """Each function, in that file"""
    named = coverage.listed(PAGE)
    assert len(named) > 50
    for file, function in named:
        source = (TOP / file).read_text(encoding='utf-8')
        assert re.search(rf'\b{function}[(,]', source), (file, function)


def test_lines_belong_to_functions(monkeypatch):
    """To the last that began"""
    monkeypatch.chdir(TOP)
    assert list(coverage.lines_not_run(report(0, 1, 1, 0, 0))) == [
        ('first', 1), ('second', 4), ('second', 5)]


def test_complaints():
    """Of what is not on the page, and of what is there for nothing"""
    found = {(FILE, 'first'): [1], (FILE, 'second'): [4, 5]}
    page = f'## Why\n\n- {FILE}: first, second\n'
    assert not list(coverage.complaints(found, coverage.listed(page)))
    assert list(coverage.complaints(found, {(FILE, 'first'): False})) == [
        f'{FILE}: second: without a reason not run: 4, 5']
    del found[FILE, 'second']
    assert list(coverage.complaints(found, coverage.listed(page))) == [
        f'{FILE}: second: listed, but run whole']
    page = page.replace('Why', 'Races: now and then')
    assert not list(coverage.complaints(found, coverage.listed(page)))
