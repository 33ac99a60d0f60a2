"""The model of the protocol: what is promised holds in all sizes."""

import pytest

from run import model

# Some seconds of a processor, which many others may want too
pytestmark = pytest.mark.time_limit(model.LONGEST)


@pytest.mark.parametrize('size', model.SIZES)
def test_all_holds(size):
    """In all states of that size"""
    result = model.check(model.SIZES[size])
    assert result.complete, result.text[-2000:]
    assert result.states > 1000


def test_an_open_may_be_granted_while_it_arms():
    """By an smbd that has not heard of it yet: S1 is about armed, not arming"""
    result = model.check(model.SIZES['smbds'], 'EXPECT_CLOSED_WHILE_ARMING')
    assert result.broken == 'arming_means_closed'
