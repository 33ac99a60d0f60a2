"""A raw SMB2/3 client that hides nothing.

Libraries answer oplock breaks by themselves, swallow STATUS_PENDING and close
what they opened.  This client does only what it is told, and shows every PDU:

    with Connection(port) as connection:
        tree = connection.session().tree('pkg')
        handle = tree.create('tool.exe', lease='RWH')
        request = other_tree.create_nowait('tool.exe')
        lease_break = connection.wait_break()
        assert request.wait_interim()           # STATUS_PENDING was sent
        lease_break.ack()                       # or later, or never
        request.wait().close()

An operation is a message (Create, Read...), which knows its wire format.
Sending one gives a Request; Request.wait() gives the parsed answer or raises
SmbError.  Every operation of Tree and Handle exists twice: ``read`` waits,
``read_nowait`` returns the Request.  Messages can also be chained with
``tree.compound(Create('f'), Read(), Close())``.

Speaks 2.0.2 to 3.1.1, with signing, without encryption.
"""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import hmac
import os
import select
import socket
import struct
import threading
import time
import uuid
from enum import IntEnum, IntFlag

from Cryptodome.Cipher import AES
from Cryptodome.Hash import CMAC
from impacket import ntlm
from impacket.crypto import KDF_CounterMode
from impacket.nt_errors import ERROR_MESSAGES

from lib.memcheck import SLOWNESS

TIMEOUT = 30

SMB_2_0_2, SMB_2_1, SMB_3_0, SMB_3_0_2, SMB_3_1_1 = (
    0x0202, 0x0210, 0x0300, 0x0302, 0x0311)

NOTIFICATION_MID = 0xFFFFFFFFFFFFFFFF
HEADER_SIZE = 64
CREDIT_UNIT = 65536
RELATED_FILE_ID = b'\xff' * 16


# -- constants, named as in MS-SMB2 and MS-ERREF -----------------------------

class NtStatus(IntEnum):
    """The status codes that tests speak of; others get their name too."""

    SUCCESS = 0
    PENDING = 0x00000103
    NOTIFY_CLEANUP = 0x0000010B
    NOTIFY_ENUM_DIR = 0x0000010C
    BUFFER_OVERFLOW = 0x80000005
    NO_MORE_FILES = 0x80000006
    STOPPED_ON_SYMLINK = 0x8000002D
    UNSUCCESSFUL = 0xC0000001
    INFO_LENGTH_MISMATCH = 0xC0000004
    INVALID_HANDLE = 0xC0000008
    INVALID_PARAMETER = 0xC000000D
    NO_SUCH_FILE = 0xC000000F
    INVALID_DEVICE_REQUEST = 0xC0000010
    END_OF_FILE = 0xC0000011
    MORE_PROCESSING_REQUIRED = 0xC0000016
    ACCESS_DENIED = 0xC0000022
    OBJECT_NAME_INVALID = 0xC0000033
    OBJECT_NAME_NOT_FOUND = 0xC0000034
    OBJECT_NAME_COLLISION = 0xC0000035
    OBJECT_PATH_NOT_FOUND = 0xC000003A
    SHARING_VIOLATION = 0xC0000043
    DELETE_PENDING = 0xC0000056
    FILE_LOCK_CONFLICT = 0xC0000054
    LOCK_NOT_GRANTED = 0xC0000055
    LOGON_FAILURE = 0xC000006D
    RANGE_NOT_LOCKED = 0xC000007E
    DISK_FULL = 0xC000007F
    INSUFFICIENT_RESOURCES = 0xC000009A
    DEVICE_NOT_READY = 0xC00000A3
    IO_TIMEOUT = 0xC00000B5
    FILE_IS_A_DIRECTORY = 0xC00000BA
    NOT_SUPPORTED = 0xC00000BB
    NETWORK_BUSY = 0xC00000BF
    NETWORK_NAME_DELETED = 0xC00000C9
    BAD_NETWORK_NAME = 0xC00000CC
    REQUEST_NOT_ACCEPTED = 0xC00000D0
    NOT_SAME_DEVICE = 0xC00000D4
    INVALID_OPLOCK_PROTOCOL = 0xC00000E3
    INTERNAL_ERROR = 0xC00000E5
    DIRECTORY_NOT_EMPTY = 0xC0000101
    NOT_A_DIRECTORY = 0xC0000103
    CANCELLED = 0xC0000120
    CANNOT_DELETE = 0xC0000121
    FILE_CLOSED = 0xC0000128
    INVALID_DEVICE_STATE = 0xC0000184
    USER_SESSION_DELETED = 0xC0000203
    RETRY = 0xC000022D
    FILE_NOT_AVAILABLE = 0xC0000467

    @classmethod
    def _missing_(cls, value):
        member = int.__new__(cls, value)
        member._value_ = value
        name = ERROR_MESSAGES.get(value, (f'0x{value:08X}',))[0]
        member._name_ = name.removeprefix('STATUS_')
        return member

    @property
    def is_error(self):
        """Whether the answer carries an error and not the result."""
        return self >= 0x80000000 and self != NtStatus.BUFFER_OVERFLOW

    def __str__(self):
        return f'STATUS_{self.name}'

    __repr__ = __str__


class Command(IntEnum):
    """SMB2 command codes."""

    NEGOTIATE = 0
    SESSION_SETUP = 1
    LOGOFF = 2
    TREE_CONNECT = 3
    TREE_DISCONNECT = 4
    CREATE = 5
    CLOSE = 6
    FLUSH = 7
    READ = 8
    WRITE = 9
    LOCK = 10
    IOCTL = 11
    CANCEL = 12
    ECHO = 13
    QUERY_DIRECTORY = 14
    CHANGE_NOTIFY = 15
    QUERY_INFO = 16
    SET_INFO = 17
    OPLOCK_BREAK = 18


class HeaderFlag(IntFlag):
    """Flags of the SMB2 header."""

    RESPONSE = 1
    ASYNC = 2
    RELATED = 4
    SIGNED = 8


class Capability(IntFlag):
    """Capabilities of client and server (NEGOTIATE)."""

    DFS = 0x01
    LEASING = 0x02
    LARGE_MTU = 0x04
    MULTI_CHANNEL = 0x08
    PERSISTENT_HANDLES = 0x10
    DIRECTORY_LEASING = 0x20
    ENCRYPTION = 0x40


class SessionFlag(IntFlag):
    """What kind of session the server made."""

    IS_GUEST = 1
    IS_NULL = 2
    ENCRYPT_DATA = 4


class Access(IntFlag):
    """Access mask of a CREATE; the directory names mean the same bits."""

    FILE_READ_DATA = 0x00000001
    FILE_LIST_DIRECTORY = 0x00000001
    FILE_WRITE_DATA = 0x00000002
    FILE_ADD_FILE = 0x00000002
    FILE_APPEND_DATA = 0x00000004
    FILE_ADD_SUBDIRECTORY = 0x00000004
    FILE_READ_EA = 0x00000008
    FILE_WRITE_EA = 0x00000010
    FILE_EXECUTE = 0x00000020
    FILE_TRAVERSE = 0x00000020
    FILE_DELETE_CHILD = 0x00000040
    FILE_READ_ATTRIBUTES = 0x00000080
    FILE_WRITE_ATTRIBUTES = 0x00000100
    DELETE = 0x00010000
    READ_CONTROL = 0x00020000
    WRITE_DAC = 0x00040000
    WRITE_OWNER = 0x00080000
    SYNCHRONIZE = 0x00100000
    ACCESS_SYSTEM_SECURITY = 0x01000000
    MAXIMUM_ALLOWED = 0x02000000
    GENERIC_ALL = 0x10000000
    GENERIC_EXECUTE = 0x20000000
    GENERIC_WRITE = 0x40000000
    GENERIC_READ = 0x80000000
    # What Windows programs ask for, with the generic bits resolved.
    READ = 0x00120089
    READ_WRITE = 0x0012019F
    EXECUTE = 0x001200A0
    ATTRIBUTES_ONLY = 0x00100080


class Share(IntFlag):
    """What others may do while the file is open."""

    NONE = 0
    READ = 1
    WRITE = 2
    DELETE = 4
    ALL = 7


class Disposition(IntEnum):
    """What to do when the file exists, or does not."""

    SUPERSEDE = 0
    OPEN = 1
    CREATE = 2
    OPEN_IF = 3
    OVERWRITE = 4
    OVERWRITE_IF = 5


class Option(IntFlag):
    """Options of a CREATE."""

    NONE = 0
    DIRECTORY_FILE = 0x00000001
    WRITE_THROUGH = 0x00000002
    SEQUENTIAL_ONLY = 0x00000004
    NO_INTERMEDIATE_BUFFERING = 0x00000008
    NON_DIRECTORY_FILE = 0x00000040
    NO_EA_KNOWLEDGE = 0x00000200
    RANDOM_ACCESS = 0x00000800
    DELETE_ON_CLOSE = 0x00001000
    OPEN_BY_FILE_ID = 0x00002000
    OPEN_FOR_BACKUP_INTENT = 0x00004000
    OPEN_REPARSE_POINT = 0x00200000


class Attribute(IntFlag):
    """File attributes."""

    READONLY = 0x01
    HIDDEN = 0x02
    SYSTEM = 0x04
    DIRECTORY = 0x10
    ARCHIVE = 0x20
    NORMAL = 0x80


class OplockLevel(IntEnum):
    """Oplock that a CREATE asks for and gets."""

    NONE = 0x00
    II = 0x01
    EXCLUSIVE = 0x08
    BATCH = 0x09
    LEASE = 0xFF


class LeaseState(IntFlag):
    """What a lease lets the client cache."""

    NONE = 0
    READ = 1
    HANDLE = 2
    WRITE = 4

    @classmethod
    def of(cls, text):
        """'RWH', 'RH', 'R', '' or a number, as a lease state."""
        if isinstance(text, str):
            letters = {'R': cls.READ, 'H': cls.HANDLE, 'W': cls.WRITE}
            return functools.reduce(
                cls.__or__, (letters[letter] for letter in text), cls.NONE)
        return cls(text)


class LockFlag(IntFlag):
    """Kind of a byte range lock."""

    SHARED = 0x01
    EXCLUSIVE = 0x02
    UNLOCK = 0x04
    FAIL_IMMEDIATELY = 0x10


class InfoType(IntEnum):
    """What kind of information a QUERY_INFO or SET_INFO is about."""

    FILE = 1
    FILESYSTEM = 2
    SECURITY = 3


class FileInfo(IntEnum):
    """Classes of InfoType.FILE."""

    BASIC = 4
    STANDARD = 5
    INTERNAL = 6
    RENAME = 10
    LINK = 11
    DISPOSITION = 13
    ALL = 18
    ALLOCATION = 19
    END_OF_FILE = 20
    STREAM = 22


FILE_ID_BOTH_DIRECTORY_INFORMATION = 37
NOTIFY_DIRECTORY_NAMES = 0x00000002
NOTIFY_ALL = 0x00000FFF
WATCH_TREE = 0x0001
CLOSE_POSTQUERY_ATTRIB = 0x0001


# -- errors -----------------------------------------------------------------

class SmbError(Exception):
    """The server answered with an error."""

    def __init__(self, status, what=''):
        super().__init__(f'{what}: {NtStatus(status)}' if what
                         else str(NtStatus(status)))
        self.status = NtStatus(status)


class ConnectionLost(Exception):
    """The connection is gone, and with it the answer."""


class ProtocolError(Exception):
    """The server said something that this client does not understand."""


# -- create contexts --------------------------------------------------------

@dataclasses.dataclass
class Lease:
    """A lease to ask for, or one that was granted.

    version 1 for SMB 2.1, 2 from 3.0 on; None is the dialect's own.
    """

    state: LeaseState = LeaseState.NONE
    key: bytes = dataclasses.field(default_factory=lambda: os.urandom(16))
    version: int = None
    epoch: int = 0
    parent_key: bytes = None

    def __post_init__(self):
        self.state = LeaseState.of(self.state)

    def context(self, dialect):
        """The create context that asks for this lease."""
        data = self.key + struct.pack('<IIQ', self.state, 0, 0)
        if (self.version or (2 if dialect >= SMB_3_0 else 1)) == 2:
            has_parent = 4 if self.parent_key else 0
            data = (self.key + struct.pack('<IIQ', self.state, has_parent, 0)
                    + (self.parent_key or bytes(16))
                    + struct.pack('<HH', self.epoch, 0))
        return b'RqLs', data

    @classmethod
    def parse(cls, data):
        """The lease in the answer to a CREATE."""
        state, = struct.unpack_from('<I', data, 16)
        if len(data) < 52:
            return cls(state, data[:16], 1)
        flags, = struct.unpack_from('<I', data, 20)
        epoch, = struct.unpack_from('<H', data, 48)
        return cls(state, data[:16], 2, epoch,
                   data[32:48] if flags & 4 else None)


@dataclasses.dataclass
class Durable:
    """A durable handle to ask for, or (reconnect) to come back to.

    version 2 needs SMB 3; timeout is in milliseconds, 0 is the server's own.
    """

    version: int = 1
    timeout: int = 0
    persistent: bool = False
    create_guid: bytes = dataclasses.field(
        default_factory=lambda: uuid.uuid4().bytes_le)
    reconnect: bytes = None

    def context(self):
        """The create context that asks for it."""
        flags = 2 if self.persistent else 0
        if self.version == 1:
            if self.reconnect:
                return b'DHnC', self.reconnect
            return b'DHnQ', bytes(16)
        if self.reconnect:
            return b'DH2C', (self.reconnect + self.create_guid
                             + struct.pack('<I', flags))
        return b'DH2Q', (struct.pack('<IIQ', self.timeout, flags, 0)
                         + self.create_guid)


def pack_contexts(contexts):
    """Chain (name, data) create contexts."""
    packed = b''
    for index, (name, data) in enumerate(contexts):
        padded = name + bytes(-len(name) % 8)
        body = struct.pack('<HHHHI', 16, len(name), 0,
                           16 + len(padded) if data else 0,
                           len(data)) + padded + data
        last = index == len(contexts) - 1
        if not last:
            body += bytes(-(len(body) + 4) % 8)
        packed += struct.pack('<I', 0 if last else len(body) + 4) + body
    return packed


def parse_contexts(data):
    """The create contexts of an answer: {name: data}."""
    contexts = {}
    while data:
        following, name_at, name_len, _, data_at, data_len = (
            struct.unpack_from('<IHHHHI', data))
        name = data[name_at:name_at + name_len]
        contexts[name] = data[data_at:data_at + data_len]
        if not following:
            break
        data = data[following:]
    return contexts


# -- PDUs -------------------------------------------------------------------

class Pdu:
    """One SMB2 message from the server."""

    def __init__(self, raw):
        (magic, _, _, status, command, self.credits, flags, self.next,
         self.mid, extra, self.session_id, self.signature) = struct.unpack(
             '<4sHHIHHIIQQQ16s', raw[:HEADER_SIZE])
        if magic != b'\xfeSMB':
            raise ProtocolError(f'not an SMB2 header: {raw[:16]!r}')
        self.raw = raw[:self.next or len(raw)]
        self.body = self.raw[HEADER_SIZE:]
        self.status = NtStatus(status)
        self.command = Command(command)
        self.flags = HeaderFlag(flags)
        is_async = bool(flags & HeaderFlag.ASYNC)
        self.async_id = extra if is_async else None
        self.tree_id = None if is_async else extra >> 32
        self.time = time.time()

    def __repr__(self):
        suffix = '' if self.async_id is None else f' async {self.async_id:#x}'
        return f'<{self.command.name} mid {self.mid} {self.status}{suffix}>'

    def buffer(self, offset, length):
        """A part of the message, counted from its header."""
        return self.raw[offset:offset + length]


class Request:
    """A request on its way; what became of it so far.

    interim   the STATUS_PENDING answer, or None
    reply     the final answer, or None
    sent_at   when it was sent, like the time of a Pdu in seconds since 1970
    """

    def __init__(self, connection, message, session, tree):
        self.connection = connection
        self.message = message
        self.session = session
        self.tree = tree
        self.mid = None
        self.packet = None
        self.interim = None
        self.reply = None
        self.sent_at = None

    def __repr__(self):
        return (f'<request {self.message.command.name} mid {self.mid} '
                f'interim {self.interim} reply {self.reply}>')

    @property
    def done(self):
        """Whether the final answer is here."""
        return self.reply is not None

    def wait_interim(self, timeout=TIMEOUT):
        """Wait for STATUS_PENDING and return it; None if the final answer
        came without one."""
        self.connection.wait_for(
            lambda: self.interim or self.reply, timeout, self)
        return self.interim

    def wait_reply(self, timeout=None):
        """Wait for the final answer, whatever it is, and return the Pdu."""
        self.connection.wait_for(lambda: self.reply, timeout, self)
        return self.reply

    def status(self, timeout=None):
        """Wait for the final answer and return its NtStatus."""
        return self.wait_reply(timeout).status

    def wait(self, timeout=None):
        """Wait for the final answer; returns its content.

        Raises SmbError if it is an error.
        """
        reply = self.wait_reply(timeout)
        if reply.status.is_error:
            raise SmbError(reply.status, str(self.message))
        return self.message.parse(reply, self)

    def cancel(self):
        """Ask the server to give up; the answer comes as for any other."""
        self.connection.cancel(self)


# -- messages ---------------------------------------------------------------

class Message:
    """A request's content: pack() writes it, parse() reads the answer."""

    command = None
    file_id = b''

    def pack(self, dialect):
        """The body as it is sent."""
        raise NotImplementedError

    def parse(self, reply, _request):
        """What Request.wait() returns."""
        return reply

    def payload(self):
        """How many bytes go there or come back, for the credit charge."""
        return 0

    def __str__(self):
        return self.command.name


class _Empty(Message):
    """A message with nothing in it."""

    def pack(self, dialect):
        return struct.pack('<HH', 4, 0)


class Logoff(_Empty):
    command = Command.LOGOFF


class TreeDisconnect(_Empty):
    command = Command.TREE_DISCONNECT


class Echo(_Empty):
    command = Command.ECHO


class _Cancel(_Empty):
    command = Command.CANCEL


class Negotiate(Message):
    """Offers dialects, and for 3.1.1 the one hash that exists."""

    command = Command.NEGOTIATE

    def __init__(self, dialects, capabilities, client_guid):
        self.dialects = dialects
        self.capabilities = capabilities if max(dialects) >= SMB_3_0 else 0
        self.client_guid = client_guid

    def pack(self, dialect):
        fixed = struct.pack('<HHHHI', 36, len(self.dialects), 1, 0,
                            self.capabilities) + self.client_guid
        offered = b''.join(struct.pack('<H', d) for d in self.dialects)
        if SMB_3_1_1 not in self.dialects:
            return fixed + bytes(8) + offered
        padding = bytes(-(HEADER_SIZE + 36 + len(offered)) % 8)
        contexts_at = HEADER_SIZE + 36 + len(offered) + len(padding)
        # Preauthentication integrity, 38 bytes: SHA-512 and a salt.
        context = (struct.pack('<HHIHHH', 1, 38, 0, 1, 32, 1)
                   + os.urandom(32))
        return (fixed + struct.pack('<IHH', contexts_at, 1, 0)
                + offered + padding + context)


class SessionSetup(Message):
    """Carries one NTLMSSP message."""

    command = Command.SESSION_SETUP

    def __init__(self, token, previous_session_id=0, binding=False):
        self.token = token
        self.previous_session_id = previous_session_id
        self.binding = binding

    def pack(self, dialect):
        return struct.pack('<HBBIIHHQ', 25, self.binding, 1, 0, 0,
                           HEADER_SIZE + 24,
                           len(self.token), self.previous_session_id
                           ) + self.token

    @staticmethod
    def token_of(reply):
        """The server's NTLMSSP message."""
        return reply.buffer(*struct.unpack_from('<HH', reply.body, 4))


class TreeConnect(Message):
    """Connects to a share."""

    command = Command.TREE_CONNECT

    def __init__(self, share):
        self.share = share

    def pack(self, dialect):
        path = f'\\\\localhost\\{self.share}'.encode('utf-16le')
        return struct.pack('<HHHH', 9, 0, HEADER_SIZE + 8, len(path)) + path

    def __str__(self):
        return f'TREE_CONNECT {self.share}'


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


class _FileMessage(Message):
    """A message about a handle; in a compound the one opened before it."""

    def __init__(self, file_id=RELATED_FILE_ID):
        self.file_id = file_id


class Close(_FileMessage):
    """Closes a handle."""

    command = Command.CLOSE

    def __init__(self, file_id=RELATED_FILE_ID, flags=0):
        super().__init__(file_id)
        self.flags = flags

    def pack(self, dialect):
        return struct.pack('<HHI', 24, self.flags, 0) + self.file_id


class Flush(_FileMessage):
    """Has the server write the file to disk."""

    command = Command.FLUSH

    def pack(self, dialect):
        return struct.pack('<HHI', 24, 0, 0) + self.file_id


class Read(_FileMessage):
    """Reads; gives bytes."""

    command = Command.READ

    def __init__(self, offset=0, length=CREDIT_UNIT,
                 file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.offset = offset
        self.length = length

    def pack(self, dialect):
        return (struct.pack('<HBBIQ', 49, HEADER_SIZE + 16, 0, self.length,
                            self.offset)
                + self.file_id + bytes(4 + 4 + 4 + 2 + 2 + 1))

    def payload(self):
        return self.length

    def parse(self, reply, _request):
        offset, _, length = struct.unpack_from('<BBI', reply.body, 2)
        return reply.buffer(offset, length)


class Write(_FileMessage):
    """Writes; gives the number of bytes."""

    command = Command.WRITE

    def __init__(self, data, offset=0, file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.data = data
        self.offset = offset

    def pack(self, dialect):
        return (struct.pack('<HHIQ', 49, HEADER_SIZE + 48, len(self.data),
                            self.offset)
                + self.file_id + bytes(4 + 4 + 2 + 2 + 4) + self.data)

    def payload(self):
        return len(self.data)

    def parse(self, reply, _request):
        return struct.unpack_from('<I', reply.body, 4)[0]


class Lock(_FileMessage):
    """Locks or unlocks one range."""

    command = Command.LOCK

    def __init__(self, offset, length, flags, file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.offset = offset
        self.length = length
        self.flags = flags

    def pack(self, dialect):
        return (struct.pack('<HHI', 48, 1, 0) + self.file_id
                + struct.pack('<QQII', self.offset, self.length, self.flags,
                              0))


class Ioctl(_FileMessage):
    """A file system control; gives its output."""

    command = Command.IOCTL

    def __init__(self, code, data=b'', max_output=CREDIT_UNIT,
                 file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.code = code
        self.data = data
        self.max_output = max_output

    def pack(self, dialect):
        at = HEADER_SIZE + 56
        return (struct.pack('<HHI', 57, 0, self.code) + self.file_id
                + struct.pack('<IIIIIIII', at, len(self.data), 0, at, 0,
                              self.max_output, 1, 0)
                + (self.data or b'\0'))

    def parse(self, reply, _request):
        return reply.buffer(*struct.unpack_from('<II', reply.body, 32))


class _OutputMessage(_FileMessage):
    """A message whose answer is one buffer."""

    max_output = CREDIT_UNIT

    def payload(self):
        return self.max_output

    def parse(self, reply, _request):
        offset, length = struct.unpack_from('<HI', reply.body, 2)
        return self.parse_output(reply.buffer(offset, length))

    def parse_output(self, data):
        """The content of the buffer."""
        return data


@dataclasses.dataclass
class DirectoryEntry:
    """One entry of a directory listing."""

    name: str
    size: int
    attributes: Attribute
    file_id: int


class QueryDirectory(_OutputMessage):
    """Lists a directory; gives DirectoryEntry objects, as many as fit."""

    command = Command.QUERY_DIRECTORY

    def __init__(self, pattern='*', file_id=RELATED_FILE_ID, flags=0):
        super().__init__(file_id)
        self.pattern = pattern
        self.flags = flags

    def pack(self, dialect):
        pattern = self.pattern.encode('utf-16le')
        return (struct.pack('<HBBI', 33, FILE_ID_BOTH_DIRECTORY_INFORMATION,
                            self.flags, 0) + self.file_id
                + struct.pack('<HHI', HEADER_SIZE + 32, len(pattern),
                              self.max_output) + pattern)

    def parse_output(self, data):
        entries = []
        while data:
            following, = struct.unpack_from('<I', data)
            size, = struct.unpack_from('<Q', data, 40)
            attributes, name_length = struct.unpack_from('<II', data, 56)
            file_id, = struct.unpack_from('<Q', data, 96)
            name = data[104:104 + name_length].decode('utf-16le')
            entries.append(DirectoryEntry(
                name, size, Attribute(attributes), file_id))
            if not following:
                break
            data = data[following:]
        return entries


class ChangeNotify(_OutputMessage):
    """Waits for a change in a directory; gives (action, name) pairs."""

    command = Command.CHANGE_NOTIFY
    max_output = 4096

    def __init__(self, filter_=NOTIFY_ALL, flags=0, file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.filter = filter_
        self.flags = flags

    def pack(self, dialect):
        return (struct.pack('<HHI', 32, self.flags, self.max_output)
                + self.file_id + struct.pack('<II', self.filter, 0))

    def parse_output(self, data):
        changes = []
        while data:
            following, action, length = struct.unpack_from('<III', data)
            changes.append((action, data[12:12 + length].decode('utf-16le')))
            if not following:
                break
            data = data[following:]
        return changes


class QueryInfo(_OutputMessage):
    """Asks for information; gives it as it is on the wire."""

    command = Command.QUERY_INFO

    def __init__(self, info_class, info_type=InfoType.FILE, additional=0,
                 file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.info_class = info_class
        self.info_type = info_type
        self.additional = additional

    def pack(self, dialect):
        return (struct.pack('<HBBIHHIII', 41, self.info_type,
                            self.info_class, self.max_output, 0, 0, 0,
                            self.additional, 0) + self.file_id)


class SetInfo(_FileMessage):
    """Sets information, given as it is on the wire."""

    command = Command.SET_INFO

    def __init__(self, info_class, data, info_type=InfoType.FILE,
                 additional=0, file_id=RELATED_FILE_ID):
        super().__init__(file_id)
        self.info_class = info_class
        self.info_type = info_type
        self.additional = additional
        self.data = data

    def pack(self, dialect):
        return (struct.pack('<HBBIHHI', 33, self.info_type, self.info_class,
                            len(self.data), HEADER_SIZE + 32, 0,
                            self.additional) + self.file_id + self.data)

    @classmethod
    def name(cls, info_class, name, replace, **fields):
        """A rename or a link to name, counted from the share's root."""
        name = name.replace('/', '\\').encode('utf-16le')
        data = struct.pack('<B7xQI', replace, 0, len(name)) + name
        return cls(info_class, data, **fields)


class LeaseBreakAck(Message):
    """Gives back (a part of) a lease."""

    command = Command.OPLOCK_BREAK

    def __init__(self, key, state):
        self.key = key
        self.state = LeaseState.of(state)

    def pack(self, dialect):
        return (struct.pack('<HHI', 36, 0, 0) + self.key
                + struct.pack('<IQ', self.state, 0))


class OplockBreakAck(Message):
    """Gives back (a part of) an oplock."""

    command = Command.OPLOCK_BREAK

    def __init__(self, file_id, level):
        self.level = level
        self.file_id = file_id

    def pack(self, dialect):
        return struct.pack('<HBBI', 24, self.level, 0, 0) + self.file_id


# -- break notifications ----------------------------------------------------

class Break:
    """The server asks for a lease or an oplock back.

    old and new are states (of an oplock only the new one is told).
    """

    def __init__(self, connection, pdu):
        self.connection = connection
        self.pdu = pdu
        self.time = pdu.time
        if struct.unpack_from('<H', pdu.body)[0] == 44:
            self._parse_lease(pdu.body)
        else:
            self._parse_oplock(pdu.body)

    def _parse_lease(self, body):
        self.is_lease = True
        self.epoch, flags = struct.unpack_from('<HI', body, 2)
        self.ack_required = bool(flags & 1)
        self.key = body[8:24]
        self.old, self.new = map(
            LeaseState, struct.unpack_from('<II', body, 24))

    def _parse_oplock(self, body):
        self.is_lease = False
        self.new = OplockLevel(body[2])
        self.key = body[8:24]
        self.old = None
        self.epoch = None
        # Only a level II oplock ends without an answer.
        self.ack_required = (
            self.connection.oplock_of(self.key) != OplockLevel.II)

    def __repr__(self):
        kind = 'lease' if self.is_lease else 'oplock'
        return f'<{kind} break {self.old!r} -> {self.new!r}>'

    def ack_nowait(self, state=None):
        """Agree, or claim to keep another state; returns the Request."""
        state = self.new if state is None else state
        message = (LeaseBreakAck if self.is_lease else OplockBreakAck)(
            self.key, state)
        return self.connection.tree_of(self.key).send(message)

    def ack(self, state=None, timeout=None):
        """Agree, or claim to keep another state."""
        return self.ack_nowait(state).wait(timeout)


# -- cryptography -----------------------------------------------------------

class Signer:
    """Signs and checks the messages of a session."""

    def __init__(self, dialect, session_key, preauth_hash):
        self._cmac = dialect >= SMB_3_0
        self._key = self._derive(dialect, session_key, preauth_hash)

    @staticmethod
    def _derive(dialect, session_key, preauth_hash):
        if dialect >= SMB_3_1_1:
            return KDF_CounterMode(session_key, b'SMBSigningKey\0',
                                   preauth_hash, 128)
        if dialect >= SMB_3_0:
            return KDF_CounterMode(session_key, b'SMB2AESCMAC\0',
                                   b'SmbSign\0', 128)
        return session_key

    def signature(self, packet):
        """The signature of a packet, whatever its signature field holds."""
        packet = packet[:48] + bytes(16) + packet[64:]
        if self._cmac:
            return CMAC.new(self._key, packet, AES).digest()
        return hmac.digest(self._key, packet, hashlib.sha256)[:16]

    def sign(self, packet):
        """The packet with its signature."""
        return packet[:48] + self.signature(packet) + packet[64:]


_NTLM_FLAGS = 0x00088215
_NTLM_ANONYMOUS = 0x00000800


def _ntlm_authenticate(flags, user, lm_response, nt_response):
    """An AUTHENTICATE message that proves nothing."""
    payload = b''
    fields = b''
    for value in (lm_response, nt_response, b'', user.encode('utf-16le'),
                  b'', b''):
        fields += struct.pack('<HHI', len(value), len(value),
                              64 + len(payload))
        payload += value
    return (b'NTLMSSP\0' + struct.pack('<I', 3) + fields
            + struct.pack('<I', flags) + payload)


class _NtlmGuest:
    """The anonymous user, or one whom the server maps to its guest."""

    def __init__(self, user):
        self.user = user or ''
        self.session_key = None

    def negotiate(self):
        """The first message."""
        return b'NTLMSSP\0' + struct.pack('<II', 1, _NTLM_FLAGS) + bytes(16)

    def authenticate(self, _challenge):
        """The second message."""
        if self.user:
            return _ntlm_authenticate(_NTLM_FLAGS, self.user, bytes(24),
                                      os.urandom(24))
        return _ntlm_authenticate(_NTLM_FLAGS | _NTLM_ANONYMOUS, '', b'\0',
                                  b'')


class _NtlmUser:
    """A user with a password (NTLMv2)."""

    def __init__(self, user, password, domain):
        self._credentials = (user, password, domain)
        self._first = ntlm.getNTLMSSPType1(signingRequired=True)
        self.session_key = None

    def negotiate(self):
        """The first message."""
        return self._first.getData()

    def authenticate(self, challenge):
        """The second message; the session key is known from here on."""
        second, self.session_key = ntlm.getNTLMSSPType3(
            self._first, challenge, *self._credentials)
        return second.getData()


# -- connection -------------------------------------------------------------

def waiting(method):
    """The waiting form of a method that returns a Request."""
    @functools.wraps(method)
    def wrapper(*args, timeout=None, **fields):
        return method(*args, **fields).wait(timeout)
    wrapper.__name__ = method.__name__.removesuffix('_nowait')
    return wrapper


class Connection:
    """A TCP connection to the server, with the dialect negotiated.

    dialects      offered ones; the server takes the highest
    client_guid   16 bytes; random, since smbd gives a connection with a known
                  one to the process that serves that client already
    on_break      called with every Break, in a thread of its own;
                  ``Break.ack`` answers them all as a good client does
    source        address to come from, e.g. 127.0.0.2
    window        size of the receive buffer of the socket; small: the server
                  has to queue its answers while nobody reads; see not_reading()
    """

    def __init__(self, port, *, host='127.0.0.1', dialects=(SMB_3_0,),
                 client_guid=None, on_break=None, timeout=TIMEOUT,
                 source=None, window=None,
                 capabilities=~Capability.ENCRYPTION & 0x7F):
        self.timeout = timeout
        self.client_guid = client_guid or uuid.uuid4().bytes_le
        self.on_break = on_break
        self.pdus = collections.deque(maxlen=1000)
        self.breaks = []
        self.dialect = 0
        self.preauth_hash = bytes(64)
        self._changed = threading.Condition()
        self._send_lock = threading.Lock()
        self._requests = {}
        self._owners = {}
        self._signers = {}
        self._next_mid = 0
        self._credits = 1
        self._lost = None
        self._reads = threading.Event()
        self._reads.set()
        self._socket = self._connected(host, port, source, window)
        self.local_port = self._socket.getsockname()[1]
        self._stop_reader, self._stop = socket.socketpair()
        self._reader = threading.Thread(target=self._read_all, daemon=True)
        self._reader.start()
        try:
            self._negotiate(dialects, capabilities)
        except BaseException:
            self.drop()
            raise

    def _connected(self, host, port, source, window):
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        sock = socket.socket(family)
        sock.settimeout(self.timeout)
        if window:  # before the connection is made, or it grows
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        try:
            if source:
                sock.bind((source, 0))
            sock.connect((host, port))
        except OSError:
            sock.close()
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    @property
    def alive(self):
        """Whether the connection still stands."""
        return self._lost is None

    @property
    def credits(self):
        """How many requests may be sent now."""
        return self._credits

    def _negotiate(self, dialects, capabilities):
        message = Negotiate(dialects, capabilities, self.client_guid)
        request = self.send(message)
        reply = request.wait()
        self.dialect, = struct.unpack_from('<H', reply.body, 4)
        (self.capabilities, _, self.max_read,
         self.max_write) = struct.unpack_from('<IIII', reply.body, 24)
        self.capabilities = Capability(self.capabilities)
        self.preauth_hash = self.extend_hash(self.preauth_hash, request)

    @staticmethod
    def extend_hash(value, request, with_reply=True):
        """The 3.1.1 hash over what was said before the session has keys."""
        value = hashlib.sha512(value + request.packet).digest()
        if with_reply:
            value = hashlib.sha512(value + request.reply.raw).digest()
        return value

    # -- sending

    def send(self, message, session=None, tree=None):
        """Send one message; returns its Request."""
        return self.compound([(message, session, tree)])[0]

    def compound(self, messages, related=False):
        """Send (message, session, tree) triples as one; returns Requests."""
        requests = [Request(self, *triple) for triple in messages]
        with self._send_lock:
            self._take_credits(sum(map(self._charge, requests)))
            frame = b''
            for index, request in enumerate(requests):
                last = index == len(requests) - 1
                frame += self._packet(request, last, related and index > 0)
            self._transmit(frame, requests)
        return requests

    def _charge(self, request):
        """Credits that a request costs."""
        if self.dialect < SMB_2_1:
            return 1
        return max(1, -(-request.message.payload() // CREDIT_UNIT))

    def _take_credits(self, number):
        self.wait_for(lambda: self._credits >= number, None, 'credits')
        with self._changed:
            self._credits -= number

    def _packet(self, request, last, related):
        """The bytes of one request within a frame, with a message id."""
        body = request.message.pack(self.dialect)
        length = HEADER_SIZE + len(body)
        if not last:
            body += bytes(-length % 8)
        flags = HeaderFlag.RELATED if related else 0
        charge = self._charge(request)
        request.mid = self._next_mid
        self._next_mid += charge
        header = self._header(request, request.mid, flags,
                              0 if last else HEADER_SIZE + len(body), charge)
        request.packet = self._sign(request.session, header + body)
        return request.packet

    @staticmethod
    def _header(request, mid, flags, following, charge, async_id=None):
        related = flags & HeaderFlag.RELATED
        session_id = request.session.id if request.session else 0
        tree_id = request.tree.id if request.tree else 0
        if related:
            session_id, tree_id = 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF
        extra = 0xFEFF | tree_id << 32
        if async_id is not None:
            flags |= HeaderFlag.ASYNC
            extra = async_id
        return struct.pack(
            '<4sHHIHHIIQQQ16s', b'\xfeSMB', HEADER_SIZE, charge, 0,
            request.message.command, 64, flags, following, mid, extra,
            session_id, bytes(16))

    @staticmethod
    def _sign(session, packet):
        if not session or not session.signer or not session.sign:
            return packet
        flags = struct.unpack_from('<I', packet, 16)[0] | HeaderFlag.SIGNED
        packet = packet[:16] + struct.pack('<I', flags) + packet[20:]
        return session.signer.sign(packet)

    def _transmit(self, frame, requests=()):
        """Put a frame on the wire; the caller has the send lock."""
        with self._changed:
            for request in requests:
                request.sent_at = time.time()
                self._requests[request.mid] = request
        try:
            self._socket.sendall(struct.pack('>I', len(frame)) + frame)
        except OSError as error:
            self._lose(error)
            raise ConnectionLost(str(error)) from error

    def cancel(self, request):
        """Send a CANCEL for a request; it has no answer of its own."""
        async_id = request.interim.async_id if request.interim else None
        cancel = Request(self, _Cancel(), request.session, None)
        header = self._header(cancel, request.mid, 0, 0, 0, async_id)
        packet = header + cancel.message.pack(self.dialect)
        with self._send_lock:
            self._transmit(self._sign(request.session, packet))

    # -- receiving

    def _read_all(self):
        """The reader thread: until the connection ends, or drop()."""
        try:
            while True:
                length, = struct.unpack('>I', self._receive(4))
                self._frame(self._receive(length & 0xFFFFFF))
        except Exception as error:
            self._lose(error)

    @contextlib.contextmanager
    def not_reading(self):
        """Leave in the socket what the server sends meanwhile."""
        self._reads.clear()
        try:
            yield
        finally:
            self._reads.set()

    def _receive(self, length):
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._stop_reader, select.POLLIN)
        data = bytearray()
        while len(data) < length:
            self._reads.wait()
            ready = dict(poll.poll())
            if self._stop_reader.fileno() in ready:
                raise ConnectionLost('dropped by ourselves')
            part = self._socket.recv(length - len(data))
            if not part:
                raise ConnectionLost('closed by the server')
            data += part
        return bytes(data)

    def _frame(self, raw):
        while raw:
            pdu = Pdu(raw)
            raw = raw[pdu.next:] if pdu.next else b''
            self._check_signature(pdu)
            self._dispatch(pdu)

    def _check_signature(self, pdu):
        signer = self._signers.get(pdu.session_id)
        if (pdu.flags & HeaderFlag.SIGNED and signer
                and signer.signature(pdu.raw) != pdu.signature):
            raise ProtocolError(f'bad signature: {pdu}')

    def _dispatch(self, pdu):
        notification = None
        with self._changed:
            self.pdus.append(pdu)
            self._credits += pdu.credits
            if pdu.mid == NOTIFICATION_MID:
                notification = Break(self, pdu)
                self.breaks.append(notification)
            else:
                self._answer(pdu)
            self._changed.notify_all()
        if notification and self.on_break:
            threading.Thread(target=self._tell_break, args=(notification,),
                             daemon=True).start()

    def _tell_break(self, notification):
        try:
            self.on_break(notification)
        except ConnectionLost:
            pass    # dropped meanwhile: nobody waits for an answer

    def _answer(self, pdu):
        request = self._requests.get(pdu.mid)
        if request is None:
            raise ProtocolError(f'answer to nothing: {pdu}')
        if pdu.status == NtStatus.PENDING:
            request.interim = pdu
            return
        request.reply = pdu
        del self._requests[pdu.mid]
        if pdu.command == Command.CREATE and not pdu.status.is_error:
            self._remember_owner(pdu, request)

    def _remember_owner(self, pdu, request):
        """Breaks name a lease key or a file id, not the tree they are on."""
        level = OplockLevel(pdu.body[2])
        self._owners[pdu.body[64:80]] = (request.tree, level)
        if level == OplockLevel.LEASE and request.message.lease:
            self._owners[request.message.lease.key] = (request.tree, level)

    def _lose(self, error):
        with self._changed:
            self._lost = self._lost or error
            self._changed.notify_all()

    def tree_of(self, key):
        """The tree of a lease key or file id."""
        return self._owners[key][0]

    def oplock_of(self, file_id):
        """The oplock with which a file id was opened."""
        return self._owners.get(file_id, (None, None))[1]

    # -- waiting

    def wait_for(self, predicate, timeout, what):
        """Wait until the reader made predicate() true; returns its value."""
        timeout = (self.timeout if timeout is None else timeout) * SLOWNESS
        with self._changed:
            self._changed.wait_for(lambda: predicate() or self._lost, timeout)
            result = predicate()
        if not result:
            if self._lost:
                raise ConnectionLost(f'{what}: {self._lost}')
            raise TimeoutError(f'{what}: not within {timeout} s')
        return result

    def wait_break(self, timeout=5):
        """Wait for the next break, take it from the list and return it."""
        self.wait_for(lambda: self.breaks, timeout, 'break')
        with self._changed:
            return self.breaks.pop(0)

    def wait_lost(self, timeout=10):
        """Wait until the server has closed the connection."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._lost,
                                          timeout * SLOWNESS):
                raise TimeoutError(f'still connected after {timeout} s')

    # -- sessions, end

    def session(self, user=None, password=None, **options):
        """Set up a session: anonymous, guest (a user whom the server does not
        know, no password) or a user's; see Session."""
        return Session(self, user, password, **options)

    def add_signer(self, session_id, signer):
        """Check the server's signatures in this session from now on."""
        self._signers[session_id] = signer

    def echo_nowait(self):
        """ECHO."""
        return self.send(Echo())

    echo = waiting(echo_nowait)

    def drop(self, reset=False):
        """Close the TCP connection, without a word or with a reset."""
        if self._socket.fileno() < 0:
            return
        # The socket must not be in use when it is closed: a reader that
        # sleeps in it would keep the kernel from sending anything.
        self._stop.close()
        self._reads.set()
        self._reader.join(TIMEOUT)
        self._stop_reader.close()
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                    struct.pack('ii', 1, 0))
        self._socket.close()


class Session:
    """A user on a connection.

    user and password     none: anonymous.  A user without a password: the
                          server's guest, if it maps unknown users to that
    sign                  sign requests, where there is a key to sign with
    previous_session_id   a lost session that the server may forget
    binding               a session to bind the connection to, as one more
                          channel (SMB 3.0; with the same user and password)
    """

    def __init__(self, connection, user=None, password=None, *, domain='',
                 sign=True, previous_session_id=0, binding=None):
        self.connection = connection
        self.id = binding.id if binding else 0
        self.sign = sign
        self.signer = binding.signer if binding else None
        self.binding = binding is not None
        mechanism = (_NtlmGuest(user) if password is None
                     else _NtlmUser(user, password, domain))
        first = self._step(mechanism.negotiate(), previous_session_id)
        self._expect(first, NtStatus.MORE_PROCESSING_REQUIRED)
        self.id = first.reply.session_id
        challenge = SessionSetup.token_of(first.reply)
        second = self._step(mechanism.authenticate(challenge),
                            previous_session_id)
        self._expect(second, NtStatus.SUCCESS)
        self.flags = SessionFlag(
            struct.unpack_from('<H', second.reply.body, 2)[0])
        self._make_keys(mechanism, first, second)

    def _step(self, token, previous_session_id):
        request = self.connection.send(
            SessionSetup(token, previous_session_id, self.binding), self)
        request.wait_reply()
        return request

    @staticmethod
    def _expect(request, status):
        if request.reply.status != status:
            raise SmbError(request.reply.status, 'SESSION_SETUP')

    def _make_keys(self, mechanism, first, second):
        anonymous = SessionFlag.IS_GUEST | SessionFlag.IS_NULL
        if not mechanism.session_key or self.flags & anonymous:
            return
        extend = self.connection.extend_hash
        value = extend(self.connection.preauth_hash, first)
        value = extend(value, second, with_reply=False)
        self.signer = Signer(self.connection.dialect, mechanism.session_key,
                             value)
        self.connection.add_signer(self.id, self.signer)

    def tree(self, share):
        """Connect to a share."""
        return Tree(self, share)

    def logoff_nowait(self):
        """LOGOFF."""
        return self.connection.send(Logoff(), self)

    logoff = waiting(logoff_nowait)


class Tree:
    """A share that a session is connected to."""

    def __init__(self, session, share):
        self.session = session
        self.connection = session.connection
        self.share = share
        reply = self.connection.send(TreeConnect(share), session).wait()
        self.id = reply.tree_id
        self.maximal_access, = struct.unpack_from('<I', reply.body, 12)

    def __str__(self):
        return self.share

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.drop()

    def send(self, message):
        """Send a message on this tree; returns its Request."""
        return self.connection.send(message, self.session, self)

    def compound(self, *messages, related=True):
        """Send messages in one frame; returns their Requests.

        Related ones work on the handle that the one before them used.
        """
        return self.connection.compound(
            [(message, self.session, self) for message in messages], related)

    def create_nowait(self, name, access=Access.READ, **fields):
        """CREATE, see the message; gives a Handle."""
        return self.send(Create(name, access, **fields))

    create = waiting(create_nowait)

    def reconnect_nowait(self, handle, lease=None):
        """Come back to the durable handle of a lost connection."""
        durable = dataclasses.replace(
            handle.requested_durable, reconnect=handle.file_id)
        return self.create_nowait(
            handle.name, handle.requested.access, durable=durable,
            lease=lease or handle.lease, oplock=handle.oplock,
            share=handle.requested.share)

    reconnect = waiting(reconnect_nowait)

    def disconnect_nowait(self):
        """TREE_DISCONNECT."""
        return self.send(TreeDisconnect())

    disconnect = waiting(disconnect_nowait)

    # -- whole operations, for what a test does not look at closely

    def status_of_open(self, name, access=Access.READ, **fields):
        """Open and close; returns the NtStatus of the CREATE."""
        try:
            self.create(name, access, **fields).close()
        except SmbError as error:
            return error.status
        return NtStatus.SUCCESS

    def read_file(self, name):
        """The content of a file."""
        with self.create(name) as handle:
            data = b''
            while len(data) < handle.size:
                data += handle.read(len(data))
            return data

    def write_file(self, name, data):
        """Make a file with this content."""
        with self.create(name, Access.READ_WRITE,
                         disposition=Disposition.OVERWRITE_IF) as handle:
            for offset in range(0, len(data), CREDIT_UNIT):
                handle.write(data[offset:offset + CREDIT_UNIT], offset)

    def make_directory(self, name):
        """Create a directory."""
        self.create(name, Access.ATTRIBUTES_ONLY,
                    disposition=Disposition.CREATE,
                    options=Option.DIRECTORY_FILE).close()

    def list_directory(self, name='', pattern='*'):
        """The entries of a directory, without . and .. ."""
        with self.create(name, Access.READ,
                         options=Option.DIRECTORY_FILE) as handle:
            return handle.list(pattern)

    def unlink(self, name):
        """Delete a file or an empty directory."""
        self.create(name, Access.DELETE,
                    options=Option.DELETE_ON_CLOSE).close()


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


def connect(port, share='pkg', *, user=None, password=None, binding=None,
            **options):
    """A tree on a connection and a session of its own.

    As a context manager the tree drops its connection at the end.
    """
    connection = Connection(port, **options)
    try:
        return connection.session(user, password,
                                  binding=binding).tree(share)
    except BaseException:
        connection.drop()
        raise
