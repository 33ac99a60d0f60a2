"""Many clients, asked by one tool.

What a socket of Samba's bus takes is little (net.unix.max_dgram_qlen), and so
may be the number of descriptors that a shell allows its programs.
"""

import contextlib
import resource
import time
from pathlib import Path

import pytest

from lib.drain import stopped
from lib.load import Load
from lib.smbd import wait_until
from lib.waiting import HOLD

CLIENTS = 64


@pytest.fixture
def many(drained):
    """A server, smbdrain, and clients that hold a file each"""
    server, drain = drained({'pkg': {'vfs objects': 'drain'}})
    server.put('pkg', 'app/readme')
    with Load(server.port, conns=CLIENTS, name='app/f%c') as load:
        assert load.ready.open == CLIENTS
        yield server, drain, load


def threads(pid):
    """How many a process has"""
    return len(list(Path(f'/proc/{pid}/task').iterdir()))


def waiting_smbds(server, drain, verb):
    """How many found the socket full when a verb asked all of them"""
    time.sleep(1.5)  # a thread without work ends
    drain.call(verb, 'pkg/app')
    return sum(threads(pid) > 1 for pid in server.children())


@pytest.mark.parametrize('verb', ['status', 'holders'])
def test_no_smbd_waits_for_the_tool(many, verb):
    """One that finds the tool's socket full starts a thread to wait

    The tool may have to wait for a processor, so that it is not always so.
    """
    server, drain, _ = many
    drain.begin('pkg/app')
    assert any(waiting_smbds(server, drain, verb) < CLIENTS / 4
               for _ in range(8))


def few_descriptors():
    """Fewer than there are clients, as a login shell may have"""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (CLIENTS // 2, most))


@pytest.mark.no_memcheck('takes descriptors away, which valgrind needs')
def test_more_clients_than_descriptors(many):
    """All are reached, and the limit is a command's own again"""
    _, drain, load = many
    drain.begin('pkg/app', preexec_fn=few_descriptors)
    done = drain.call('holders', 'pkg/app', preexec_fn=few_descriptors)
    assert len(done.stdout.splitlines()) == CLIENTS
    load.close_all()
    done = drain.run('pkg/app', 'sh', '-c', 'ulimit -n',
                     options=['--continue'], preexec_fn=few_descriptors)
    assert done.stdout.splitlines()[-1] == str(CLIENTS // 2)
    assert load.open().failed == 0


def test_half_of_them_stand_still(many):
    """The others' opens that wait go on all the same, and theirs do later"""
    server, drain, load = many
    load.close_all()
    drain.begin('pkg/app', HOLD)
    load.open()
    assert load.state().parked == CLIENTS
    with contextlib.ExitStack() as still:
        for pid in server.children()[::2]:
            still.enter_context(stopped(pid))
        drain.resume('pkg/app')
        assert load.state().open == CLIENTS // 2
    wait_until(lambda: load.state().open == CLIENTS, 10, 'the others')
