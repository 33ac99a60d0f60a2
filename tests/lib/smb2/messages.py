"""Requests of all commands but CREATE, in their wire format."""

import dataclasses
import os
import struct

from .constants import (
    Attribute, CREDIT_UNIT, Command, FILE_ID_BOTH_DIRECTORY_INFORMATION,
    HEADER_SIZE, InfoType, LeaseState, NOTIFY_ALL, RELATED_FILE_ID, SMB_3_0,
    SMB_3_1_1)


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


class Cancel(_Empty):
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
