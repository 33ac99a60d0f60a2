"""NTLM authentication, and signatures."""

import hashlib
import hmac
import os
import struct

from Cryptodome.Cipher import AES
from Cryptodome.Hash import CMAC
from impacket import ntlm
from impacket.crypto import KDF_CounterMode

from .constants import SMB_3_0, SMB_3_1_1


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


class NtlmGuest:
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


class NtlmUser:
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
