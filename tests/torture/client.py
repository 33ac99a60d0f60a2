#!/usr/bin/python3
"""One client of a torture: client.py NUMBER PORT SEED LOG [ADDRESS]

Uses the packages in all the ways there are until its standard input ends, and
writes what came of it to LOG, a line of JSON for each open and for each run of
a package; checker.py says what is in them. A line of its input says "reset":
then its TCP connection ends in that way.
"""

import contextlib
import json
import random
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from lib.smb2 import (  # noqa: E402 (needs the path above)
    Access, Close, Connection, ConnectionLost, Create, Disposition,
    Durable, NtStatus, ProtocolError, Read, SmbError)
from torture.layout import (  # noqa: E402
    DURABLE_SECONDS, PACKAGES, PARTS, PROGRAM, versions)

ANSWER_WITHIN = 45      # an open that is held, by an smbd that is stopped


class Opened:
    """An open and what is known of the handle, for the log"""

    def __init__(self, client, request, package):
        self.handle = None
        self.durable = None
        self._request = request
        self._client = client
        self.facts = {'what': 'open', 'client': client.number,
                      'exempt': client.exempt, 'package': package,
                      'counts': request.message.access != Access.ATTRIBUTES_ONLY,
                      'sent': request.sent_at, 'answered': None,
                      'status': 'LOST', 'proof': None, 'end': None,
                      'durable': False, 'returned': False}

    def __enter__(self):
        self.answered()
        return self

    def __exit__(self, *_):
        """It is closed, or lost"""
        try:
            close = self.handle.close_nowait()
            if close.status(ANSWER_WITHIN) == NtStatus.SUCCESS:
                self._prove(close)
            self.gone(close.reply.time)
        except (ConnectionLost, TimeoutError):
            self.gone()

    def answered(self):
        """Wait for that"""
        try:
            reply = self._request.wait_reply(ANSWER_WITHIN)
        except (ConnectionLost, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                self.facts['status'] = 'UNANSWERED'
            self.gone()
            raise
        self.facts.update(answered=reply.time, status=reply.status.name)
        if reply.status.is_error:
            self.gone(reply.time)
            raise SmbError(reply.status)
        self.handle = self._request.message.parse(reply, self._request)
        self.facts.update(proof=reply.time, durable=self.handle.durable)

    def gone(self, when=None):
        """Nothing more will be known of it"""
        self.facts['end'] = when or time.time()
        self._client.log(self.facts)

    def _prove(self, request):
        """It was there when this was sent, or later"""
        self.facts['proof'] = max(self.facts['proof'], request.sent_at)

    def read(self):
        """The content, which shows that the handle is there"""
        request = self.handle.read_nowait()
        data = request.wait(ANSWER_WITHIN)
        self._prove(request)
        return data

    def come_back(self, tree):
        """By a new connection, to a durable handle"""
        request = tree.reconnect_nowait(self.handle)
        self.handle = request.wait(ANSWER_WITHIN)
        self._prove(request)
        self.facts['returned'] = True


def give_back(notification):
    """What is cached; it may be closed by now"""
    with contextlib.suppress(SmbError):
        notification.ack()


class Client:
    """Uses packages at random, in an order that the seed determines"""

    def __init__(self, number, port, seed, log, address=None):
        self.number = number
        self.exempt = address is not None
        self._random = random.Random(f'{seed} client {number}')
        # Handles are given back to nobody but the same client
        self._place = {'port': port, 'source': address,
                       'client_guid': self._random.randbytes(16)}
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
        ways = [self._look] * 6 + [self._execute] * 4 + [
            self._hold, self._cache, self._durable, self._write,
            self._write, self._attributes]
        while not self.stopping.is_set():
            way = self._random.choice(ways)
            package = self._random.choice(list(PACKAGES))
            share, path = self._random.choice(PACKAGES[package])
            pause = self._random.uniform(0, 0.05)
            try:
                way(self._tree(share), path, package)
            except SmbError as error:
                self._after(error)
            except (OSError, ConnectionLost, ProtocolError) as error:
                self._reconnect(error)
            time.sleep(pause)
        self._drop()

    def reset(self):
        """Called by another thread"""
        with self._dropping:
            if self._connection:
                self._connection.drop(reset=True)

    # -- connections

    def _tree(self, share):
        if self._connection is None:
            self._connection = Connection(
                **self._place, on_break=give_back, timeout=ANSWER_WITHIN)
            self._session = self._connection.session()
        if share not in self._trees:
            self._trees[share] = self._session.tree(share)
        return self._trees[share]

    def _drop(self, reset=False):
        with self._dropping:
            if self._connection:
                self._connection.drop(reset)
            self._connection = None
            self._trees = {}

    def _after(self, error):
        if error.status != NtStatus.SHARING_VIOLATION:
            self._reconnect(error)

    def _reconnect(self, error):
        if isinstance(error, TimeoutError):
            self.log({'what': 'silence', 'client': self.number,
                      'at': time.time(), 'why': str(error)})
        self._drop()
        time.sleep(0.05)

    # -- ways to use a package

    def _open(self, tree, path, package, access=Access.READ, **fields):
        return Opened(self, tree.create_nowait(path, access, **fields),
                      package)

    def _look(self, tree, path, package):
        with self._open(tree, f'{path}/{PROGRAM}', package) as opened:
            opened.read()

    def _hold(self, tree, path, package):
        with self._open(tree, f'{path}/{PROGRAM}', package) as opened:
            for _ in range(self._random.randrange(1, 12)):
                opened.read()
                time.sleep(0.04)

    def _execute(self, tree, path, package):
        """All files of it have to be of one version"""
        with self._open(tree, f'{path}/{PROGRAM}', package) as opened:
            found = set(versions(opened.read()))
            for part in PARTS:
                found.update(self._load(tree, f'{path}/{part}', package))
            opened.read()
            self.log({'what': 'run', 'client': self.number,
                      'exempt': self.exempt, 'package': package,
                      'began': opened.facts['sent'], 'ended': time.time(),
                      'versions': sorted(found)})

    def _load(self, tree, path, package):
        """Opened, read and closed in one request"""
        create, read, close = tree.compound(Create(path), Read(), Close())
        opened = Opened(self, create, package)
        opened.answered()
        data = read.wait(ANSWER_WITHIN)
        opened.gone(close.wait_reply(ANSWER_WITHIN).time)
        return versions(data)

    def _cache(self, tree, path, package):
        """With a lease, that is given back when smbd asks for it"""
        part = self._random.choice(PARTS)
        with self._open(tree, f'{path}/{part}', package,
                        lease='RWH') as opened:
            opened.read()
            time.sleep(self._random.uniform(0, 0.2))

    def _durable(self, tree, path, package):
        """The connection ends, and the client comes back or does not"""
        away = self._random.uniform(0, 0.7)
        comes, reset = self._random.random() < 0.7, self._random.random() < 0.5
        share = tree.share
        durable = Durable(2, timeout=DURABLE_SECONDS * 1000)
        with self._open(tree, f'{path}/{PARTS[0]}', package, lease='RWH',
                        durable=durable) as opened:
            opened.read()
            self._drop(reset)
            time.sleep(away)
            if comes:
                opened.come_back(self._tree(share))
                opened.read()

    def _write(self, tree, path, package):
        """A file of one's own"""
        with self._open(tree, f'{path}/mine{self.number}', package,
                        Access.READ_WRITE | Access.DELETE,
                        disposition=Disposition.OPEN_IF) as opened:
            opened.handle.write(b'mine')
            opened.read()
            if self._random.random() < 0.3:
                opened.handle.set_delete()

    def _attributes(self, tree, path, package):
        with self._open(tree, f'{path}/{PROGRAM}', package,
                        Access.ATTRIBUTES_ONLY) as opened:
            opened.handle.query_info()


def main():
    """See above"""
    number, port, seed, log, *address = sys.argv[1:]
    with open(log, 'w', encoding='utf-8') as file:
        client = Client(int(number), int(port), seed, file, *address)
        thread = threading.Thread(target=client.run)
        thread.start()
        for line in sys.stdin:
            if line.strip() == 'reset':
                client.reset()
        client.stopping.set()
        thread.join()


if __name__ == '__main__':
    main()
