"""Sum and least over a last axis as short as that of critics, agents or features, always as a new array.

NumPy's own ``sum(axis=-1)`` goes sample by sample, and for two critics takes fifty times as long.
"""

from functools import reduce

import numpy as np


def total(values):
    """The sum over the last axis."""
    return np.einsum("...i->...", values)


def least(values):
    """The smallest along the last axis."""
    return reduce(np.minimum, np.moveaxis(values, -1, 0), np.inf)
