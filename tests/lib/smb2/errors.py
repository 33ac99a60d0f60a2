"""What can go wrong, as exceptions."""

from .constants import NtStatus


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
