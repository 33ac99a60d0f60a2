"""Breaks of leases and oplocks."""

import struct

from .constants import LeaseState, OplockLevel
from .messages import LeaseBreakAck, OplockBreakAck


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
