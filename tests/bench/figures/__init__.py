"""The figures, in the order in which they are measured."""

from . import (
    arming, blackout, breaks, closing, cluster, consistency, exchange,
    instructions, last_close, listing, memory, throughput, waiting)

FIGURES = {
    'instructions': instructions,
    'memory': memory,
    'throughput': throughput,
    'arming': arming,
    'breaks': breaks,
    'last_close': last_close,
    'closing': closing,
    'listing': listing,
    'waiting': waiting,
    'exchange': exchange,
    'blackout': blackout,
    'consistency': consistency,
    'cluster': cluster,
}
