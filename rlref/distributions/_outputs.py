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


class Draw(NamedTuple):
    """A sample [T, *B, ...], its log-probability [T, *B], and the noise of which it was made, for ``rsample_vjp``."""

    sample: np.ndarray
    log_prob: np.ndarray
    noise: np.ndarray


class Estimate(NamedTuple):
    """An entropy [T, *B] as estimated, and the noise [n, T, *B, D] of the samples, for ``entropy_vjp``."""

    entropy: np.ndarray
    noise: np.ndarray


class Normal(NamedTuple):
    """What a normal distribution has for parameters, or derivatives by them, [T, *B, D]."""

    loc: np.ndarray
    scale: np.ndarray
