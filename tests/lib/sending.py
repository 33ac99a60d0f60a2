"""READs whose answers wait in smbd because their client does not read.

smbd sends the data of a READ with sendfile(2), or copies it, when it has sent
what it had to send before.
"""

import contextlib
import os
import time

from .caching import CACHING_SHARE
from .smb2 import connect

PIECE = 1 << 16
CONTENT = os.urandom(PIECE)
LARGE = os.urandom(1 << 20)

# Reads are answered at once, by sendfile(2) or not
QUEUE_SHARES = {
    'sent': {**CACHING_SHARE, 'use sendfile': 'yes', 'aio read size': '0'},
    'copied': {**CACHING_SHARE, 'aio read size': '0'},
}


def put_files(server):
    """The same in all shares"""
    for share in server.shares:
        server.put(share, 'app/file', CONTENT)
        server.put(share, 'other/file', CONTENT[::-1])
        server.put(share, 'other/large', LARGE)


class Queue:
    """A client whose READs wait in smbd's send queue while it does not read

    handle, neighbour   in app and beside it, of a share with sendfile
    reads               one of each, whose data is sent with sendfile(2)
    """

    def __init__(self, server, **options):
        self.tree = connect(server.port, 'sent', window=4096, **options)
        self.connection = self.tree.connection
        self.handle = self.tree.create('app/file')
        self.neighbour = self.tree.create('other/file')
        self._large = self.tree.session.tree('copied').create('other/large')
        while self.connection.credits < 400:
            self.connection.echo()
        self.smbd = server.child_of(self.connection)
        self.reads = self._copied = ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.drop()

    @contextlib.contextmanager
    def filled(self):
        """More than a socket takes, and behind that the reads"""
        with self.connection.not_reading():
            self._copied = [self._large.read_nowait(0, len(LARGE))
                            for _ in range(10)]
            self.reads = [handle.read_nowait(0, PIECE) for handle in
                          (self.handle, self.neighbour)]
            time.sleep(0.5)
            yield

    def check(self):
        """All answers are whole, and the neighbour is there"""
        assert {request.wait() for request in self._copied} == {LARGE}
        assert [request.wait() for request in self.reads] == [
            CONTENT, CONTENT[::-1]]
        assert self.neighbour.read(0, PIECE) == CONTENT[::-1]
