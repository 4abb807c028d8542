"""The log-density of an action that a normal distribution gave, squashed by tanh and scaled to its bounds.

    a'_d   = a_d, but eps h_d inside a bound that is nearer,  h = (high - low) / 2, eps = 9 / 2^53   (1)
    c_d    = a'_d - (low_d + high_d) / 2
    u_d    = sign(c_d) log(1 + 2 |c_d| / (h_d - |c_d|)) / 2                      (2)
    dlog_d = log((a'_d - low_d) / h_d) + log((high_d - a'_d) / h_d) + log h_d    (3)
    log p  = sum_d log N(u_d; mu_d, sigma_d) - dlog_d                            (4)

where a = (low + high) / 2 + h tanh u and u ~ N(mu, sigma). (2) is atanh(c / h), (3) the logarithm of da/du =
h (1 - tanh(u)^2), both from the distances of a' to the middle and to the bounds: near any of them no digit is lost.

Source    Haarnoja et al. 2018, arXiv:1801.01290v2, eq. 21, for bounds of -1 and 1; eq. 20 gives the rest of (4).
Bounds    At a bound the density is 0 and log p minus infinity, but an action may be there by rounding alone: so (1), as
          TorchRL has it, where 1 - eps is 1 - 1e-15 in float64. What (1) moves has a derivative of 0 by the action.
Masks     None. An action outside the bounds is an error.
Ties      At eps h from a bound (1) moves nothing.
Limits    Small a and sigma between -1 and 1: normal_log_prob.  Wider bounds by c: less by log c a dimension.
TorchRL   TanhNormal.log_prob. Bounds given as Python floats are rounded to float32 there.
"""

import math
from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions._outputs import LogProb
from rlref.scalars import log, log1p, pi


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, D]."""

    sample: np.ndarray
    loc: np.ndarray
    scale: np.ndarray


@contract.per_sample
def loop(sample, loc, scale, *, low, high) -> LogProb:
    """(1)-(4), for one action, one dimension at a time."""
    total = 0
    for a, mu, sigma, least, most in zip(sample, loc, scale, low, high, strict=True):
        half, above, below, c = (most - least) / 2, a - least, most - a, a - (least + most) / 2
        edge = half * 9 / 2**53
        if above < edge:                                                         # (1)
            above, below, c = edge, 2 * half - edge, edge - half
        elif below < edge:
            above, below, c = 2 * half - edge, edge, half - edge
        u = log1p(2 * c / below) / 2 if c > 0 else -log1p(-2 * c / above) / 2    # (2)
        dlog = log(above / half) + log(below / half) + log(half)                 # (3)
        z = (u - mu) / sigma
        total = total - (z * z + log(2 * pi(z))) / 2 - log(sigma) - dlog         # (4)
    return LogProb(total)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(sample, loc, scale, *, low, high) -> LogProb:
    """(1)-(4), for all actions at once."""
    above, below, half, z = _parts(sample, loc, scale, low, high)
    normal = -(z * z + math.log(2 * math.pi)) / 2 - np.log(scale)
    dlog = np.log(above / half) + np.log(below / half) + np.log(half)            # (3)
    return LogProb(np.sum(normal - dlog, axis=-1))                               # (4)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: LogProb, sample, loc, scale, *, low, high) -> Gradient:
    """Through u, and through the distances to both bounds, where (1) moves nothing."""
    above, below, half, z = _parts(sample, loc, scale, low, high)
    by_log = cotangent.log_prob[..., None]
    by_z = by_log / scale
    by_sample = (-by_z * z / 2 - by_log) / above - (by_z * z / 2 - by_log) / below
    inside = np.minimum(sample - low, high - sample) >= half * 9 / 2**53
    return Gradient(np.where(inside, by_sample, 0.0), by_z * z, by_z * (z - 1.0) * (z + 1.0))


def _parts(sample, loc, scale, low, high):
    """The distances to the bounds; h; z, of a size that 0 z is 0."""
    half = (high - low) / 2
    edge = half * 9 / 2**53
    above, below = (np.clip(x, edge, 2 * half - edge) for x in (sample - low, high - sample))  # (1)
    c = np.clip(sample - (low + high) / 2, edge - half, half - edge)
    u = np.copysign(np.log1p(2 * np.abs(c) / np.where(c > 0, below, above)) / 2, c)  # (2)
    return above, below, half, np.clip((u - loc) / scale, -np.finfo(float).max, np.finfo(float).max)
