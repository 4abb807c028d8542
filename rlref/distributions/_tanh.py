"""What tanh needs where it is nearly 1."""

import math

import numpy as np


def slope(u):
    """1 - tanh(u)^2, to the last digit: 4 w / (1 + w)^2 with w = exp(-2 |u|)."""
    w = np.exp(-2.0 * np.abs(u))
    return 4.0 * w / ((1.0 + w) * (1.0 + w))


def log_slope(u):
    """Its logarithm, for any u: 2 (log 2 - |u| - log(1 + w))."""
    size = np.abs(u)
    return 2.0 * (math.log(2.0) - size - np.log1p(np.exp(-2.0 * size)))
