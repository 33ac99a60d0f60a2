"""Create contexts: leases and durable handles."""

import dataclasses
import os
import struct
import uuid

from .constants import LeaseState, SMB_3_0


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
