"""CREATE, and the handle that it gives."""

import struct

from .constants import (
    Access, Attribute, CREDIT_UNIT, Command, Disposition, FileInfo,
    HEADER_SIZE, InfoType, LeaseState, LockFlag, NOTIFY_ALL, NtStatus,
    OplockLevel, Option, Share, WATCH_TREE)
from .contexts import Durable, Lease, pack_contexts, parse_contexts
from .errors import SmbError
from .messages import (
    ChangeNotify, Close, Flush, Ioctl, Lock, Message, QueryDirectory,
    QueryInfo, Read, SetInfo, Write)
from .request import waiting


class Create(Message):
    """Opens or creates a file or a directory."""

    command = Command.CREATE

    def __init__(self, name, access=Access.READ, *, share=Share.ALL,
                 disposition=Disposition.OPEN, options=Option.NONE,
                 attributes=Attribute.NORMAL, oplock=OplockLevel.NONE,
                 lease=None, durable=None, contexts=()):
        """lease: a Lease or 'RWH'; durable: a Durable or its version."""
        if isinstance(lease, (str, LeaseState)):
            lease = Lease(lease)
        if isinstance(durable, int):
            durable = Durable(durable)
        self.name = name
        self.access = access
        self.share = share
        self.disposition = disposition
        self.options = options
        self.attributes = attributes
        self.oplock = OplockLevel.LEASE if lease else oplock
        self.lease = lease
        self.durable = durable
        self.contexts = tuple(contexts)

    def pack(self, dialect):
        name = self.name.replace('/', '\\').encode('utf-16le')
        contexts = list(self.contexts)
        if self.lease:
            contexts.append(self.lease.context(dialect))
        if self.durable:
            contexts.append(self.durable.context())
        packed = pack_contexts(contexts)
        name_at = HEADER_SIZE + 56
        buffer = name + bytes(-len(name) % 8) if packed else name
        contexts_at = name_at + len(buffer) if packed else 0
        fixed = struct.pack(
            '<HBBIQQIIIIIHHII', 57, 0, self.oplock, 2, 0, 0, self.access,
            self.attributes, self.share, self.disposition, self.options,
            name_at, len(name), contexts_at, len(packed))
        return fixed + (buffer + packed or b'\0')

    def parse(self, reply, request):
        return Handle(reply, request)

    def __str__(self):
        return f'CREATE {self.name}'


class Handle:
    """An open file or directory, and what the server granted with it.

    lease     the granted Lease, or None
    durable   whether the handle is durable
    """

    def __init__(self, reply, request):
        self.tree = request.tree
        self.requested = request.message
        self.requested_durable = request.message.durable
        self.name = request.message.name
        body = reply.body
        self.oplock = OplockLevel(body[2])
        self.action, = struct.unpack_from('<I', body, 4)
        self.size, = struct.unpack_from('<Q', body, 48)
        self.attributes = Attribute(struct.unpack_from('<I', body, 56)[0])
        self.file_id = body[64:80]
        self.contexts = parse_contexts(
            reply.buffer(*struct.unpack_from('<II', body, 80)))
        lease = self.contexts.get(b'RqLs')
        self.lease = Lease.parse(lease) if lease else None
        durable = request.message.durable
        self.durable = bool({b'DHnQ', b'DH2Q'} & self.contexts.keys()
                            or durable and durable.reconnect)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()

    def __repr__(self):
        return f'<handle {self.name} {self.oplock!r} {self.lease}>'

    def send(self, message):
        """Send a message about this handle; returns its Request."""
        message.file_id = self.file_id
        return self.tree.send(message)

    def close_nowait(self, flags=0):
        """CLOSE."""
        return self.send(Close(flags=flags))

    close = waiting(close_nowait)

    def is_closed(self):
        """Whether the server does not know it any more."""
        return (self.read_nowait(length=1).wait_reply().status ==
                NtStatus.FILE_CLOSED)

    def flush_nowait(self):
        """FLUSH."""
        return self.send(Flush())

    flush = waiting(flush_nowait)

    def read_nowait(self, offset=0, length=CREDIT_UNIT):
        """READ; gives bytes."""
        return self.send(Read(offset, length))

    read = waiting(read_nowait)

    def write_nowait(self, data, offset=0):
        """WRITE; gives the number of bytes."""
        return self.send(Write(data, offset))

    write = waiting(write_nowait)

    def lock_nowait(self, offset=0, length=1, *, shared=False, block=True):
        """LOCK a range; without block it fails if it would have to wait."""
        flags = LockFlag.SHARED if shared else LockFlag.EXCLUSIVE
        if not block:
            flags |= LockFlag.FAIL_IMMEDIATELY
        return self.send(Lock(offset, length, flags))

    lock = waiting(lock_nowait)

    def unlock_nowait(self, offset=0, length=1):
        """Unlock a range."""
        return self.send(Lock(offset, length, LockFlag.UNLOCK))

    unlock = waiting(unlock_nowait)

    def ioctl_nowait(self, code, data=b'', max_output=CREDIT_UNIT):
        """IOCTL; gives its output."""
        return self.send(Ioctl(code, data, max_output))

    ioctl = waiting(ioctl_nowait)

    def notify_nowait(self, filter_=NOTIFY_ALL, tree=False):
        """CHANGE_NOTIFY; gives (action, name) pairs."""
        return self.send(ChangeNotify(filter_, WATCH_TREE if tree else 0))

    notify = waiting(notify_nowait)

    def query_directory_nowait(self, pattern='*'):
        """QUERY_DIRECTORY; gives DirectoryEntry objects, as many as fit."""
        return self.send(QueryDirectory(pattern))

    query_directory = waiting(query_directory_nowait)

    def list(self, pattern='*'):
        """All entries of the directory, without . and .. ."""
        entries = []
        try:
            while True:
                entries += self.query_directory(pattern)
        except SmbError as error:
            if error.status not in (NtStatus.NO_MORE_FILES,
                                    NtStatus.NO_SUCH_FILE):
                raise
        return [entry for entry in entries if entry.name not in ('.', '..')]

    def query_info_nowait(self, info_class=FileInfo.STANDARD,
                          info_type=InfoType.FILE, additional=0):
        """QUERY_INFO; gives bytes."""
        return self.send(QueryInfo(info_class, info_type, additional))

    query_info = waiting(query_info_nowait)

    def set_info_nowait(self, info_class, data, info_type=InfoType.FILE,
                        additional=0):
        """SET_INFO with bytes."""
        return self.send(SetInfo(info_class, data, info_type, additional))

    set_info = waiting(set_info_nowait)

    def rename_nowait(self, name, replace=False):
        """Rename to a name from the share's root; needs Access.DELETE."""
        return self.send(SetInfo.name(FileInfo.RENAME, name, replace))

    rename = waiting(rename_nowait)

    def link_nowait(self, name, replace=False):
        """Make a hard link with a name from the share's root."""
        return self.send(SetInfo.name(FileInfo.LINK, name, replace))

    link = waiting(link_nowait)

    def set_delete_nowait(self, delete=True):
        """Delete on close, or not; needs Access.DELETE."""
        return self.set_info_nowait(FileInfo.DISPOSITION,
                                    struct.pack('<B', delete))

    set_delete = waiting(set_delete_nowait)

    def set_size_nowait(self, size):
        """Set the end of file."""
        return self.set_info_nowait(FileInfo.END_OF_FILE,
                                    struct.pack('<Q', size))

    set_size = waiting(set_size_nowait)

    def set_allocation_nowait(self, size):
        """Set the allocation size."""
        return self.set_info_nowait(FileInfo.ALLOCATION,
                                    struct.pack('<Q', size))

    set_allocation = waiting(set_allocation_nowait)

    def set_attributes_nowait(self, attributes):
        """Set the file attributes, the times stay."""
        return self.set_info_nowait(
            FileInfo.BASIC, struct.pack('<QQQQII', 0, 0, 0, 0, attributes, 0))

    set_attributes = waiting(set_attributes_nowait)
