"""Clients run a package in a loop while it is updated, over and over.

The same in large, beside what people do without drain, is a figure of
./waf bench.
"""

import pytest

from bench.figures.consistency import METHODS, Site, experiment

CLIENTS = 4
UPDATES = 6


def run(drained, method, updates=UPDATES):
    """The users after some updates by that method"""
    server, _ = drained({'pkg': {'vfs objects': 'drain'}})
    users, made = experiment(Site(server), METHODS[method], CLIENTS, updates)
    assert made == updates
    return users


@pytest.mark.time_limit(120)
@pytest.mark.no_memcheck('counts what was updated in some seconds')
def test_nobody_notices(drained):
    """With hold: no run is torn, and no client is told of an error"""
    users = run(drained, 'smbdrain, hold')
    assert users.torn == 0
    assert not users.errors


@pytest.mark.time_limit(120)
@pytest.mark.no_memcheck('counts what was updated in some seconds')
def test_refused_but_never_torn(drained):
    """With refuse clients see that it is in use, and nothing else"""
    users = run(drained, 'smbdrain, refuse')
    assert users.torn == 0
    assert users.errors.keys() <= {'SHARING_VIOLATION'}


@pytest.mark.time_limit(120)
@pytest.mark.no_memcheck('counts what was updated in some seconds')
def test_the_experiment_can_tell(drained):
    """A copy in place tears runs: else the other tests would show nothing"""
    assert run(drained, 'copy in place', 20).torn > 0
