"""Drains while things break, and what decides whether all held."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from torture.checker import AFTERMATH, PATIENCE, QUIET_PATIENCE, Checker
from torture.client import WAYS as USES
from torture.client import uses
from torture.drainer import WAYS, cycles
from torture.killer import WEIGHTS, schedule

SCRIPT = Path(__file__).resolve().parents[2] / 'torture' / 'torture.py'

# From 10 to 50; quiescent from 30 to 40
DRAIN = {'target': 'all/sub', 'begun': 10, 'armed': 20, 'quiescent': 30,
         'ending': 40, 'ended': 50, 'grace': False, 'forced': False,
         'mended': False, 'waits': [(27, 30)], 'way': 'run', 'well': True}


def opened(sent, end, proof=None, **more):
    """An open of a package in the target, granted at once"""
    return {'what': 'open', 'client': 1, 'exempt': False, 'counts': True,
            'package': 'sub/p6', 'sent': sent, 'answered': sent + 1,
            'status': 'SUCCESS', 'proof': proof or end, 'end': end,
            'durable': False, 'returned': False, **more}


def refused(sent, **more):
    """The same, but refused"""
    return opened(sent, sent + 1, status='SHARING_VIOLATION', **more)


def told(sent, status, **more):
    """The same, but that was the answer"""
    return opened(sent, sent + 1, status=status, **more)


def failed(sent, at, status, of='use', **more):
    """A request for a handle that was opened then"""
    return opened(sent, at, what='failure', at=at, status=status, of=of,
                  **more)


def connected(began, status):
    """To a share"""
    return {'what': 'connect', 'client': 1, 'place': 'all', 'began': began,
            'ended': began + 1, 'status': status}


def lost(when):
    """A connection"""
    return {'what': 'loss', 'client': 1, 'at': when, 'why': '', 'port': 1}


def broken(what, began, ended, whom=None):
    """By the killer; an smbd is killed that serves one client"""
    return {'what': what, 'whom': [whom] if what == 'kill_smbd' else whom,
            'began': began, 'ended': ended}


def rules(facts, *faults, **drain):
    """Those that were violated"""
    found = Checker(facts, [{**DRAIN, **drain}], faults).check().violations
    return [violation.partition(':')[0] for violation in found]


# -- what is right

@pytest.mark.parametrize('fact', [
    opened(1, 5), opened(1, 15), opened(5, 28), opened(18, 29),
    opened(39.5, 60), opened(45, 60), opened(51, 60),
    refused(9), refused(15), refused(35), refused(49),
    opened(25, 38, package='p0'), opened(25, 38, exempt=True),
    opened(25, 38, counts=False), opened(1, 45, proof=29),
    opened(25, 38, status='LOST', answered=None),
    told(25, 'OBJECT_NAME_NOT_FOUND', exempt=True),
    told(25, 'OBJECT_PATH_NOT_FOUND', counts=False),
    failed(25, 28, 'END_OF_FILE', exempt=True),
    failed(1, 60, 'OBJECT_NAME_NOT_FOUND', 'return'),
    failed(1, 15, 'SHARING_VIOLATION', 'return'),
    connected(1, 'SUCCESS')], ids=str)
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
    ('S4', {'what': 'silence', 'client': 1, 'at': 60, 'why': ''}),
    ('S4', told(1, 'ACCESS_DENIED')), ('S4', told(25, 'ACCESS_DENIED')),
    ('S4', told(60, 'INSUFFICIENT_RESOURCES', exempt=True)),
    ('S4', failed(1, 5, 'FILE_CLOSED')), ('S4', failed(1, 35, 'FILE_CLOSED')),
    ('S4', failed(1, 5, 'SHARING_VIOLATION', 'return')),
    ('S4', failed(1, 5, 'INTERNAL_ERROR', 'return')),
    ('S4', connected(1, 'LOST')), ('S4', connected(25, 'BAD_NETWORK_NAME')),
    ('S4', connected(60, 'INSUFFICIENT_RESOURCES')), ('S4', lost(25)),
    ('S5', told(1, 'OBJECT_NAME_NOT_FOUND')),
    ('S5', told(25, 'OBJECT_NAME_NOT_FOUND')),
    ('S5', told(60, 'OBJECT_PATH_NOT_FOUND', exempt=True)),
    ('S5', told(1, 'OBJECT_NAME_NOT_FOUND', counts=False)),
    ('S5', failed(5, 28, 'END_OF_FILE'))], ids=str)
def test_a_violation_is_found(rule, fact):
    """Each by its rule"""
    assert rules([fact]) == [rule]


def test_handles_are_closed_by_force():
    """By nothing else"""
    for at in 25, 60:
        closed = failed(5, at, 'FILE_CLOSED')
        assert rules([closed], forced=True) == []
        assert rules([closed]) == ['S4']
    assert rules([failed(51, 60, 'FILE_CLOSED')], forced=True) == ['S4']


@pytest.mark.parametrize('fact,explains,not_enough', [
    (lost(25), ['kill_smbd', 'reset', 'reboot'],
     ['stop_smbd', 'kill_tool', 'stop_tool', 'kill_helper', 'fill', 'rest']),
    (connected(24, 'LOST'), ['kill_smbd', 'reset', 'reboot'],
     ['stop_smbd', 'fill', 'rest']),
    (connected(24, 'INTERNAL_ERROR'), ['reboot'],
     ['kill_smbd', 'reset', 'kill_tool', 'fill', 'rest']),
    (told(24, 'INTERNAL_ERROR'), ['reboot'], ['kill_smbd', 'fill', 'rest']),
    (told(24, 'OBJECT_NAME_NOT_FOUND'), [], WEIGHTS)], ids=str)
def test_what_faults_explain(fact, explains, not_enough):
    """For a while, and to whom it happened"""
    rule, = rules([fact])
    for what in explains:
        for began in 24, 25 - AFTERMATH:
            assert rules([fact], broken(what, began, began + .5, 1)) == []
        for began in 26, 23 - AFTERMATH:
            assert rules([fact], broken(what, began, began + .5, 1)) == [rule]
    for what in not_enough:
        assert rules([fact], broken(what, 24, 24.5, 1)) == [rule]
    assert rules([fact], broken('reset', 24, 24.5, 2)) == [rule]


def test_smbd_of_another_client_is_killed():
    """It explains no loss, so that an smbd that ends by itself is noticed"""
    assert rules([lost(25)], broken('kill_smbd', 24, 24.5, 2)) == ['S4']
    assert rules([lost(25)], broken('kill_smbd', 24, 24.5, 2),
                 broken('kill_smbd', 24, 24.5, 1)) == []


def test_reset_that_comes_late():
    """A client resets when it can, and may see the loss before that is over"""
    asked = broken('reset', 10, 10.1, 1)
    assert rules([lost(25)], asked) == ['S4']
    for client, began, violated in ((1, 24.9, []), (1, 25.1, ['S4']),
                                    (2, 24.9, ['S4'])):
        reset = {'what': 'reset', 'client': client, 'began': began,
                 'ended': 25.2}
        assert rules([reset, lost(25)], asked) == violated


def test_opens_while_quiescent():
    """Both should not have been"""
    assert rules([opened(32, 36)]) == ['S1', 'S2']


def test_waits_without_a_holder():
    """As long as somebody may be there nobody is late"""
    for patience, faults in ((PATIENCE, [broken('stop_smbd', 40, 41)]),
                             (QUIET_PATIENCE, []),
                             (QUIET_PATIENCE, [broken('rest', 1, 90)])):
        end = 30 + patience
        later = {'waits': [(20, end + 5)], 'quiescent': None, 'ending': 90,
                 'ended': 90}
        assert rules([], *faults, **later) == ['S3']
        assert rules([opened(1, 27)], *faults, **later) == ['S3']
        assert rules([opened(1, 36)], *faults, **later) == []
        assert rules([opened(1, 33)], *faults, **later) == ['S3']
        assert rules([opened(1, 33, durable=True)], *faults, **later) == []


def test_what_smbd_has_not_let_go():
    """When its client has come back, until the client is gone again"""
    late = {'waits': [(20, 60)], 'quiescent': None, 'ending': 90, 'ended': 90}
    kept = opened(12, 14, durable=True)

    def sessions(*times):
        return [{**connected(began, 'SUCCESS'), 'place': 'session'}
                for began in times]

    assert rules([kept, *sessions(1, 15)], **late) == []
    assert rules([kept, *sessions(1, 15, 61)], **late) == []
    assert rules([kept, *sessions(1, 15, 60 - QUIET_PATIENCE)], **late) == []
    assert rules([kept, *sessions(1, 15, 30)], **late) == ['S3']
    assert rules([kept, *sessions(1, 15, 30)],
                 broken('kill_smbd', 29, 30), **late) == []
    assert rules([kept, *sessions(1, 15, 29)],
                 broken('kill_smbd', 28, 29), **late) == ['S3']
    for other in (opened(12, 14), opened(2, 4, durable=True),
                  opened(12, 14, durable=True, returned=True)):
        assert rules([other, *sessions(1, 15)], **late) == ['S3']


def test_what_disturbs_a_wait():
    """All that was broken from shortly before the last holder was gone"""
    late = {'waits': [(5, 31 + QUIET_PATIENCE)], 'quiescent': None,
            'ending': 90, 'ended': 90}
    holder = opened(1, 30)
    assert rules([holder], **late) == ['S3']
    for what in set(WEIGHTS) - {'rest'} | {'stall'}:
        for began in 31, 29 - AFTERMATH:
            assert rules([holder], broken(what, began, began + 1.5),
                         **late) == []
    for began in 20, 60:
        assert rules([holder], broken('fill', began, began + 1),
                     **late) == ['S3']


@pytest.mark.parametrize('sent,since', [(51, 51), (12, 50), (39, 50)])
def test_answers_that_come_late(sent, since):
    """Though what was in their way has ended"""
    well = opened(sent, 80, answered=since + QUIET_PATIENCE - 1)
    late = opened(sent, 80, answered=since + QUIET_PATIENCE + 1)
    assert rules([well]) == []
    assert rules([late]) == ['S4']
    assert rules([late], broken('stop_smbd', since + 1, since + 2)) == []
    assert rules([late], broken('rest', since, since + 9)) == ['S4']


def test_half_of_each_version():
    """Nobody but who is exempt may see that"""
    run = {'what': 'run', 'client': 1, 'exempt': False, 'package': 'p0',
           'began': 1, 'ended': 2, 'versions': ['version 1']}
    assert rules([run]) == []
    torn = {**run, 'versions': ['version 1', 'version 2']}
    assert rules([torn]) == ['S5']
    assert rules([{**torn, 'exempt': True}]) == []


def test_what_is_counted():
    """Shows that something was done"""
    def counted(*facts, **drain):
        return Checker(facts, [{**DRAIN, **drain}]).check().counted

    found = counted(opened(1, 5), refused(25))
    assert found['drains that became quiescent'] == 1
    assert found['drains: run, gone well'] == 1
    assert found['waits when nothing was broken'] == 1
    assert found['opens: SHARING_VIOLATION'] == 1
    assert found['opens: refused before it was quiescent'] == 1
    none = counted(refused(15), armed=None, quiescent=None, well=False)
    assert none['drains'] == none['opens: SHARING_VIOLATION'] == 1
    for what in ('drains that became quiescent', 'drains: run, gone well',
                 'waits when nothing was broken',
                 'opens: refused before it was quiescent'):
        assert none[what] == 0


# -- all of it

# How often at least in two minutes: far less than a busy machine does. The rules
# say nothing where nothing was done.
FLOORS = {
    **{f'drains: {way}, gone well': 1 for way in WAYS},
    'drains that became quiescent': 50,
    'opens: SUCCESS': 100,
    'opens: SHARING_VIOLATION': 100,
    'opens: refused before it was quiescent': 10,
    'opens: durable, lost and returned to': 1,
    'runs of a package': 10,
    **{f'uses: {way}, gone well': 1 for way in
       ('queue', 'lock', 'copy', 'watch', 'rename')},
    # By force
    'failures: close, FILE_CLOSED': 1,
}


@pytest.mark.parametrize('plan', [
    schedule, lambda seed: uses(seed, 1), lambda seed: cycles(seed, 1, 1),
    lambda seed: cycles(seed, 1, 4)], ids=['killer', 'client', 'drainer',
                                           'drainer of many'])
def test_a_seed_has_one_schedule(plan):
    """And another seed another one"""
    first, again, other = (list(itertools.islice(plan(seed), 50))
                           for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize('plan', [uses, lambda *who: cycles(*who, 1)],
                         ids=['client', 'drainer'])
def test_everybody_has_a_schedule(plan):
    """Of their own"""
    first, other = (list(itertools.islice(plan(1, number), 50))
                    for number in (1, 2))
    assert first != other


def test_a_schedule_has_all():
    """That there is to do"""
    for seed in range(20):
        assert {use.way for use in itertools.islice(
            uses(seed, 1), 300)} == set(USES)
        assert {cycle.way for cycle in itertools.islice(
            cycles(seed, 1, 1), 300)} == set(WAYS)
        assert {what for _, what, *_ in itertools.islice(
            schedule(seed), len(WEIGHTS))} == set(WEIGHTS)


def torture(*arguments):
    """As ./waf torture; other tests run meanwhile, and come first"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    return subprocess.run(
        ['nice', '-n5', sys.executable, SCRIPT, *arguments], text=True,
        capture_output=True, timeout=380, check=False)


@pytest.mark.time_limit(700)
@pytest.mark.no_memcheck('drives the tool and smbd in real time')
def test_sabotage():
    """Records that are taken away are missed"""
    for seconds in '10', '40', '120':  # what a busy machine needs
        done = torture(seconds, '--seed=9', '--sabotage')
        if done.returncode:
            break
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r'^S[125]: ', done.stdout, re.M), done.stdout
    assert re.search(r'^[1-9]\d* violations$', done.stdout, re.M), done.stdout


@pytest.mark.time_limit(400)
@pytest.mark.no_memcheck('drives the tool and smbd in real time')
def test_torture():
    """Two minutes of all that there is to break; more by ./waf torture

    With a seed of its own each time, which it says.
    """
    done = torture('120')
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == '0 violations', done.stdout
    broken_, = re.findall(r'^  broken: (.*)', done.stdout, re.M)
    assert {what for _, what in re.findall(r'([1-9]\d*) x (\w+)', broken_)
            } >= set(WEIGHTS), done.stdout
    assert re.search(r'because the disk was full: \d', done.stdout)
    counted = {what: int(number) for number, what
               in re.findall(r'^  (\d+) (.+)', done.stdout, re.M)}
    for what, number in FLOORS.items():
        assert counted.get(what, 0) >= number, (what, done.stdout)
    # A machine that is busy disturbs them, too
    assert ('stall' in broken_ or re.search(
        r'[1-9]\d* waits when nothing was broken', done.stdout)), done.stdout
