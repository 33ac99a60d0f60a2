"""The figures, in the order in which they are measured."""

from . import (
    arming, blackout, consistency, instructions, last_close, throughput,
    waiting)

FIGURES = {
    'instructions': instructions,
    'arming': arming,
    'last_close': last_close,
    'throughput': throughput,
    'waiting': waiting,
    'blackout': blackout,
    'consistency': consistency,
}
