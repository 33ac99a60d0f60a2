"""Whether S1-S5 held, from what clients and those who drain have noted.

Clients note of every open (see client.py):

sent, answered  when; answered is None if it never was
status          what it was told
proof           when a request was sent that showed, by its answer, that the
                handle was there; it was from `answered` until then at least
durable         whether the handle is
returned        whether the client has come back to it
end             when the client knew that it was gone, or lost its connection

They note every connection to a server or a share, too, every other request that
failed, whether for the use of a handle or the return to it, every connection
that they lost, and the versions that they found in a run of a package.

Who drains notes of every drain (see drainer.py):

begun           before the tool was started that begins it
armed           when that was known: the tool had returned success
quiescent       the same; None if nobody has been told
ending          before anything was done that may end it
ended           when it was known to have ended
grace           whether holders were let finish
forced          whether handles may have been closed
mended          whether an update was cut off, and made anew before `ending`
waits           from when to when a tool waited for the last holder
way, well       what was done in which way, and whether no tool failed in it

Who breaks things notes what, and from when to when (see killer.py). `whom` is
the client of a reset, and the ports of the clients of an smbd that was killed.
A client that is to reset its connection may do that later, and notes from when
to when.

All times are of one clock. What happens between two of them may have happened
at any moment between, so that an open counts as granted while a drain was in
force only if it was sent after `armed` and answered before `ending`.
"""

import bisect
import collections
import math

from torture.layout import DURABLE_SECONDS, TARGETS

REFUSED, GRANTED = 'SHARING_VIOLATION', 'SUCCESS'
# What is told of a file that is not there, or not whole. All that clients use
# always exists, and who has a handle that counts never sees it change.
MISSING = {'OBJECT_NAME_NOT_FOUND', 'OBJECT_PATH_NOT_FOUND', 'NO_SUCH_FILE',
           'END_OF_FILE', 'INVALID_VIEW_SIZE'}

# For which a process may have been stopped, the disk full or the machine busy,
# and when there was nothing of that: less than the 5 s after which a wait that
# nobody has woken up looks again
PATIENCE, QUIET_PATIENCE = 30, 4

# For how long what was broken is felt, and by whom it is not
AFTERMATH = 3
REST = 'rest'

# For how long an smbd was seen to keep what its client had lost
KEPT = 120

# What may cost a client its connection, and what an answer
CUTS = {'kill_smbd', 'reset', 'reboot'}
UPSETS = {'reboot'}


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

    def __init__(self, facts, drains, faults=()):
        self.violations = []
        self.counted = collections.Counter()
        self.longest_wait = self.longest_quiet_wait = 0
        self.longest_quiet_open = 0
        self._facts = facts
        self._opens = [fact for fact in facts if fact['what'] == 'open']
        self._drains = drains
        resets = [{**fact, 'whom': fact['client']}
                  for fact in facts if fact['what'] == 'reset']
        self._faults = Intervals(
            [fault for fault in faults if fault['what'] != REST] + resets,
            lambda fault: fault['began'],
            lambda fault: fault['ended'] + AFTERMATH)
        self._by_package = self._sort_drains()
        self._held = self._sort_handles()
        self._sessions = collections.defaultdict(list)
        for fact in facts:
            if fact['what'] == 'connect' and fact['place'] == 'session':
                bisect.insort(self._sessions[fact['client']], fact['began'])

    def check(self):
        """All of it; returns self"""
        for fact in self._facts:
            getattr(self, f'_check_{fact["what"]}')(fact)
        for drain in self._drains:
            self._check_empty(drain)
            self._check_wait(drain)
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

    def _is_disturbed(self, first, last):
        return any(self._faults.within(first, last))

    def _is_explained(self, by, first, last, client, port=None):
        """By something that was broken then, or not long before

        port    of the connection, if it is known: only who killed the smbd that
                served it has cut it
        """
        def fits(fault):
            if fault['what'] == 'reset':
                return fault['whom'] == client
            return (fault['what'] != 'kill_smbd' or port is None
                    or port in fault['whom'])

        return any(fault['what'] in by and fits(fault)
                   for fault in self._faults.within(first, last))

    # -- S1, S4 and S5

    def _check_open(self, fact):
        answered = fact['answered'] or fact['end']
        drains = list(self._drains_of(fact['package'], fact['sent'],
                                      answered))
        self.counted['opens'] += 1
        self.counted[f'opens: {fact["status"]}'] += 1
        self.counted['opens: durable, lost and returned to'] += fact[
            'returned']
        if fact['status'] == GRANTED:
            self._check_grant(fact, drains)
        elif fact['status'] == REFUSED:
            self._check_refusal(fact, drains)
        elif fact['status'] == 'UNANSWERED':
            self._violated('S4', 'never answered', fact)
        elif fact['status'] != 'LOST':
            self._check_error(fact, drains, answered)
        if fact['answered']:
            self._check_delay(fact, drains)

    def _check_delay(self, fact, drains):
        """What was held goes on when nothing drains any more"""
        since = max([fact['sent'], *(drain['ended'] for drain in drains)])
        late = fact['answered'] - since
        if late <= 0 or self._is_disturbed(since, fact['answered']):
            return
        self.longest_quiet_open = max(self.longest_quiet_open, late)
        if late > QUIET_PATIENCE:
            self._violated('S4', f'answered {late:.1f} s late', fact)

    def _check_refusal(self, fact, drains):
        if not drains:
            self._violated('S4', 'refused while nothing drained', fact)
        elif fact['exempt'] or not fact['counts']:
            self._violated('S1', 'refused what is granted', fact)
        self.counted['opens: refused before it was quiescent'] += any(
            drain['armed'] and drain['armed'] <= fact['sent']
            and fact['answered'] <= (drain['quiescent'] or drain['ending'])
            for drain in drains)

    def _check_grant(self, fact, drains):
        if fact['exempt'] or not fact['counts']:
            return
        for drain in drains:
            if (drain['armed'] and drain['armed'] <= fact['sent']
                    and fact['answered'] <= drain['ending']
                    and not self._is_in_grace(fact, drain)):
                self._violated('S1', 'granted while armed', fact, drain)

    def _check_error(self, fact, drains, when):
        """No refusal: what nobody is told, whatever drains"""
        if fact['status'] in MISSING:
            # They may look on while an update is made
            if not drains or fact['counts'] and not fact['exempt']:
                self._violated('S5', 'not there, or not whole', fact)
        elif not self._is_explained(UPSETS, fact['sent'], when,
                                    fact['client']):
            self._violated('S4', 'an error', fact)

    def _check_failure(self, fact):
        """Of a handle that was there"""
        drains = list(self._drains_of(fact['package'], fact['sent'],
                                      fact['at']))
        self.counted[f'failures: {fact["of"]}, {fact["status"]}'] += 1
        if fact['of'] == 'return':
            # To what is gone, for another has asked for the file, or the time
            # was over, or it was purged
            if fact['status'] == 'OBJECT_NAME_NOT_FOUND':
                return
            if fact['status'] == REFUSED and drains:
                return
        elif fact['status'] == 'FILE_CLOSED' and any(
                drain['forced'] for drain in drains):
            return
        self._check_error(fact, drains, fact['at'])

    def _check_connect(self, fact):
        self.counted['connections'] += 1
        self.counted[f'connections: {fact["status"]}'] += 1
        by = CUTS if fact['status'] == 'LOST' else UPSETS
        if fact['status'] != GRANTED and not self._is_explained(
                by, fact['began'], fact['ended'], fact['client']):
            self._violated('S4', 'no connection', fact)

    def _check_loss(self, fact):
        if not self._is_explained(CUTS, fact['at'], fact['at'],
                                  fact['client'], fact['port']):
            self._violated('S4', 'a connection that nobody has cut', fact)

    def _check_reset(self, _):
        self.counted['resets by clients'] += 1

    def _check_done(self, fact):
        self.counted[f'uses: {fact["way"]}, gone well'] += 1

    def _check_silence(self, fact):
        self._violated('S4', 'a client got no answer', fact)

    def _check_run(self, run):
        """All that a client has read while it had a handle"""
        self.counted['runs of a package'] += 1
        if len(run['versions']) != 1 and not run['exempt']:
            self._violated('S5', 'half of each version', run)

    def _is_in_grace(self, fact, drain):
        """May the client have had a handle when it asked for this one?"""
        return drain['grace'] and any(
            other is not fact and other['client'] == fact['client']
            for other in self._handles_in(drain['target'], fact['sent'],
                                          fact['answered']))

    # -- S2

    def _check_empty(self, drain):
        self.counted['drains'] += 1
        self.counted[f'drains: {drain["way"]}, gone well'] += drain['well']
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
            # Somebody may have been there to the end
            since = min(max(began, gone), ended)
            late = ended - since
            self.longest_wait = max(self.longest_wait, late)
            patience = self._patience(since, ended)
            if patience == QUIET_PATIENCE:
                # Those of a drain that was never armed are none
                self.counted['waits when nothing was broken'] += bool(
                    drain['quiescent'])
                self.longest_quiet_wait = max(self.longest_quiet_wait, late)
            if late <= patience:
                continue
            kept = self._kept_until(drain['target'], since, ended)
            if ended - kept <= self._patience(kept, ended):
                self.counted['waits for what smbd has not let go'] += 1
                continue
            self._violated('S3', f'nobody was there for {late:.1f} s', drain)

    def _patience(self, since, ended):
        return PATIENCE if self._is_disturbed(since, ended) else QUIET_PATIENCE

    def _kept_until(self, target, since, ended):
        """A handle with a lease, that was lost when a drain had it broken

        The client has come back with the same GUID since, to the same smbd:
        that has been seen to keep the handle until the client was gone again.
        From then on it is as if the handle had been closed just then.
        """
        lost = [self._next_loss(fact)
                for fact in self._handles_in(target, since - KEPT, ended)
                if fact['durable'] and not fact['returned']
                and any(self._drains_of(fact['package'], fact['sent'],
                                        fact['end']))]
        return min(max([since, *lost]), ended)

    def _next_loss(self, handle):
        """Of the connection with which its client came back; its next session
        began after that"""
        began = self._sessions[handle['client']]
        after = bisect.bisect_left(began, handle['end']) + 1
        return began[after] if after < len(began) else math.inf


def last_possible(fact):
    """When a handle may have been there at the latest"""
    lost = fact['status'] != GRANTED or fact['durable']
    return fact['end'] + (DURABLE_SECONDS if lost else 0)
