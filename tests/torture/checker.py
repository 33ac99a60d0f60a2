"""Whether S1-S5 held, from what clients and those who drain have noted.

Clients note of every open (see client.py):

sent, answered  when; answered is None if it never was
status          what it was told
proof           when a request was sent that showed, by its answer, that the
                handle was there; it was from `answered` until then at least
durable         whether the handle is
returned        whether the client has come back to it
end             when the client knew that it was gone, or lost its connection

Who drains notes of every drain (see drainer.py):

begun           before the tool was started that begins it
armed           when that was known: the tool had returned success
quiescent       the same; None if nobody has been told
ending          before anything was done that may end it
ended           when it was known to have ended
grace           whether holders were let finish
mended          whether an update was cut off, and made anew before `ending`
waits           from when to when a tool waited for the last holder

All times are of one clock. What happens between two of them may have happened
at any moment between, so that an open counts as granted while a drain was in
force only if it was sent after `armed` and answered before `ending`. S5 has no
rule of its own: the others have to hold whatever was killed, and a package is
never seen half updated.
"""

import bisect
import collections

from torture.layout import DURABLE_SECONDS, TARGETS

REFUSED, GRANTED = 'SHARING_VIOLATION', 'SUCCESS'

# For which a process may have been stopped, the disk full or the machine busy
PATIENCE = 30


class Intervals:
    """Things with a begin and an end, found by a moment"""

    def __init__(self, things, begin, end):
        self._things = sorted(things, key=begin)
        self._begins = [begin(thing) for thing in self._things]
        self._end = end
        # The latest end of all up to each, so as to know where to stop
        self._latest, latest = [], 0
        for thing in self._things:
            latest = max(latest, end(thing))
            self._latest.append(latest)

    def within(self, first, last):
        """Those that touch the time from first to last"""
        index = bisect.bisect_right(self._begins, last)
        while index and self._latest[index - 1] >= first:
            index -= 1
            if self._end(self._things[index]) >= first:
                yield self._things[index]


class Checker:
    """Of one torture; `violations` are lines of text"""

    def __init__(self, facts, drains):
        self.violations = []
        self.counted = collections.Counter()
        self.longest_wait = 0
        self._opens = [fact for fact in facts if fact['what'] == 'open']
        self._runs = [fact for fact in facts if fact['what'] == 'run']
        self._silences = [fact for fact in facts if fact['what'] == 'silence']
        self._drains = drains
        self._by_package = self._sort_drains()
        self._held = self._sort_handles()

    def check(self):
        """All of it; returns self"""
        for fact in self._opens:
            self._check_open(fact)
        for drain in self._drains:
            self._check_empty(drain)
            self._check_wait(drain)
        for run in self._runs:
            self._check_run(run)
        for fact in self._silences:
            self._violated('S4', 'a client got no answer', fact)
        return self

    def _sort_drains(self):
        packages = collections.defaultdict(list)
        for drain in self._drains:
            for package in TARGETS[drain['target']]:
                packages[package].append(drain)
        return {package: Intervals(drains, lambda drain: drain['begun'],
                                   lambda drain: drain['ended'])
                for package, drains in packages.items()}

    def _sort_handles(self):
        packages = collections.defaultdict(list)
        for fact in self._opens:
            if (fact['counts'] and not fact['exempt']
                    and fact['status'] in (GRANTED, 'LOST', 'UNANSWERED')):
                packages[fact['package']].append(fact)
        return {package: Intervals(handles, lambda handle: handle['sent'],
                                   last_possible)
                for package, handles in packages.items()}

    def _drains_of(self, package, first, last):
        found = self._by_package.get(package)
        return found.within(first, last) if found else ()

    def _handles_in(self, target, first, last):
        for package in TARGETS[target]:
            if package in self._held:
                yield from self._held[package].within(first, last)

    def _violated(self, rule, what, *facts):
        self.violations.append(f'{rule}: {what}: '
                               f'{", ".join(map(str, facts))}')

    # -- S1 and S4

    def _check_open(self, fact):
        answered = fact['answered'] or fact['end']
        drains = list(self._drains_of(fact['package'], fact['sent'],
                                      answered))
        self.counted['opens'] += 1
        self.counted[f'opens: {fact["status"]}'] += 1
        self.counted['opens: durable, lost and returned to'] += fact[
            'returned']
        if fact['status'] == REFUSED:
            if not drains:
                self._violated('S4', 'refused while nothing drained', fact)
            elif fact['exempt'] or not fact['counts']:
                self._violated('S1', 'refused what is granted', fact)
        if fact['status'] == 'UNANSWERED':
            self._violated('S4', 'never answered', fact)
        if fact['status'] != GRANTED or fact['exempt'] or not fact['counts']:
            return
        for drain in drains:
            if (drain['armed'] and drain['armed'] <= fact['sent']
                    and answered <= drain['ending']
                    and not self._is_in_grace(fact, drain)):
                self._violated('S1', 'granted while armed', fact, drain)

    def _is_in_grace(self, fact, drain):
        """May the client have had a handle when it asked for this one?"""
        return drain['grace'] and any(
            other is not fact and other['client'] == fact['client']
            for other in self._handles_in(drain['target'], fact['sent'],
                                          fact['answered']))

    # -- S2

    def _check_empty(self, drain):
        self.counted['drains'] += 1
        self.counted['drains of which an update was cut off'] += drain[
            'mended']
        if not drain['quiescent']:
            return
        self.counted['drains that became quiescent'] += 1
        for fact in self._handles_in(drain['target'], drain['quiescent'],
                                     drain['ending']):
            if (fact['status'] == GRANTED
                    and fact['answered'] < drain['ending']
                    and fact['proof'] > drain['quiescent']):
                self._violated('S2', 'a handle while quiescent', fact, drain)

    # -- S3

    def _check_wait(self, drain):
        """Of every wait that ended by itself, well or for its time"""
        for began, ended in drain['waits']:
            gone = max([last_possible(fact) for fact in self._handles_in(
                drain['target'], began, ended)], default=began)
            late = ended - max(began, gone)
            self.longest_wait = max(self.longest_wait, late)
            if late > PATIENCE:
                self._violated('S3', f'nobody was there for {late:.1f} s',
                               drain)

    # -- S5

    def _check_run(self, run):
        self.counted['runs of a package'] += 1
        if len(run['versions']) != 1 and not run['exempt']:
            self._violated('S5', 'half of each version', run)


def last_possible(fact):
    """When a handle may have been there at the latest"""
    lost = fact['status'] != GRANTED or fact['durable']
    return fact['end'] + (DURABLE_SECONDS if lost else 0)
