#!/usr/bin/python3
"""One client of a torture: client.py NUMBER PORT SEED LOG [ADDRESS]

Uses the packages in all the ways there are until its standard input ends, and
writes what came of it to LOG, a line of JSON for each open, connection, failure
and run of a package; checker.py says what is in them. A line of its input says
"reset": then its TCP connection ends in that way.
"""

import contextlib
import itertools
import json
import random
import struct
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import NamedTuple

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from lib.smb2 import (  # noqa: E402 (needs the path above)
    Access, Close, Connection, ConnectionLost, Create, Disposition,
    Durable, NtStatus, Option, ProtocolError, Read, SmbError)
from torture.layout import (  # noqa: E402
    DURABLE_SECONDS, PACKAGES, PARTS, PROGRAM, versions)

ANSWER_WITHIN = 45      # an open that is held, by an smbd that is stopped

WAYS = ['look'] * 6 + ['execute'] * 4 + [
    'hold', 'cache', 'durable', 'write', 'write', 'attributes',
    'queue', 'queue', 'queue', 'lock', 'copy', 'watch', 'rename']

# How a request may end that waits
ENDED = {NtStatus.SUCCESS, NtStatus.RANGE_NOT_LOCKED, NtStatus.CANCELLED,
         NtStatus.NOTIFY_CLEANUP, NtStatus.SHARING_VIOLATION}

QUEUED = 200    # reads of a client that does not read for a moment
RESUME_KEY, COPYCHUNK = 0x140078, 0x1440f2


class Use(NamedTuple):
    """What a client does next; not each way needs all of it"""
    way: str
    package: str
    share: str
    path: str
    part: str       # a file of the package
    reads: int      # while it holds the program
    caches: float   # seconds for which it has a lease
    away: float     # seconds for which its connection is gone
    returns: bool   # to a durable handle
    resets: bool    # its connection
    deletes: bool   # its own file
    pause: float    # seconds, afterwards


def uses(seed, number):
    """Without an end, all that a client does: whatever comes of it"""
    for step in itertools.count():
        chance = random.Random(f'{seed} client {number} step {step}')
        package = chance.choice(list(PACKAGES))
        share, path = chance.choice(PACKAGES[package])
        yield Use(way=chance.choice(WAYS), package=package, share=share,
                  path=path, part=chance.choice(PARTS),
                  reads=chance.randrange(1, chance.choice([12, 60])),
                  caches=chance.uniform(0, 0.2),
                  away=chance.uniform(0, 0.7), returns=chance.random() < 0.7,
                  resets=chance.random() < 0.5, deletes=chance.random() < 0.3,
                  pause=chance.uniform(0, 0.05))


def counts(create):
    """Whether a drain concerns the handle that comes of it"""
    return (create.access != Access.ATTRIBUTES_ONLY
            and not create.options & Option.DIRECTORY_FILE)


class Opened:
    """An open and what is known of the handle, for the log

    close  a request that is on its way already
    """

    def __init__(self, client, request, package, close=None):
        self.handle = None
        self._request = request
        self._close = close
        self._client = client
        self.facts = {'what': 'open', 'client': client.number,
                      'exempt': client.exempt, 'package': package,
                      'counts': counts(request.message),
                      'sent': request.sent_at, 'answered': None,
                      'status': 'LOST', 'proof': None, 'end': None,
                      'durable': False, 'returned': False}

    def __enter__(self):
        self._await_answer()
        return self

    def __exit__(self, *_):
        """It is closed, or lost"""
        try:
            close = self._close or self.handle.close_nowait()
            if close.status(ANSWER_WITHIN) == NtStatus.SUCCESS:
                self._prove(close)
            elif close.reply.status == NtStatus.FILE_CLOSED:
                self._note_failure(close, 'close')
            self._gone(close.reply.time)
        except (ConnectionLost, TimeoutError):
            self._gone()

    def _await_answer(self):
        try:
            reply = self._request.wait_reply(ANSWER_WITHIN)
        except (ConnectionLost, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self.facts['status'] = 'UNANSWERED'
            self._gone()
            raise
        self.facts.update(answered=reply.time, status=reply.status.name)
        if reply.status.is_error:
            self._gone(reply.time)
            raise SmbError(reply.status)
        self.handle = self._request.message.parse(reply, self._request)
        self.facts.update(proof=self._request.sent_at,
                          durable=self.handle.durable)

    def _gone(self, when=None):
        self.facts['end'] = when or time.time()
        self._client.log(self.facts)

    def _prove(self, request):
        """It was there when this was sent, or later"""
        self.facts['proof'] = max(self.facts['proof'], request.sent_at)

    def _note_failure(self, request, what):
        self._client.log({
            **self.facts, 'what': 'failure', 'of': what,
            'status': request.reply.status.name, 'at': request.reply.time})

    def do(self, request, what='use'):
        """What comes of it, which shows that the handle is there"""
        try:
            done = request.wait(ANSWER_WITHIN)
        except SmbError:
            self._note_failure(request, what)
            raise
        self._prove(request)
        return done

    def read(self):
        """The content"""
        return self.do(self.handle.read_nowait())

    def settle(self, request, *others):
        """It has ended, with one of the statuses that it may have"""
        if request.status(ANSWER_WITHIN) not in ENDED.union(others):
            self._note_failure(request, 'use')

    def come_back(self, tree):
        """By a new connection, to a durable handle"""
        self.handle = self.do(tree.reconnect_nowait(self.handle), 'return')
        self.facts['returned'] = True


def give_back(notification):
    """What is cached; it may be closed by now"""
    with contextlib.suppress(SmbError):
        notification.ack()


class Client:
    """Uses packages as the seed says"""

    def __init__(self, number, port, seed, log, address=None):
        self.number = number
        self.exempt = address is not None
        self._uses = uses(seed, number)
        # Handles are given back to nobody but the same client
        self._place = {'port': port, 'source': address,
                       'client_guid': uuid.uuid4().bytes_le}
        self._log = log
        self._connection = None
        self._trees = {}
        self._dropping = threading.Lock()
        self.stopping = threading.Event()

    def log(self, facts):
        """A line"""
        self._log.write(json.dumps(facts) + '\n')
        self._log.flush()

    def run(self):
        """Until self.stopping"""
        for use in self._uses:
            if self.stopping.is_set():
                break
            try:
                getattr(self, f'_{use.way}')(self._tree(use.share), use)
                self.log({'what': 'done', 'way': use.way})
            except SmbError as error:
                if error.status != NtStatus.SHARING_VIOLATION:
                    self._reconnect()
            except (OSError, ConnectionLost, ProtocolError) as error:
                self._note_loss(error)
                self._reconnect()
            time.sleep(use.pause)
        self._drop()

    def reset(self):
        """Called by another thread"""
        with self._dropping:
            if self._connection:
                # The other thread may notice the loss before the drop returns
                began = time.time()
                self._connection.drop(reset=True)
                self.log({'what': 'reset', 'client': self.number,
                          'began': began, 'ended': time.time()})

    # -- connections

    def _tree(self, share):
        if self._connection is None:
            with self._connecting('session'):
                self._connection = Connection(
                    **self._place, on_break=give_back, timeout=ANSWER_WITHIN)
                self._session = self._connection.session()
        if share not in self._trees:
            with self._connecting(share):
                self._trees[share] = self._session.tree(share)
        return self._trees[share]

    @contextlib.contextmanager
    def _connecting(self, place):
        facts = {'what': 'connect', 'client': self.number, 'place': place,
                 'began': time.time(), 'status': 'LOST'}
        try:
            yield
            facts['status'] = NtStatus.SUCCESS.name
        except SmbError as error:
            facts['status'] = error.status.name
            raise
        finally:
            self.log({**facts, 'ended': time.time()})

    def _drop(self, reset=False):
        with self._dropping:
            if self._connection:
                self._connection.drop(reset)
            self._connection = None
            self._trees = {}

    def _note_loss(self, error):
        what = 'silence' if isinstance(error, TimeoutError) else 'loss'
        self.log({'what': what, 'client': self.number, 'at': time.time(),
                  'why': str(error),
                  'port': self._connection and self._connection.local_port})

    def _reconnect(self):
        self._drop()
        time.sleep(0.05)

    # -- ways to use a package

    def _open(self, tree, use, name, access=Access.READ, **fields):
        request = tree.create_nowait(f'{use.path}/{name}', access, **fields)
        return Opened(self, request, use.package)

    def _look(self, tree, use):
        with self._open(tree, use, PROGRAM) as opened:
            opened.read()

    def _hold(self, tree, use):
        with self._open(tree, use, PROGRAM) as opened:
            for _ in range(use.reads):
                opened.read()
                time.sleep(0.04)

    def _execute(self, tree, use):
        """All files of it have to be of one version"""
        with self._open(tree, use, PROGRAM) as opened:
            found = set(versions(opened.read()))
            for part in PARTS:
                found.update(self._load(tree, use, part))
            opened.read()
            self.log({'what': 'run', 'client': self.number,
                      'exempt': self.exempt, 'package': use.package,
                      'began': opened.facts['sent'], 'ended': time.time(),
                      'versions': sorted(found)})

    def _load(self, tree, use, part):
        """Opened, read and closed in one request"""
        create, read, close = tree.compound(
            Create(f'{use.path}/{part}'), Read(), Close())
        with Opened(self, create, use.package, close) as opened:
            return versions(opened.do(read))

    def _cache(self, tree, use):
        """With a lease, that is given back when smbd asks for it"""
        with self._open(tree, use, use.part, lease='RWH') as opened:
            opened.read()
            time.sleep(use.caches)

    def _durable(self, tree, use):
        """The connection ends, and the client comes back or does not"""
        durable = Durable(2, timeout=DURABLE_SECONDS * 1000)
        with self._open(tree, use, PARTS[0], lease='RWH',
                        durable=durable) as opened:
            opened.read()
            self._drop(use.resets)
            time.sleep(use.away)
            if use.returns:
                opened.come_back(self._tree(use.share))
                opened.read()

    def _queue(self, tree, use):
        """Reads whose answers wait in smbd, all of one version

        It is not reset meanwhile: stock smbd panics when it frees answers that
        it was to send with sendfile(2) and whose handle it has closed.
        """
        with self._open(tree, use, PROGRAM) as opened, self._dropping:
            size = len(opened.read())
            found = set()
            for _ in range(0, use.reads, 4):
                found |= self._read_late(opened, size, use.caches)
            self.log({'what': 'run', 'client': self.number,
                      'exempt': self.exempt, 'package': use.package,
                      'began': opened.facts['sent'], 'ended': time.time(),
                      'versions': sorted(found)})

    def _read_late(self, opened, size, seconds):
        """What many reads at once have found"""
        number = min(QUEUED, self._connection.credits // 2)
        with self._connection.not_reading():
            reads = [opened.handle.read_nowait(0, size)
                     for _ in range(number)]
            time.sleep(seconds)
        return {version for read in reads
                for version in versions(opened.do(read))}

    def _open_mine(self, tree, use, **fields):
        return self._open(tree, use, f'mine{self.number}',
                          Access.READ_WRITE | Access.DELETE,
                          disposition=Disposition.OPEN_IF, **fields)

    def _lock(self, tree, use):
        """One handle waits for the lock of another"""
        with (self._open_mine(tree, use) as first,
              self._open_mine(tree, use) as second):
            first.do(first.handle.lock_nowait(0, 10))
            waits = second.handle.lock_nowait(0, 10)
            time.sleep(use.caches)
            first.do(first.handle.unlock_nowait(0, 10))
            second.settle(waits)

    def _copy(self, tree, use):
        """Within the server"""
        with (self._open(tree, use, PROGRAM) as source,
              self._open_mine(tree, use) as target):
            key = source.do(source.handle.ioctl_nowait(
                RESUME_KEY, max_output=32))[:24]
            chunks = key + struct.pack('<IIQQII', 1, 0, 0, 0, 100, 0)
            for copy in [target.handle.ioctl_nowait(
                    COPYCHUNK, chunks, max_output=12)
                    for _ in range(use.reads)]:
                target.do(copy)

    def _watch(self, tree, use):
        """A directory, until it is closed. smbd cannot pass that on while
        notifyd is dead."""
        request = tree.create_nowait(use.path, options=Option.DIRECTORY_FILE)
        with Opened(self, request, use.package) as opened:
            watch = opened.handle.notify_nowait()
            time.sleep(use.caches)
        opened.settle(watch, NtStatus.OBJECT_NAME_NOT_FOUND)

    def _rename(self, tree, use):
        """A file of one's own, on which there is another lease"""
        with (self._open_mine(tree, use) as opened,
              self._open_mine(tree, use, lease='RH')):
            opened.settle(opened.handle.rename_nowait(
                f'{use.path}/renamed{self.number}', replace=True))

    def _write(self, tree, use):
        """A file of one's own"""
        with self._open_mine(tree, use) as opened:
            opened.do(opened.handle.write_nowait(b'mine'))
            opened.read()
            if use.deletes:
                opened.do(opened.handle.set_delete_nowait())

    def _attributes(self, tree, use):
        with self._open(tree, use, PROGRAM, Access.ATTRIBUTES_ONLY) as opened:
            opened.do(opened.handle.query_info_nowait())


def listen(client):
    """To who has started this"""
    for line in sys.stdin:
        if line.strip() == 'reset':
            client.reset()
    client.stopping.set()


def main():
    """See above"""
    number, port, seed, log, *address = sys.argv[1:]
    with open(log, 'w', encoding='utf-8') as file:
        client = Client(int(number), int(port), seed, file, *address)
        threading.Thread(target=listen, args=(client,), daemon=True).start()
        client.run()


if __name__ == '__main__':
    main()
