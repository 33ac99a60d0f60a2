"""durable.py PORT: opens "file" with a durable handle, loses the connection,
and comes back to it when a line arrives on standard input."""

import sys
import time

from impacket import smb3structs as smb
from impacket.smbconnection import SMBConnection


def connect():
    connection = SMBConnection('127.0.0.1', '127.0.0.1',
                               sess_port=int(sys.argv[1]))
    connection.login('unknown', 'x')
    return connection, connection.connectTree('share')


def durable(connection, tree, tag, data):
    """MS-SMB2 2.2.13.2.3 (DHnQ) and 2.2.13.2.4 (DHnC)"""
    context = smb.SMB2CreateContext()
    context['NameOffset'] = 16
    context['NameLength'] = len(tag)
    context['DataOffset'] = 24
    context['DataLength'] = len(data)
    context['Buffer'] = tag + bytes(4) + data
    return connection.createFile(
        tree, 'file', smb.FILE_READ_DATA, smb.FILE_SHARE_READ,
        smb.FILE_NON_DIRECTORY_FILE, smb.FILE_OPEN,
        oplockLevel=smb.SMB2_OPLOCK_LEVEL_BATCH, createContexts=[context])


connection, tree = connect()
handle = durable(connection, tree, b'DHnQ', bytes(16))
connection.getSMBServer().close_session()
time.sleep(1)
print('disconnected', flush=True)
sys.stdin.readline()
connection, tree = connect()
handle = durable(connection, tree, b'DHnC', handle)
print('reconnected:', connection.readFile(tree, handle).decode().strip())
