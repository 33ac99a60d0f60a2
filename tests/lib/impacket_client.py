"""Impacket as a second, independent client.

It behaves like an ordinary library: what the raw client of lib.smb2 shows
should be no surprise to this one.  Errors are SmbError, as there.
"""

import functools

from impacket import smb3structs
from impacket.smb3 import SessionError as Smb3Error
from impacket.smbconnection import SessionError, SMBConnection

from .smb2 import Access, Disposition, NtStatus, Option, Share, SmbError

TIMEOUT = 30


def _translate(method):
    """Raise SmbError in place of impacket's own exceptions."""
    @functools.wraps(method)
    def wrapper(self, *args, **fields):
        try:
            return method(self, *args, **fields)
        except SessionError as error:
            raise SmbError(error.getErrorCode(), method.__name__) from error
        except Smb3Error as error:
            raise SmbError(error.get_error_code(), method.__name__) from error
    return wrapper


class ImpacketClient:
    """A connection to one share; anonymous without a user.

    dialect   one of smb2.SMB_2_0_2..., or None for impacket's own choice
    """

    @_translate
    def __init__(self, port, share='pkg', *, user='', password='',
                 dialect=None, host='127.0.0.1', timeout=TIMEOUT):
        self.share = share
        self.connection = SMBConnection(host, host, sess_port=port,
                                        preferredDialect=dialect,
                                        timeout=timeout)
        self.connection.login(user, password)
        self.tree = self.connection.connectTree(share)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def drop(self):
        """Close the TCP connection without a word."""
        self.connection.getSMBServer().close_session()

    @property
    def dialect(self):
        """The negotiated dialect."""
        return self.connection.getDialect()

    @_translate
    def open(self, name, access=Access.READ, *, share=Share.ALL,
             disposition=Disposition.OPEN, options=Option.NONE):
        """Open a file or directory; returns its file id."""
        return self.connection.openFile(
            self.tree, name.replace('/', '\\'), int(access), int(share),
            int(options), int(disposition))

    @_translate
    def open_durable(self, name, back_to=None):
        """Open a file to read, with a batch oplock and a durable handle.

        back_to   the file id of one whose connection is lost
        """
        tag, data = b'DHnQ', bytes(16)
        if back_to:
            tag, data = b'DHnC', back_to
        context = smb3structs.SMB2CreateContext()
        context['NameOffset'] = 16
        context['NameLength'] = len(tag)
        context['DataOffset'] = 24
        context['DataLength'] = len(data)
        context['Buffer'] = tag + bytes(4) + data
        return self.connection.createFile(
            self.tree, name.replace('/', '\\'), int(Access.READ),
            int(Share.ALL), int(Option.NONE), int(Disposition.OPEN),
            oplockLevel=smb3structs.SMB2_OPLOCK_LEVEL_BATCH,
            createContexts=[context])

    @property
    def is_asked_for_its_cache(self):
        """Whether a break came among the answers so far."""
        # pylint: disable-next=protected-access
        waiting = self.connection.getSMBServer()._Connection[
            'OutstandingResponses']
        return any(packet['Command'] == smb3structs.SMB2_OPLOCK_BREAK
                   for packet in waiting.values())

    @_translate
    def close(self, file_id):
        """Close a file id."""
        self.connection.closeFile(self.tree, file_id)

    @_translate
    def read(self, file_id, offset=0, length=65536):
        """Read some bytes."""
        return self.connection.readFile(self.tree, file_id, offset, length)

    @_translate
    def write(self, file_id, data, offset=0):
        """Write some bytes."""
        return self.connection.writeFile(self.tree, file_id, data, offset)

    @_translate
    def list(self, pattern='*'):
        """The names that match, without . and .. ."""
        entries = self.connection.listPath(self.share, pattern)
        names = [entry.get_longname() for entry in entries]
        return sorted(name for name in names if name not in ('.', '..'))

    @_translate
    def rename(self, old, new):
        """Rename a file or directory."""
        self.connection.rename(self.share, old, new)

    @_translate
    def delete(self, name):
        """Delete a file."""
        self.connection.deleteFile(self.share, name)

    @_translate
    def make_directory(self, name):
        """Create a directory."""
        self.connection.createDirectory(self.share, name)

    def read_file(self, name):
        """The content of a file of at most 64 KiB."""
        file_id = self.open(name)
        try:
            return self.read(file_id)
        finally:
            self.close(file_id)

    def write_file(self, name, data):
        """Make a file with this content."""
        file_id = self.open(name, Access.READ_WRITE,
                            disposition=Disposition.OVERWRITE_IF)
        try:
            self.write(file_id, data)
        finally:
            self.close(file_id)

    def status_of_open(self, name, access=Access.READ, **fields):
        """Open and close; returns the NtStatus of the open."""
        try:
            self.close(self.open(name, access, **fields))
        except SmbError as error:
            return error.status
        return NtStatus.SUCCESS
