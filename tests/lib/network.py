"""Machines with a network of their own, and what connects them.

A machine is a network namespace, a switch is a bridge in ours, and a cable a
pair of interfaces.  What runs on a machine is started through `enter`.  All of
it goes when who made it ends.
"""

import contextlib
import socket
import subprocess


def _ip(*words, enter=()):
    subprocess.run([*enter, 'ip', *map(str, words)], check=True, timeout=10,
                   stdin=subprocess.DEVNULL)


class Machine:
    """A network namespace, kept by a process that ends with us"""

    def __init__(self):
        self._keeper = subprocess.Popen(
            ['unshare', '--net', 'sh', '-c',
             'ip link set lo up && echo && exec cat'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._keeper.stdout.readline()
        self.enter = ['nsenter', '--net', '--target', str(self.pid), '--']

    @property
    def pid(self):
        """A process of the machine"""
        return self._keeper.pid

    @contextlib.contextmanager
    def no_way_to(self, address):
        """What it sends there gets lost meanwhile"""
        route = ['blackhole', f'{address}/32']
        _ip('route', 'add', *route, enter=self.enter)
        try:
            yield
        finally:
            _ip('route', 'delete', *route, enter=self.enter)

    def close(self):
        """Once nothing runs there"""
        self._keeper.communicate()


class Switch:
    """A bridge; on each machine the interface to it has its name

    Ours is address(254).
    """

    def __init__(self, name, network):
        self.name = name
        self._network = network
        self._machines = set()
        _ip('link', 'add', name, 'type', 'bridge')
        _ip('address', 'add', f'{self.address(254)}/24', 'dev', name)
        _ip('link', 'set', name, 'up')

    def address(self, number):
        """Of a machine in this network"""
        return f'{self._network}.{number}'

    def _cable(self, number):
        return f'{self.name}{number}'

    def plug(self, machine, number):
        """A cable, and an address"""
        cable = self._cable(number)
        _ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', self.name,
            'netns', machine.pid)
        self._machines.add(number)
        _ip('link', 'set', cable, 'master', self.name, 'up')
        for words in (['address', 'add', f'{self.address(number)}/24',
                       'dev', self.name],
                      ['link', 'set', self.name, 'up']):
            _ip(*words, enter=machine.enter)

    def cut(self, number):
        """The cable of a machine is broken"""
        _ip('link', 'set', self._cable(number), 'down')

    def mend(self, number):
        """It is there again"""
        _ip('link', 'set', self._cable(number), 'up')

    def close(self):
        """Cables and all"""
        for number in self._machines:
            _ip('link', 'delete', self._cable(number))
        _ip('link', 'delete', self.name)


def has_ipv6():
    """Whether a client can come over IPv6"""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(('::1', 0))
    except OSError:
        return False
    return True
