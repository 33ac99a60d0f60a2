"""A session, and the shares it is connected to."""

import dataclasses
import struct

from .auth import NtlmGuest, NtlmUser, Signer
from .constants import (
    Access, CREDIT_UNIT, Disposition, NtStatus, Option, SessionFlag)
from .errors import SmbError
from .handle import Create
from .messages import Logoff, SessionSetup, TreeConnect, TreeDisconnect
from .request import waiting


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
        mechanism = (NtlmGuest(user) if password is None
                     else NtlmUser(user, password, domain))
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
