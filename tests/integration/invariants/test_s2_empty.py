"""S2: a quiescent target is empty, S3 and S4 on the way: 500 drains."""

import random
import threading
import time

import pytest

from lib.smb2 import NtStatus, connect

DRAINS = 500
CLIENTS = 5

LOOKS = 10   # one drain of so many: smbstatus takes as long as a drain

# What the command of each run notes: from when to when the share was closed,
# and what Samba's own table of open files says meanwhile.
CHECK = '''
date +%s.%N
if [ -n "$1" ]; then
	/usr/bin/smbstatus -s "$1" -L | grep -F tool.exe
fi
date +%s.%N
'''


class Opener(threading.Thread):
    """A client that opens and closes at random

    opens   for each handle: when it was granted and when it was given up, by
            the client's clock
    """

    def __init__(self, server, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.tree = connect(server.port)
        self.stop = threading.Event()
        self.opens = []
        self.statuses = set()

    def run(self):
        with self.tree:
            while not self.stop.is_set():
                self._open_and_close()

    def _open_and_close(self):
        request = self.tree.create_nowait('app/tool.exe')
        status = request.status()
        self.statuses.add(status)
        if status == NtStatus.SUCCESS:
            handle = request.wait()
            self._pause(0.04)
            close = handle.close_nowait()
            self.opens.append((request.reply.time, close.sent_at))
            close.wait()
        self._pause(0.02)

    def _pause(self, longest):
        time.sleep(self.random.uniform(0, longest))


@pytest.fixture
def openers():
    """Start clients; they end with the test"""
    threads = []

    def start(server):
        for seed in range(CLIENTS):
            threads.append(Opener(server, seed))
            threads[-1].start()
        return threads

    yield start
    for thread in threads:
        thread.stop.set()
        thread.join()


@pytest.mark.time_limit(240)
def test_500_drains_find_nobody_inside(drained, openers):
    """While each command runs no client believes that it has a file open"""
    server, drain = drained()
    clients = openers(server)
    closed = []
    for number in range(DRAINS):
        conf = server.conf if number % LOOKS == 0 else ''
        done = drain.run('pkg/app', '/bin/sh', '-c', CHECK, 'check', conf)
        begin, *complaints, end = done.stdout.split('\n')[:-1]
        assert complaints == []
        closed.append((float(begin), float(end)))

    opens = sorted(pair for client in clients for pair in client.opens)
    print(f'{len(opens)} opens around {DRAINS} drains')
    assert len(opens) > DRAINS / 2
    for begin, end in closed:
        inside = [pair for pair in opens
                  if pair[0] <= end and pair[1] >= begin]
        assert inside == []
    for client in clients:
        assert client.statuses == {NtStatus.SUCCESS,
                                   NtStatus.SHARING_VIOLATION}


def test_quiescent_stays_quiescent(drained):
    """Nothing but resume ends it: not time, clients, waiters or begin"""
    server, drain = drained()
    drain.begin('pkg/app', '--wait')
    before = drain.records()
    with connect(server.port) as tree:
        assert (tree.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        drain.wait('pkg/app')
        drain.begin('pkg/app', expect=1)
        drain.holders('pkg/app')
        server.restart()
    assert drain.records() == before
    drain.resume('pkg/app')
    assert drain.records() == {}


@pytest.mark.parametrize('waits', [False, True])
def test_smbd_whose_lock_is_lost(drained, waits):
    """Its handle still counts: whoever waits asks it as well. The lock is lost
    before the wait, or meanwhile"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app')
        process = waits and drain.start('wait', 'pkg/app', '--timeout=3')
        time.sleep(1 if waits else 0)
        assert drain.lose_locks('drain/hold/') == 1
        process = process or drain.start('wait', 'pkg/app', '--timeout=3')
        _, err = process.communicate(timeout=60)
        assert process.returncode == 124
        assert 'does not hold the lock' in err and str(server.children()[0]) in err
        handle.close()
        drain.wait('pkg/app', '--timeout=30')
