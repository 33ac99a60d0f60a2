"""Clients that keep files open for their caches, as Windows and Linux do."""

import threading
import time

from .smb2 import ConnectionLost, SmbError, connect
from .smbd import DURABLE_SHARE

# A share with the module that grants everything a client can cache with.
CACHING_SHARE = {'vfs objects': 'drain', **DURABLE_SHARE}


class CachingClient:
    """A client whose programs have closed what it still has open

    It closes a handle when the server breaks the lease on it, `patience`
    seconds later. That is what redirectors do with a deferred close.
    """

    def __init__(self, port, patience=0, **options):
        self.patience = patience
        self.handles = {}
        self.tree = connect(port, on_break=self._close, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tree.connection.drop()

    def cache(self, name, lease='RWH', **fields):
        """Open a file, use it, and keep it for the next program"""
        handle = self.tree.create(name, lease=lease, **fields)
        self.handles[handle.lease.key] = handle
        return handle

    def _close(self, notification):
        time.sleep(self.patience)
        handle = self.handles.pop(notification.key, None)
        if handle:
            handle.close()


class WritingClient:
    """A client that has not written yet what its program wrote

    When its lease is broken it takes its time, writes, and gives the lease
    back; `written` is set then, `error` tells if that failed.
    """

    def __init__(self, port, data, patience=0, **options):
        self.data = data
        self.patience = patience
        self.written = threading.Event()
        self.error = None
        self.handle = None
        self.tree = connect(port, on_break=self._flush, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tree.connection.drop()

    def open(self, name, access, lease='RWH'):
        """Open a file to write into"""
        self.handle = self.tree.create(name, access, lease=lease)
        return self.handle

    def _flush(self, notification):
        if self.written.is_set():
            return
        time.sleep(self.patience)
        try:
            self.handle.write(self.data)
            notification.ack()
        except (SmbError, ConnectionLost) as error:
            self.error = error
        self.written.set()
