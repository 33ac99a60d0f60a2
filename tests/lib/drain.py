"""Runs smbdrain against a PrivateSmbd, as an administrator would."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time

import tdb

from lib import memcheck
from lib.memcheck import SLOWNESS
from lib.smbd import wait_until

BUILD = os.environ.get('DRAIN_BUILD', '')
TIMEOUT = 60 * SLOWNESS


class Started(subprocess.Popen):
    """A tool in the background; under valgrind it takes longer"""

    def wait(self, timeout=None):
        return super().wait(timeout and timeout * SLOWNESS)


class Drain:
    """smbdrain with the smb.conf of one PrivateSmbd

    Each call of a verb returns a subprocess.CompletedProcess with text in
    stdout and stderr; `expect` is the exit status that is asserted (None:
    any).
    """

    def __init__(self, server, build=BUILD):
        self.server = server
        self.program = os.path.join(build, 'smbdrain')
        # For who calls it by itself
        self.bare = (os.path.join(build, memcheck.SANITIZED)
                     if memcheck.ACTIVE else self.program)
        self.wrapper = memcheck.WRAPPER

    def command(self, *arguments):
        """The words of a command line"""
        return [*self.server.enter, *self._program(arguments),
                '-s', str(self.server.conf), *arguments]

    def _program(self, arguments):
        log = self.server.log_dir
        if any('publish' in word for word in arguments):
            return ['env', *map('='.join, memcheck.sanitizers(log).items()),
                    self.bare]
        return [*(word.format(log=log) for word in self.wrapper), self.program]

    def call(self, *arguments, expect=0, timeout=TIMEOUT, **popen):
        """Run to the end"""
        done = subprocess.run(self.command(*arguments), text=True,
                              capture_output=True, timeout=timeout,
                              check=False, stdin=subprocess.DEVNULL, **popen)
        if expect is not None:
            assert done.returncode == expect, (
                '%s: %d, not %d\n%s%s' % (' '.join(arguments),
                                          done.returncode, expect,
                                          done.stdout, done.stderr))
        return done

    def start(self, *arguments, **popen):
        """Start in the background; the caller ends it"""
        options = {'text': True, 'stdout': subprocess.PIPE,
                   'stderr': subprocess.PIPE, 'stdin': subprocess.DEVNULL}
        return Started(self.command(*arguments), **{**options, **popen})

    def begin(self, target, *options, **keywords):
        return self.call('begin', target, *options, **keywords)

    def wait(self, target, *options, **keywords):
        return self.call('wait', target, *options, **keywords)

    def resume(self, target, *options, **keywords):
        return self.call('resume', target, *options, **keywords)

    def run(self, target, *command, options=(), **keywords):
        return self.call('run', target, *options, '--', *command, **keywords)

    def status(self, *arguments):
        """The document of status --json"""
        return json.loads(self.call('status', *arguments, '--json').stdout)

    def state(self, target):
        """'open', 'arming', 'armed' or 'quiescent'"""
        drains = self.status(target)['drains']
        return drains[0]['state'] if drains else 'open'

    def holders(self, target, *options):
        """The list of holders --json"""
        done = self.call('holders', target, *options, '--json')
        return json.loads(done.stdout)['holders']

    def records(self, forget=False):
        """The drains as they are stored: {id: bytes}; asks no smbd

        forget: take them away, behind everybody's back.
        """
        path = self.server.base / 'state' / 'smbdrain.tdb'
        if not path.exists():
            return {}
        store = tdb.open(str(path), flags=os.O_RDWR)
        try:
            records = {key: store[key] for key in store}
            for key in records if forget else ():
                store.delete(key)
            return records
        finally:
            store.close()

    def locks(self):
        """The names of our locks that somebody has, such as drain/roster"""
        path = self.server.base / 'lock' / 'g_lock.tdb'
        if not path.exists():
            return set()
        # It is locked by mutexes that python lacks, so it is read without; an
        # entry that moves meanwhile makes that fail
        for _ in range(100):
            with contextlib.suppress(OSError):
                return self._read_locks(path)
            time.sleep(0.01)
        raise TimeoutError(f'{path}: never to be read')

    @staticmethod
    def _read_locks(path):
        locks = tdb.open(str(path), tdb_flags=tdb.NOLOCK, flags=os.O_RDONLY)
        try:
            return {key.rstrip(b'\0').decode() for key in locks
                    if key.startswith(b'drain/')}
        finally:
            locks.close()

    def lose_locks(self, name):
        """Take away the locks of that name, as somebody does who takes those that
        have them for dead; nobody may use the database meanwhile"""
        locks = tdb.open(str(self.server.base / 'lock' / 'g_lock.tdb'),
                         tdb_flags=tdb.NOLOCK, flags=os.O_RDWR)
        try:
            keys = [key for key in locks if key.startswith(name.encode())]
            for key in keys:
                locks.delete(key)
        finally:
            locks.close()
        return len(keys)

    def wait_for_state(self, target, state, timeout=10):
        """Until another process has got it there"""
        wait_until(lambda: self.state(target) == state, timeout,
                   '%s %s' % (target, state), interval=0.05)


@contextlib.contextmanager
def stopped(pid):
    """A process stands still meanwhile; it may be killed while it does"""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def ended(*processes):
    """What Drain.start() gave is gone afterwards, whatever happens"""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def waiting(drain, target='pkg/app'):
    """A waiter that has begun to wait"""
    waiter = drain.start('wait', target)
    with ended(waiter):
        time.sleep(0.5)
        assert waiter.poll() is None, waiter.communicate()
        yield waiter


class Monitor:
    """smbdrain monitor --json in the background; its events as they come"""

    def __init__(self, drain, *arguments):
        self.events = []
        self.process = drain.start('monitor', *arguments, '--json')
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def names(self):
        """Of the events so far"""
        return [event['event'] for event in list(self.events)]

    def wait_for(self, name, timeout=10):
        """Until an event of that name has come"""
        end = time.monotonic() + timeout * SLOWNESS
        while name not in self.names():
            assert time.monotonic() < end, '%s: only %s' % (name,
                                                            self.names())
            time.sleep(0.01)

    def __enter__(self):
        time.sleep(0.3 * SLOWNESS)  # it says nothing when there is nothing to say
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.thread.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def as_nobody(*command):
    """Run a command as a user without rights"""
    return subprocess.run(
        ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups',
         *map(str, command)], text=True, capture_output=True, timeout=20,
        check=False)


def complaint(done):
    """The one line of standard error with which a call of smbdrain failed"""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, 'not one line: %r' % done.stderr
    assert lines[0].startswith('smbdrain: '), lines[0]
    return lines[0].removeprefix('smbdrain: ')


MSG_DRAIN_REQUEST = 0xDA00
MSG_DRAIN_REPLY = 0xDA01
MESSAGE_VERSION = 3  # DRAIN_MESSAGE_VERSION of drain.idl

MSG_PING = 2
MSG_PONG = 3

# In a process of its own: Samba's libraries keep one bus in a process. What
# does not fit into the receiver's socket is sent in the loop, and lost if the
# sender ends: the answer to the last message, a ping, says that all is read.
_SENDER = r'''
import json, os, sys, time
from samba.messaging import Messaging
from samba.param import LoadParm

job = json.load(sys.stdin)
lp = LoadParm()
lp.load(job['conf'])
bus = Messaging(own_id=(0,), lp_ctx=lp)
pongs = []
bus.register((lambda *answer: pongs.append(answer), None), job['pong'])
for number, payload in enumerate(job['payloads']):
    bus.send((job['pid'], 0), job['type'], bytes.fromhex(payload))
    if number % 5 == 4:
        bus.loop_once(0.005)
bus.send((job['pid'], 0), job['ping'], b'')
end = time.monotonic() + job['timeout']
while not pongs and time.monotonic() < end:
    bus.loop_once(0.05)
    if not os.path.exists('/proc/%d' % job['pid']):
        break
else:
    if not pongs:
        sys.exit('%d does not read its messages' % job['pid'])
'''


def send_messages(server, pid, kind, *payloads):
    """Send messages of a type to a process of Samba's, as a stranger would"""
    job = {'conf': str(server.conf), 'pid': pid, 'type': kind,
           'ping': MSG_PING, 'pong': MSG_PONG, 'timeout': TIMEOUT / 2,
           'payloads': [payload.hex() for payload in payloads]}
    done = subprocess.run(['/usr/bin/python3', '-c', _SENDER], text=True,
                          input=json.dumps(job), capture_output=True,
                          timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
