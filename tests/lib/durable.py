"""Clients that have lost their connection to an open durable handle."""

from lib.drain import Drain
from lib.smb2 import Durable, connect


def leave_durable(node, name):
    """One of them: its GUID and the handle, to come back with"""
    tree = connect(node.port, host=node.host)
    handle = tree.create(name, lease='RH', durable=Durable(2))
    assert handle.durable
    child = node.child_of(tree.connection)
    tree.connection.drop()
    node.wait_gone(child)
    return tree.connection.client_guid, handle


def purging_drain(server):
    """A fixture: the tool of a server. After each test nothing drains, and no
    client has a disconnected durable handle"""
    drain = Drain(server)
    yield drain
    drain.resume('--all')
    drain.begin('pkg', '--wait', '--purge-durables', '--timeout=20')
    drain.resume('pkg')
