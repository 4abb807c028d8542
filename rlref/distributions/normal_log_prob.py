"""The log-density of independent normal distributions, one for each dimension of the action.

    z_d   = (x_d - mu_d) / sigma_d                                               (1)
    log p = sum_d -(z_d^2 + log 2 pi) / 2 - log sigma_d                          (2)

Source    Sutton & Barto 2018, Reinforcement Learning, 2nd edition, eq. 13.19, in one dimension; that of independent
          ones is the product.
Masks     None.
Limits    At x = mu the derivative by the mean is 0, one deviation away that by the deviation.
TorchRL   IndependentNormal.log_prob, which is Independent(Normal(loc, scale), 1) of torch.distributions.
"""

import math
from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions._outputs import LogProb
from rlref.scalars import log, pi


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, D]."""

    sample: np.ndarray
    loc: np.ndarray
    scale: np.ndarray


@contract.per_sample
def loop(sample, loc, scale) -> LogProb:
    """(1)-(2), for one sample, one dimension at a time."""
    total = 0
    for x, mu, sigma in zip(sample, loc, scale, strict=True):
        z = (x - mu) / sigma                                                     # (1)
        total = total - (z * z + log(2 * pi(z))) / 2 - log(sigma)                # (2)
    return LogProb(total)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(sample, loc, scale) -> LogProb:
    """(1)-(2), for all samples at once."""
    z = (sample - loc) / scale                                                   # (1)
    return LogProb(np.sum(-(z * z + math.log(2 * math.pi)) / 2 - np.log(scale), axis=-1))  # (2)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: LogProb, sample, loc, scale) -> Gradient:
    """-z / sigma by the sample; (z^2 - 1) / sigma by the deviation, in factors so that nothing is lost near z = 1."""
    z = np.clip((sample - loc) / scale, -np.finfo(float).max, np.finfo(float).max)  # so that 0 z is 0
    by_z = cotangent.log_prob[..., None] / scale
    return Gradient(-by_z * z, by_z * z, by_z * (z - 1.0) * (z + 1.0))
