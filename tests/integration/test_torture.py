"""Drains while things break, and what decides whether all held."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from torture.checker import PATIENCE, Checker
from torture.killer import schedule

SCRIPT = Path(__file__).resolve().parents[1] / 'torture' / 'torture.py'

# From 10 to 50; quiescent from 30 to 40
DRAIN = {'target': 'all/sub', 'begun': 10, 'armed': 20, 'quiescent': 30,
         'ending': 40, 'ended': 50, 'grace': False, 'mended': False,
         'waits': [(20, 30)]}


def opened(sent, end, proof=None, **more):
    """An open of a package in the target, granted at once"""
    return {'what': 'open', 'client': 1, 'exempt': False, 'counts': True,
            'package': 'sub/p6', 'sent': sent, 'answered': sent + 1,
            'status': 'SUCCESS', 'proof': proof or end, 'end': end,
            'durable': False, 'returned': False, **more}


def refused(sent, **more):
    """The same, but refused"""
    return opened(sent, sent + 1, status='SHARING_VIOLATION', **more)


def rules(facts, **drain):
    """Those that were violated"""
    found = Checker(facts, [{**DRAIN, **drain}]).check().violations
    return [violation.partition(':')[0] for violation in found]


# -- what is right

@pytest.mark.parametrize('fact', [
    opened(1, 5), opened(1, 15), opened(5, 28), opened(18, 29),
    opened(39.5, 60), opened(45, 60), opened(51, 60),
    refused(9), refused(15), refused(35), refused(49),
    opened(25, 38, package='p0'), opened(25, 38, exempt=True),
    opened(25, 38, counts=False), opened(1, 45, proof=29),
    opened(25, 38, status='LOST', answered=None),
    opened(25, 38, status='OBJECT_NAME_NOT_FOUND')], ids=str)
def test_all_is_well(fact):
    """Nothing is known to be wrong of what may have happened in time"""
    assert rules([fact]) == []


def test_grace_is_for_those_who_hold_something():
    """And for nobody else"""
    late, held = opened(21, 26), opened(5, 24)
    assert rules([late, held], grace=True) == []
    assert rules([late], grace=True) == ['S1']
    assert rules([late, {**held, 'client': 2}], grace=True) == ['S1']
    assert rules([late, held]) == ['S1']


def test_nobody_was_told_that_it_is_quiescent():
    """Then handles may be there"""
    assert rules([opened(1, 35)], quiescent=None) == []


# -- what is not

@pytest.mark.parametrize('rule,fact', [
    ('S1', opened(20, 25)), ('S1', opened(25, 28)),
    ('S1', refused(25, exempt=True)), ('S1', refused(25, counts=False)),
    ('S2', opened(1, 35)), ('S2', opened(1, 60)), ('S2', opened(19, 31)),
    ('S2', opened(1, 60, proof=31)), ('S2', opened(1, 45, durable=True)),
    ('S4', refused(1)), ('S4', refused(51)), ('S4', refused(35, package='p0')),
    ('S4', opened(35, 80, status='UNANSWERED', answered=None)),
    ('S4', {'what': 'silence', 'client': 1, 'at': 60, 'why': ''})], ids=str)
def test_a_violation_is_found(rule, fact):
    """Each by its rule"""
    assert rules([fact]) == [rule]


def test_opens_while_quiescent():
    """Both should not have been"""
    assert rules([opened(32, 36)]) == ['S1', 'S2']


def test_waits_without_a_holder():
    """As long as somebody may be there nobody is late"""
    end = 30 + PATIENCE
    later = {'waits': [(20, end + 5)], 'quiescent': None, 'ending': 90,
             'ended': 90}
    assert rules([], **later) == ['S3']
    assert rules([opened(1, 27)], **later) == ['S3']
    assert rules([opened(1, 36)], **later) == []
    assert rules([opened(1, 33)], **later) == ['S3']
    assert rules([opened(1, 33, durable=True)], **later) == []


def test_half_of_each_version():
    """Nobody but who is exempt may see that"""
    run = {'what': 'run', 'client': 1, 'exempt': False, 'package': 'p0',
           'began': 1, 'ended': 2, 'versions': ['version 1']}
    assert rules([run]) == []
    torn = {**run, 'versions': ['version 1', 'version 2']}
    assert rules([torn]) == ['S5']
    assert rules([{**torn, 'exempt': True}]) == []


# -- all of it

def test_a_seed_has_one_schedule():
    """And another seed another one"""
    first, again, other = (list(itertools.islice(schedule(seed), 50))
                           for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.time_limit(240)
@pytest.mark.no_memcheck('drives the tool and smbd in real time')
def test_torture():
    """A short one; more by ./waf torture"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    done = subprocess.run([sys.executable, SCRIPT, '25', '--seed=9'],
                          capture_output=True, text=True, timeout=220,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == '0 violations', done.stdout
    assert re.search(r'because the disk was full: \d', done.stdout)
