"""The model of the protocol: no mutant survives but those without effect."""

import pytest

from run import model

# Some seconds of a processor, which many others may want too
pytestmark = pytest.mark.time_limit(model.LONGEST)


@pytest.mark.parametrize('mutant', model.MUTANTS)
def test_mutant_is_caught(mutant):
    """By the property that it breaks, in a size where all holds without it"""
    result = model.check_mutant(mutant)
    assert result.broken == model.MUTANTS[mutant][1], result.text[-2000:]


@pytest.mark.parametrize(('mutant', 'size'), [
    (mutant, size) for mutant, sizes in model.HARMLESS.items()
    for size in sizes])
def test_harmless(mutant, size):
    """What is said to be there twice over is so"""
    result = model.check(model.SIZES[size], 'MUTANT_' + mutant)
    assert result.complete, result.text[-2000:]
