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

# For experiments that begin with "from lib.smb2 import *"
import os
import socket
import struct
import threading
import time
import uuid

from .auth import Signer
from .breaks import Break
from .connection import Connection, connect
from .constants import (
    Access, Attribute, CREDIT_UNIT, Capability, Command, Disposition, FileInfo,
    HEADER_SIZE, HeaderFlag, InfoType, LeaseState, LockFlag, NOTIFY_ALL,
    NOTIFY_DIRECTORY_NAMES, NtStatus, OplockLevel, Option, SMB_2_0_2, SMB_2_1,
    SMB_3_0, SMB_3_0_2, SMB_3_1_1, SessionFlag, Share, TIMEOUT)
from .contexts import Durable, Lease
from .errors import ConnectionLost, ProtocolError, SmbError
from .handle import Create, Handle
from .messages import (
    ChangeNotify, Close, DirectoryEntry, Echo, Flush, Ioctl, LeaseBreakAck,
    Lock, Logoff, Message, Negotiate, OplockBreakAck, QueryDirectory,
    QueryInfo, Read, SessionSetup, SetInfo, TreeConnect, TreeDisconnect, Write)
from .request import Pdu, Request
from .session import Session, Tree

__all__ = [
    'Access', 'Attribute', 'Break', 'CREDIT_UNIT', 'Capability',
    'ChangeNotify', 'Close', 'Command', 'Connection', 'ConnectionLost',
    'Create', 'DirectoryEntry', 'Disposition', 'Durable', 'Echo', 'FileInfo',
    'Flush', 'HEADER_SIZE', 'Handle', 'HeaderFlag', 'InfoType', 'Ioctl',
    'Lease',
    'LeaseBreakAck', 'LeaseState', 'Lock', 'LockFlag', 'Logoff', 'Message',
    'NOTIFY_ALL', 'NOTIFY_DIRECTORY_NAMES', 'Negotiate', 'NtStatus',
    'OplockBreakAck', 'OplockLevel', 'Option', 'Pdu', 'ProtocolError',
    'QueryDirectory', 'QueryInfo', 'Read', 'Request', 'SMB_2_0_2', 'SMB_2_1',
    'SMB_3_0', 'SMB_3_0_2', 'SMB_3_1_1', 'Session', 'SessionFlag',
    'SessionSetup', 'SetInfo', 'Share', 'Signer', 'SmbError', 'TIMEOUT',
    'Tree', 'TreeConnect', 'TreeDisconnect', 'Write', 'connect', 'os',
    'socket', 'struct', 'threading', 'time', 'uuid',
]
