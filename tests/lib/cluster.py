"""A CTDB cluster of stock smbds on one machine.

Each node is a PrivateSmbd with a ctdbd of its own, on a machine of its own
(network.py) with two networks: `cluster`, on which the ctdbds speak with each
other, and `clients`, on which ours reach smbd, by an address that the node
always has or by public ones that CTDB moves.  The shares are directories that
all nodes see, which stand for the cluster file system.

    with Cluster('example', {'pkg': {'vfs objects': 'drain'}}) as cluster:
        cluster.nodes[0].put('pkg', 'app/tool.exe', b'MZ')
        ...connect to cluster.nodes[2].host, cluster.nodes[2].port...

ctdbd takes its directory from the environment in its test mode only, which
also turns real-time scheduling off, and ends when its standard input does.
"""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

from .network import Machine, Switch
from .smbd import PrivateSmbd, descendants, is_alive, wait_until

CTDBD = '/usr/sbin/ctdbd'
CTDB = '/usr/bin/ctdb'
CTDB_HELPERS = '/usr/libexec/ctdb'  # asked for from 4.25 on
FUNCTIONS = '/etc/ctdb/functions'   # of event scripts
OURS = Path(__file__).resolve().parents[2] / 'source' / 'ctdb'
# What 10.interface does, without ethtool and iptables; smbd is told by ctdbd
ADDRESSES = """\
#!/bin/sh
case $1 in
takeip) ip address replace "$3/$4" dev "$2" ;;
releaseip) ip address delete "$3/$4" dev "$2" || true ;;
esac
"""

# Leaders tell of themselves once a second: with less they flap, and the start
# takes longer.
LEADER_TIMEOUT = 3

# For a node that answers no more to be found out in seconds, not in 30, and
# for no more than a moment to be between two recoveries.
TUNABLES = {
    'KeepaliveInterval': 1,
    'KeepaliveLimit': 3,
    'RerecoveryTimeout': 1,
}

SLOW = """\
#!/bin/sh
[ "$1" != recovered ] || sleep {}
"""

START = 60
LOST = 30   # until the others go on without a node
BACK = 30   # until they are connected with one that is back
# ctdbd's helpers notice within five seconds that it was killed
HELPERS = 10


class Node(PrivateSmbd):
    """One node; start() and stop() are about its smbd alone"""

    def __init__(self, cluster, number, shares, global_options):
        self.number = number
        self.cluster = cluster
        self.machine = Machine()
        self.enter = self.machine.enter
        for switch in (cluster.inside, cluster.outside):
            switch.plug(self.machine, number + 1)
        self.address = cluster.inside.address(number + 1)
        self.host = cluster.outside.address(number + 1)
        self.ctdbd = None
        super().__init__(f'{cluster.name}-{number}', None, global_options)
        # All nodes are one server
        self.global_options.update({
            'clustering': 'yes',
            'ctdbd socket': self.base / 'run' / 'ctdbd.socket',
            'netbios name': 'CLUSTER',
            # Public addresses come later
            'interfaces': None,
            'bind interfaces only': None,
        })
        self.shares = {}
        for share, options in shares.items():
            self._add_share(share, options)
        self.write_conf()

    def write_ctdb_conf(self, addresses, lock):
        """Whatever ctdbd reads"""
        for name in ('run', 'var', 'events/legacy', 'db/volatile',
                     'db/persistent', 'db/state'):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        (self.base / 'nodes').write_text('\n'.join(addresses) + '\n')
        (self.base / 'public_addresses').write_text(''.join(
            f'{address}/24 {self.cluster.outside.name}\n'
            for address in self.cluster.public))
        (self.base / 'functions').symlink_to(FUNCTIONS)
        self.set_event_script('10.addresses', ADDRESSES)
        for script in OURS.glob('*.script'):
            self.set_event_script(script.stem, script.read_text())
        (self.base / 'ctdb.conf').write_text(f'''\
[cluster]
	node address = {self.address}
	cluster lock = {lock}
	leader timeout = {LEADER_TIMEOUT}
[database]
	volatile database directory = {self.base}/db/volatile
	persistent database directory = {self.base}/db/persistent
	state database directory = {self.base}/db/state
''')

    def set_event_script(self, name, text):
        """ctdbd runs it when something happens to the node"""
        path = self.base / 'events' / 'legacy' / f'{name}.script'
        path.write_text(text)
        path.chmod(0o755)
        return path

    @contextlib.contextmanager
    def slow_to_come_back(self, seconds):
        """So long are the databases in order before smbd is told so"""
        path = self.set_event_script('20.slow', SLOW.format(seconds))
        try:
            yield
        finally:
            path.unlink()

    # -- ctdbd

    @property
    def ctdb_environment(self):
        """For ctdbd and its tools"""
        return {**os.environ, 'CTDB_TEST_MODE': 'yes',
                'CTDB_TEST_HELPER_BINDIR': CTDB_HELPERS,
                'CTDB_BASE': str(self.base),
                'CTDB_SCRIPT_VARDIR': str(self.base / 'var')}

    def start_ctdbd(self):
        """Start it; it is healthy later"""
        with open(self.log_dir / 'ctdbd.log', 'ab') as log:
            self.ctdbd = subprocess.Popen(
                [*self.enter, CTDBD, '--interactive'],
                stdin=subprocess.PIPE, stdout=log, stderr=log,
                env=self.ctdb_environment, cwd=self.base,
                start_new_session=True)

    def ctdb(self, *arguments, timeout=20, check=True):
        """Run ctdb on this node"""
        return subprocess.run([CTDB, *map(str, arguments)], text=True,
                              capture_output=True, timeout=timeout,
                              check=check, stdin=subprocess.DEVNULL,
                              env=self.ctdb_environment)

    def set_tunables(self):
        """They are lost when ctdbd ends"""
        for name, value in TUNABLES.items():
            self.ctdb('setvar', name, value)

    def ctdb_pids(self):
        """ctdbd and all processes that come from it"""
        if self.ctdbd is None:
            return []
        return sorted(filter(is_alive, descendants(self.ctdbd.pid)))

    def kill_ctdbd(self):
        """It crashes; its helpers go too, as with a machine"""
        pids = self.ctdb_pids()
        self.ctdbd.kill()
        for pid in pids:
            self._kill(pid, signal.SIGKILL)
        self._ctdbd_has_ended()

    def stop_ctdbd(self):
        """As an administrator does"""
        if self.ctdbd is None:
            return
        self.ctdb('shutdown', check=False)
        try:
            self.ctdbd.wait(HELPERS)
        except subprocess.TimeoutExpired:
            self.kill_ctdbd()
        else:
            self._ctdbd_has_ended()

    def _ctdbd_has_ended(self):
        self.ctdbd.wait(HELPERS)
        self.ctdbd.stdin.close()
        wait_until(lambda: not self.ctdb_pids(), HELPERS,
                   f'end of what ctdbd {self.ctdbd.pid} has started')
        self.ctdbd = None

    # -- the node

    def crash(self):
        """The node is lost, all at once"""
        for pid in [*self.kill_all(), *self.ctdb_pids()]:
            self._kill(pid, signal.SIGKILL)
        self.stop()
        self._ctdbd_has_ended()

    @contextlib.contextmanager
    def cut_off(self):
        """The other nodes cannot be reached meanwhile, but clients can

        The leader is reached last: what nodes are asked that are connected
        after the recovery is lost, see docs/cluster.md.
        """
        leader = self.cluster.leader()
        self.cluster.inside.cut(self.number + 1)
        try:
            yield
        finally:
            with self.no_way_to(leader):
                self.cluster.inside.mend(self.number + 1)
                self.cluster.wait_in(self, without=leader)

    def is_out_for(self, other):
        """Whether another one has found out that this one does not answer"""
        return 'DISCONNECTED' in other.ctdb('nodestatus', self.number,
                                            check=False).stdout

    def no_way_to(self, node):
        """From this one; nor is there from that one, then"""
        return (contextlib.nullcontext() if node is self else
                self.machine.no_way_to(node.address))

    @contextlib.contextmanager
    def frozen(self):
        """Nothing on the node runs meanwhile"""
        pids = [*self.pids(), *self.ctdb_pids()]
        for pid in pids:
            self._kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                self._kill(pid, signal.SIGCONT)

    def close(self, keep_logs=False):
        """Stop all of it, and remove its directories"""
        self.stop()
        self.stop_ctdbd()
        super().close(keep_logs)
        self.machine.close()


class Cluster:
    """Nodes, all started; see the top of this file"""

    def __init__(self, name, shares, global_options=None, size=3):
        self.name = name
        self.inside = Switch('cluster', '10.77.0')
        self.outside = Switch('clients', '10.77.1')
        self.public = [self.outside.address(101 + number)
                       for number in range(size)]
        self.nodes = []
        for number in range(size):
            # The first node's directories are what all see
            self.nodes.append(Node(self, number, self._shared(shares),
                                   global_options))
        lock = self.nodes[0].base / 'cluster.lock'
        addresses = [node.address for node in self.nodes]
        for node in self.nodes:
            node.write_ctdb_conf(addresses, lock)

    def _shared(self, shares):
        if not self.nodes:
            return shares
        return {name: dict(self.nodes[0].shares[name]) for name in shares}

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close(keep_logs=True)
            raise

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Start what does not run, and wait until the cluster is well"""
        fresh = [node for node in self.nodes if node.ctdbd is None]
        for node in fresh:
            node.start_ctdbd()
        self.wait_healthy()
        for node in fresh:
            node.set_tunables()
        for node in self.nodes:
            if node.process is None:
                node.start()
        return self

    def is_healthy(self):
        """Whether all nodes say that all nodes are well"""
        for node in self.nodes:
            try:
                if node.ctdb('nodestatus', 'all', check=False,
                             timeout=5).returncode != 0:
                    return False
            except subprocess.TimeoutExpired:
                return False
        return True

    def _has_recovered(self):
        """Whether all nodes took part in the same recovery"""
        known = set()
        for node in self.nodes:
            try:
                # Waits for the leader, who tells of itself once a second
                status = node.ctdb('status', check=False, timeout=5).stdout
            except subprocess.TimeoutExpired:
                return False
            known.update(re.findall('^Generation:(.*)', status, re.M))
        return len(known) == 1 and 'INVALID' not in known

    def wait_healthy(self, timeout=START):
        """Until all nodes are well"""
        wait_until(self.is_healthy, timeout, f'{self.name} to be healthy',
                   0.1)

    def wait_recovered(self, timeout=START):
        """And none that was lost has a recovery to come"""
        self.wait_healthy(timeout)
        wait_until(self._has_recovered, timeout, f'{self.name} to recover',
                   0.1)

    def wait_out(self, node):
        """Until the others have found out that a node does not answer"""
        others = [other for other in self.nodes if other is not node]
        wait_until(lambda: all(map(node.is_out_for, others)), LOST,
                   f'node {node.number} to be out', 0.1)

    def wait_in(self, node, without):
        """Until the others are connected with it, or all but one are"""
        others = [other for other in self.nodes
                  if other not in (node, without)]
        wait_until(lambda: not any(map(node.is_out_for, others)), BACK,
                   f'node {node.number} to be in', 0.1)

    def leader(self):
        """The node that recovers the others"""
        return self.nodes[int(self.nodes[0].ctdb('leader').stdout)]

    def owner(self, address):
        """The node that has a public address now"""
        lines = self.nodes[0].ctdb('ip').stdout.splitlines()
        number = dict(line.split() for line in lines[1:])[address]
        return self.nodes[int(number)] if number != '-1' else None

    def public_address(self, node):
        """One that a node has; one is given to it if it has none"""
        for address in self.public:
            if self.owner(address) is node:
                return address
        node.ctdb('moveip', self.public[0], node.number)
        return self.public[0]

    def follower(self):
        """A node but the first, and not the leader

        One that leads and stands still keeps the cluster lock, so that the
        others cannot recover: on a real one the file system takes it away.
        """
        leader = self.leader()
        return next(node for node in self.nodes[1:] if node is not leader)

    def repair(self):
        """Start again what a test has ended"""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is not None:
                node.stop()
            if node.ctdbd is not None and node.ctdbd.poll() is not None:
                node.kill_ctdbd()
        self.start()

    def logs(self, length):
        """The end of those of each node"""
        return '\n'.join(f'-- node {node.number}\n{node.logs()[-length:]}'
                         for node in self.nodes)

    def check_logs(self, ignore=None):
        """Raise SmbdError if a log shows a crash"""
        for node in self.nodes:
            node.check_logs(ignore)

    def close(self, keep_logs=False):
        """Stop all, and remove all directories"""
        for node in reversed(self.nodes):
            node.stop()
        for node in reversed(self.nodes):
            node.stop_ctdbd()
        self.inside.close()
        self.outside.close()
        for node in reversed(self.nodes):
            node.close(keep_logs)
