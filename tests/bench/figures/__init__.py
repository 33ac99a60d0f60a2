"""The figures, in the order in which they are measured."""

from . import arming, instructions, last_close, throughput

FIGURES = {
    'instructions': instructions,
    'arming': arming,
    'last_close': last_close,
    'throughput': throughput,
}
