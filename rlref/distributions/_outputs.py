"""What pages return that several distributions have."""

from typing import NamedTuple

import numpy as np


class LogProb(NamedTuple):
    """The logarithm of the probability, or of the density, [T, *B]."""

    log_prob: np.ndarray


class Entropy(NamedTuple):
    """The entropy, of a density the differential one, [T, *B]."""

    entropy: np.ndarray


class KL(NamedTuple):
    """The divergence of one distribution from another, [T, *B]."""

    kl: np.ndarray
