"""Sum, least and largest over a last axis as short as that of critics or agents, always as a new array.

NumPy's own ``sum(axis=-1)`` goes sample by sample, and for two critics takes fifty times as long.
"""

from functools import reduce

import numpy as np


def total(values):
    """The sum over the last axis, first to last."""
    return reduce(np.add, np.moveaxis(values, -1, 0), 0.0)


def least(values):
    """The smallest along the last axis."""
    return reduce(np.minimum, np.moveaxis(values, -1, 0), np.inf)


def largest(values):
    """The largest along the last axis."""
    return reduce(np.maximum, np.moveaxis(values, -1, 0), -np.inf)
