"""Two drains around the same files: a publish of the one, and what is done in
the other."""

import contextlib
import os
import time

import pytest

from lib.drain import complaint, ended
from lib.faults import at_stop, stops_at
from lib.memcheck import SLOWNESS
from lib.smbd import wait_until

MODULE = {'vfs objects': 'drain'}
SH = ('/bin/sh', '-c')
NAMES = ('one', 'two')
OVERLAPS = [('pkg', 'pkg/app'), ('pkg/app', 'pkg')]


def owners(drain):
    """The locks of those that work on a drain, or publish it"""
    return [lock for lock in drain.locks() if 'owner' in lock]


class Nested:
    """A share with a package in it, and new versions of both"""

    def __init__(self, server, drain):
        self.server, self.drain = server, drain
        self.root = server.share_path('pkg')
        self.share, self.package = server.base / 'new', server.base / 'app'
        for top in (self.root / 'app', self.share / 'app', self.package):
            top.mkdir(parents=True)
            for name in NAMES:
                (top / name).write_text(top.parent.name)

    def new(self, target):
        """What is to be published there"""
        return self.share if target == 'pkg' else self.package

    def served(self):
        """What clients find in the package"""
        return {(self.root / 'app' / name).read_text() for name in NAMES}

    @contextlib.contextmanager
    def working(self, target, flag):
        """A run whose command works until the file is gone"""
        process = self.drain.start(
            'run', target, '--', *SH,
            f'echo work >{self.root}/app/one; touch {flag}; '
            f'while [ -e {flag} ]; do sleep 0.05; done; '
            f'echo work >{self.root}/app/two')
        with ended(process):
            wait_until(flag.exists, 10, 'the command')
            yield process
            flag.unlink()
            assert process.wait(20) == 0


@pytest.fixture(name='nested')
def _nested(drained):
    return Nested(*drained({'pkg': MODULE}))


@pytest.fixture(name='exchanging')
def _exchanging(nested, preloaded):
    """``exchanging(target)``: a run --publish that stands still in its first
    exchange, and goes on afterwards"""
    @contextlib.contextmanager
    def start(target):
        process = nested.drain.start(
            'run', target, f'--publish={nested.new(target)}',
            env={**os.environ, **preloaded(stops_at('renameat2'))})
        with ended(process):
            with at_stop(process):
                yield
            assert process.wait(30) == 0

    return start


@pytest.mark.parametrize('target, work', OVERLAPS)
def test_command_in_the_way_of_a_publish(nested, tmp_path, target, work):
    """Inside of what is published, or around it: nothing is exchanged"""
    with nested.working(work, tmp_path / 'flag') as run:
        done = nested.drain.call('run', target, f'--publish={nested.new(target)}',
                                 expect=125)
        assert complaint(done) == (
            f'cannot work on {target}: process {run.pid} is working on {work}, '
            'which overlaps it; try again when it has finished')
    assert nested.served() == {'work\n'}
    nested.drain.call('run', target, f'--publish={nested.new(target)}')
    assert 'work\n' not in nested.served()


def test_publish_waits_for_a_command_that_ends(nested, tmp_path):
    """For some seconds, and is done then"""
    with nested.working('pkg/app', tmp_path / 'flag'):
        publish = nested.drain.start('run', 'pkg',
                                     f'--publish={nested.share}')
        wait_until(lambda: len(owners(nested.drain)) == 2, 10, 'the publish')
    with ended(publish):
        _, err = publish.communicate(timeout=20)
    # On a machine that takes long to end the command it gives up
    done = publish.returncode == 0
    assert done or 'overlaps' in err
    assert nested.served() == {'new' if done else 'work\n'}


@pytest.mark.parametrize('target, work', OVERLAPS)
def test_command_that_finds_a_publish(nested, exchanging, tmp_path, target,
                                      work):
    """It does not start, and its drain ends"""
    with exchanging(target):
        done = nested.drain.run(work, 'touch', str(tmp_path / 'ran'),
                                expect=125)
        assert f'is publishing {target}, which overlaps it' in complaint(done)
        assert not (tmp_path / 'ran').exists()
    assert nested.drain.records() == {}


def test_command_waits_for_a_publish_that_ends(nested, exchanging):
    """Some seconds, and starts then"""
    with exchanging('pkg'):
        run = nested.drain.start('run', 'pkg/app', '--', *SH,
                                 f'cat {nested.root}/app/one')
        wait_until(lambda: len(owners(nested.drain)) == 2, 10, 'the run')
    with ended(run):
        out, err = run.communicate(timeout=30)
    # On a machine that takes long to go on with the publish it gives up
    assert (run.returncode, out) == (0, 'new') or 'overlaps' in err
    assert nested.drain.records() == {}


def test_two_publishes(nested):
    """Of two that begin at once one at least is done, and both end"""
    for number in range(4):
        began = time.monotonic()
        both = [nested.drain.start('run', target,
                                   f'--publish={nested.new(target)}')
                for target in ('pkg', 'pkg/app')]
        with ended(*both):
            statuses = [process.wait(30) for process in both]
        assert 0 in statuses and set(statuses) <= {0, 125}, number
        assert time.monotonic() - began < 30 * SLOWNESS
        assert len(nested.served()) == 1
        assert nested.drain.records() == {}


def test_publish_by_the_command_of_a_run_around_it(nested):
    """Who has started it does not stand in its way"""
    words = ' '.join(nested.drain.command(
        'run', 'pkg/app', f'--publish={nested.package}'))
    nested.drain.run('pkg', *SH, f'({words}); exit $?')
    assert nested.served() == {nested.package.parent.name}
    assert nested.drain.records() == {}


def test_other_places(nested, tmp_path):
    """What does not overlap is not waited for"""
    nested.server.put('pkg', 'other/file')
    with nested.working('pkg/other', tmp_path / 'flag'):
        nested.drain.call('run', 'pkg/app', f'--publish={nested.package}')
