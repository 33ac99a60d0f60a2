#!/usr/bin/python3
"""Checks the model of the protocol, docs/model/drain.pml, with spin.

Sizes and mutants are listed here; docs/model/README.md says what they are
about. A mutant has one step of the protocol wrong, and one property that must
not hold then.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     '../../docs/model/drain.pml')

ONE_TOOL = 'TOOLS=1 SMBDS=1 HANDLES=1'
TWO_TOOLS = 'TOOLS=2 SMBDS=1 HANDLES=1 ROLES'
TWO_SMBDS = 'TOOLS=1 SMBDS=2 HANDLES=1'

# Those with LIVE have a property of time, the others only assertions
SIZES = {
    'smbds': TWO_SMBDS + ' DRAINS=1',
    'smbds killed': TWO_SMBDS + ' DRAINS=1 KILLS',
    'unguarded': TWO_SMBDS + ' DRAINS=1 UNGUARDED',
    'handles': ONE_TOOL + ' HANDLES=2 DRAINS=2 DURABLE KILLS',
    'tools': TWO_TOOLS + ' DRAINS=1 RUNS DEADLINE',
    'killed': TWO_TOOLS + ' DRAINS=1 RUNS KILLS',
    'later': TWO_TOOLS + ' HANDLES=0 DRAINS=2 RUNS',
    'nested': ONE_TOOL + ' NESTED',
    'nested killed': ONE_TOOL + ' NESTED KILLS',
    'nested durable': ONE_TOOL + ' NESTED DURABLE KILLS',
    'neighbours': TWO_TOOLS + ' HANDLES=0 NESTED RUNS ENERGY=0',
    'names': ONE_TOOL + ' DRAINS=1 NAMES',
    'strangers': ONE_TOOL + ' DRAINS=1 STRANGERS DURABLE',
    'link': ONE_TOOL + ' HANDLES=2 DRAINS=1 RUNS LINK DURABLE GRACE KILLS',
    'grace': ONE_TOOL + ' HANDLES=2 DRAINS=1 GRACE DURABLE',
    'power': ONE_TOOL + ' HANDLES=2 DRAINS=2 RUNS DURABLE POWER',
    'smbcontrol': ONE_TOOL + ' DRAINS=1 RUNS SMBCONTROL',
    'smbcontrols': TWO_SMBDS + ' DRAINS=1 SMBCONTROL ROLES',
    'waiter': ONE_TOOL + ' HANDLES=2 DRAINS=1 LIVE ENERGY=5 KILLS DURABLE',
    'waiter of two': TWO_SMBDS + ' DRAINS=1 LIVE ENERGY=3 KILLS TICK',
    'waiters': TWO_TOOLS.removesuffix(' ROLES')
               + ' DRAINS=1 LIVE ENERGY=3 KILLS TICK RELIABLE',
    'waiters unheard': TWO_TOOLS.removesuffix(' ROLES')
                       + ' DRAINS=1 LIVE ENERGY=2 KILLS TICK',
    'waiters nested': TWO_TOOLS.removesuffix(' ROLES')
                      + ' NESTED LIVE ENERGY=1 TICK',
    'parked': TWO_TOOLS + ' DRAINS=1 LIVE ENERGY=4 PARK',
}

DEEP_SIZES = {
    'smbds': TWO_SMBDS + ' DRAINS=2 KILLS DURABLE HANDLES=2',
    'strangers': TWO_SMBDS + ' DRAINS=1 STRANGERS DURABLE',
    'neighbours': TWO_TOOLS + ' NESTED RUNS ENERGY=1 KILLS',
    'unguarded': TWO_SMBDS + ' DRAINS=2 UNGUARDED KILLS',
    'tools': 'TOOLS=2 SMBDS=1 HANDLES=1 DRAINS=1 RUNS DEADLINE',
    'both': 'TOOLS=2 SMBDS=2 HANDLES=1 DRAINS=1 ROLES',
    'killed': TWO_TOOLS + ' DRAINS=2 RUNS DEADLINE KILLS DURABLE',
    'nested': ONE_TOOL + ' HANDLES=2 NESTED GRACE RUNS KILLS',
    'later': TWO_TOOLS + ' DRAINS=2 RUNS',
    'link': TWO_SMBDS + ' DRAINS=1 RUNS LINK DURABLE KILLS',
    'nested durable': ONE_TOOL + ' HANDLES=2 NESTED DURABLE KILLS',
    'left behind': TWO_TOOLS + ' HANDLES=0 DRAINS=1 RUNS KILLS SMBCONTROL',
    'link power': ONE_TOOL + ' HANDLES=2 DRAINS=1 RUNS LINK DURABLE POWER',
    'durable': TWO_SMBDS + ' DRAINS=1 DURABLE KILLS',
    'nested tools': TWO_TOOLS + ' NESTED',
    'power': TWO_TOOLS + ' DRAINS=2 RUNS POWER DURABLE',
    'smbcontrol': TWO_TOOLS + ' DRAINS=1 RUNS KILLS SMBCONTROL',
    'waiter': TWO_SMBDS + ' HANDLES=2 DRAINS=1 LIVE ENERGY=6 KILLS TICK',
    'waiters': TWO_TOOLS + ' HANDLES=2 DRAINS=1 LIVE ENERGY=4 KILLS DURABLE '
               'TICK',
    'parked': TWO_TOOLS + ' DRAINS=1 LIVE ENERGY=5 PARK DURABLE',
    'parked killed': TWO_TOOLS + ' DRAINS=1 LIVE ENERGY=4 PARK KILLS',
}

# Seconds for each program: some seconds' work, on a machine that is very busy
LONGEST = 900

# For each of those; a larger one is not worth more than that
DEEP_MINUTES = 2

S1 = 'S1_armed_means_closed'
S2 = 'S2_quiescent_means_empty'
S5 = 'S5_nothing_half_updated'
S3 = 'S3_it_gets_there'
NOT_OPEN = 'nobody_exchanges_what_is_open'

# Mutant: in which size, and what must not hold
MUTANTS = {
    'NO_ACKNOWLEDGEMENT': ('smbds', S1),
    'ACKNOWLEDGED_FIRST': ('smbds', S2),
    'RECORDS_BEFORE_ROSTER': ('smbds', S1),
    'TREES_NOT_COMPARED': ('unguarded', S1),
    'LOOKED_BEFORE_RELOAD': ('unguarded', S1),
    'ONE_DRAIN_ASKED': ('nested', S1),
    'MARKED_IN_ONE': ('nested', S2),
    'NEIGHBOURS_NOT_LOOKED_AT': ('neighbours', S5),
    'COMPARED_BY_NAME': ('names', S1),
    'DEAD_BY_NUMBER': ('strangers', S1),
    'STRANGERS_SERVED': ('strangers', S2),
    'COOKIE_NOT_LOOKED_AT': ('link', S2),
    'NEITHER_COOKIE_NOR_ID_LOOKED_AT': ('handles', S1),
    'NEW_PLACE_NOT_LOOKED_AT': ('link', S2),
    'STATE_NOT_READ': ('link', S2),
    'GRACE_WHEN_QUIESCENT': ('link', S2),
    'NOT_ARMED_BY_WAITER': ('smbds', S2),
    'SCANNED_BEFORE_ARMED': ('handles', S2),
    'LEFT_OVERS_SEEN_ONCE': ('handles', S2),
    'NOT_CLAIMED': ('handles', S2),
    'RETURNS_WITHOUT_HOLD': ('handles', S2),
    'GIVEN_BACK_BEFORE_CLOSED': ('handles', S2),
    'GIVEN_BACK_AT_FIRST_CLOSE': ('handles', S2),
    'DEADLINE_ENDS_WHAT_IS_QUIESCENT': ('tools', 'S2_only_resume_leaves_it'),
    'SECOND_HOLD_STAYS': ('waiter', S3),
    'ASKED_ONCE': ('waiter', S3),
    'DEATH_NOT_WATCHED': ('waiter', S3),
    'LOOKED_THEN_WATCHED': ('waiter', S3),
    'NO_TICK': ('waiters', S3),
    'RECORD_NOT_LOOKED_AT': ('smbds', 'S4_resumed_means_open'),
    'BLIND_WRITE': ('tools', 'S4_resumed_for_good'),
    'END_TOLD_ONCE': ('parked', 'S4_parked_come_back'),
    'RECORD_LOST': ('power', S5),
    'COMMAND_NOT_OWNED': ('tools', 'run_is_alone'),
    'RESUMED_WITHOUT_OWNER': ('tools', 'run_is_alone'),
    'RESUMED_BY_NAME': ('later', 'run_is_alone'),
    'RECORD_NOT_READ_AGAIN': ('tools', NOT_OPEN),
    'PUBLISHER_NOT_ASKED': ('killed', NOT_OPEN),
    'RUN_ENDS_WHAT_OTHERS_WORK_ON': ('tools', 'run_is_alone'),
    'ASKED_AFTER_RESUME': ('tools', 'nothing_old'),
    'SMBCONTROL_ARMS': ('smbcontrols', S1),
    'SMBCONTROL_OWNS_NOTHING': ('smbcontrol', 'run_is_alone'),
}

# Steps that are there twice over: all holds without them
HARMLESS = {
    'CLAIM_GIVEN_BACK_EARLY': ('handles', 'link'),
    'STATE_READ_BEFORE_HOLD': ('handles', 'link'),
}


class Result:
    """What pan has found: the property that does not hold, or None"""

    def __init__(self, text, live):
        self.text = text
        stored = re.findall(r'^ *([0-9.e+]+) states, stored', text, re.M)
        self.states = int(float(stored[0])) if stored else 0
        self.given_up = 'Time limit' in text and 'errors: 0' in text
        self.complete = ('errors: 0' in text and 'too small' not in text
                         and 'out of memory' not in text
                         and not self.given_up)
        self.broken = None
        wrong = re.search(r'assertion violated (\w+)', text)
        if wrong:
            self.broken = wrong.group(1)
        elif 'acceptance cycle' in text:
            self.broken = live

    def row(self, name, size, seconds):
        """Of the table in docs/model/README.md"""
        end = ('complete' if self.complete
               else 'given up' if self.given_up else str(self))
        return '| %s | `%s` | %d | %d | %s |' % (
            name, shown(size), self.states, seconds, end)

    def __str__(self):
        if self.complete:
            return '%d states, all hold' % self.states
        if self.given_up:
            return ('%d states, all hold in those; it has more than that'
                    % self.states)
        return '%d states, %s' % (self.states, self.broken or self.text)


def _call(command, directory, timeout):
    return subprocess.run(command, cwd=directory, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout)


def _values(size):
    """Of its macros: the last word on one counts"""
    return dict(word.partition('=')[::2] for word in size.split())


def shown(size):
    """As a person would write it"""
    return ' '.join(key + ('=' + value if value else '')
                    for key, value in _values(size).items())


def _define(size):
    return ['-D%s=%s' % (key, value or 1)
            for key, value in _values(size).items()]


def _compiler_flags(live, deep):
    # With a rendezvous in an unless no order may be left out
    return ['-DNOREDUCE', *(['-DNFAIR=3'] if live else ['-DSAFETY']),
            # A third of the memory, in twice the time
            *(['-DCOLLAPSE'] if deep else [])]


def check(size, mutant=None, expect=None, timeout=LONGEST, minutes=None):
    """Look at all states of a size, for so long; a Result

    Of a mutant, that is expected to break `expect`: until it does
    """
    words = size.split()
    live = None
    if 'LIVE' in words:
        live = 'S4_parked_come_back' if 'PARK' in words else S3
    with tempfile.TemporaryDirectory(prefix='drain-model-') as directory:
        shutil.copy(MODEL, directory)
        defines = _define(size)
        if mutant:
            defines += ['-D' + mutant]
        if expect and not live:
            defines += ['-DEXPECT=' + expect]
        for command in (
                ['spin', '-a', *defines, os.path.basename(MODEL)],
                ['gcc', '-w', '-O0' if mutant else '-O1', '-o', 'pan',
                 *_compiler_flags(live, minutes), 'pan.c']):
            done = _call(command, directory, timeout)
            if done.returncode != 0 or 'Error' in done.stdout:
                raise RuntimeError(done.stdout)
        # No look at end states: who sleeps for ever is what S3 is about
        time = ['-a', '-f', '-N', live] if live else []
        limit = ['-Q%d' % minutes] if minutes else []
        done = _call(['./pan', '-E', '-m2000000', *limit, *time], directory,
                     timeout)
    return Result(done.stdout, live)


def check_mutant(mutant):
    """A Result: what it breaks"""
    name, broken = MUTANTS[mutant]
    return check(SIZES[name], 'MUTANT_' + mutant, broken)


def _processor_time():
    times = os.times()
    return times.children_user + times.children_system


def check_size(name, size, minutes=None):
    """A Result, and the row about it"""
    before = _processor_time()
    result = check(size, minutes=minutes)
    return result, result.row(name, size, _processor_time() - before)


def check_all(say):
    """Sizes, the deep ones too, and mutants; true if all is as it must be"""
    good = True
    for name, size in SIZES.items():
        result, row = check_size(name, size)
        say(row)
        good &= result.complete
    for name, size in DEEP_SIZES.items():
        result, row = check_size('deep ' + name, size, DEEP_MINUTES)
        say(row)
        good &= result.complete or result.given_up
    for mutant, names in HARMLESS.items():
        for name in names:
            result = check(SIZES[name], 'MUTANT_' + mutant)
            say('%s: %s' % (mutant, result.broken))
            good &= result.complete
    for mutant, (_, broken) in MUTANTS.items():
        result = check_mutant(mutant)
        say('%s: %s' % (mutant, result.broken))
        good &= result.broken == broken
    return good


if __name__ == '__main__':
    sys.exit(0 if check_all(lambda text: print(text, flush=True)) else 1)
