"""A PDU from the server, and a request with what the server answered."""

import functools
import struct
import time

from .constants import Command, HEADER_SIZE, HeaderFlag, NtStatus, TIMEOUT
from .errors import ProtocolError, SmbError


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


def waiting(method):
    """The waiting form of a method that returns a Request."""
    @functools.wraps(method)
    def wrapper(*args, timeout=None, **fields):
        return method(*args, **fields).wait(timeout)
    wrapper.__name__ = method.__name__.removesuffix('_nowait')
    return wrapper
