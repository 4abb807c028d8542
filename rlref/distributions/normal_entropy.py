"""The entropy of independent normal distributions, one for each dimension of the action.

    H = sum_d (1 + log 2 pi) / 2 + log sigma_d                                   (1)

Source    Bishop 2006, Pattern Recognition and Machine Learning, eq. 1.110, in one dimension; that of independent ones
          is the sum.
Masks     None.
Limits    The mean changes nothing.  sigma = 1 / sqrt(2 pi e): 0, and below it less.  Twice the sigma: log 2 more.
TorchRL   IndependentNormal.entropy, which is that of Independent(Normal(loc, scale), 1) of torch.distributions.
"""

import math
from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions._outputs import Entropy
from rlref.scalars import log, pi


class Gradient(NamedTuple):
    """The derivative by the deviation, [T, *B, D]."""

    scale: np.ndarray


@contract.per_sample
def loop(scale) -> Entropy:
    """(1), for one sample, one dimension at a time."""
    entropy = 0
    for sigma in scale:
        entropy = entropy + (1 + log(2 * pi(sigma))) / 2 + log(sigma)            # (1)
    return Entropy(entropy)


@contract.vectorized
def vectorized(scale) -> Entropy:
    """(1), for all samples at once."""
    return Entropy(np.sum((1.0 + math.log(2 * math.pi)) / 2 + np.log(scale), axis=-1))  # (1)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: Entropy, scale) -> Gradient:
    """1 / sigma."""
    return Gradient(cotangent.entropy[..., None] / scale)
