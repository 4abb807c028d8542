"""A sample of a normal distribution, squashed by tanh and scaled to its bounds, with the log-density of that very draw.

    u_d    = mu_d + sigma_d epsilon_d                                            (1)
    a_d    = (low_d + high_d) / 2 + (high_d - low_d) / 2 tanh u_d                (2)
    dlog_d = log(2 (high_d - low_d)) - 2 u_d - 2 softplus(-2 u_d)                (3)
    log p  = sum_d -(epsilon_d^2 + log 2 pi) / 2 - log sigma_d - dlog_d          (4)

(3) is the logarithm of da/du = h (1 - tanh(u)^2) in a form that is right for any u. The draw itself is scored: where
tanh is 1 to the last digit, nothing of u can be found in the action.

Source    Haarnoja et al. 2018, arXiv:1801.01290v2, eq. 20 and 21 for (4), with bounds of -1 and 1.
Masks     None. Every dimension has its own noise.
Trains    The mean and the deviation, through the sample and through its log-density. The noise is drawn, not trained.
Limits    While tanh is not saturated, log p is tanh_normal_log_prob of the sample.  At u = 0, da/du is h.
TorchRL   TanhNormal.rsample_and_log_prob. rsample and then log_prob takes u from the rounded action, and loses it.
"""

import math
from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions import _tanh
from rlref.scalars import log, pi, softplus, tanh


class ScoredSample(NamedTuple):
    """The action [T, *B, D] and its log-density [T, *B]."""

    sample: np.ndarray
    log_prob: np.ndarray


class Gradient(NamedTuple):
    """The derivative by mean and deviation, [T, *B, D]."""

    loc: np.ndarray
    scale: np.ndarray


@contract.per_sample
def loop(noise, loc, scale, *, low, high) -> ScoredSample:
    """(1)-(4), for one action, one dimension at a time."""
    action, total = [], 0
    for epsilon, mu, sigma, least, most in zip(noise, loc, scale, low, high, strict=True):
        u = mu + sigma * epsilon                                                 # (1)
        action.append((least + most) / 2 + (most - least) / 2 * tanh(u))         # (2)
        dlog = log(2 * (most - least)) - 2 * u - 2 * softplus(-2 * u)            # (3)
        total = total - (epsilon * epsilon + log(2 * pi(u))) / 2 - log(sigma) - dlog  # (4)
    return ScoredSample(action, total)


@contract.vectorized
def vectorized(noise, loc, scale, *, low, high) -> ScoredSample:
    """(1)-(4), for all actions at once, none of them outside its bounds by a rounding."""
    u, half = loc + scale * noise, (high - low) / 2                              # (1)
    action = np.clip((low + high) / 2 + half * np.tanh(u), low, high)            # (2)
    dlog = np.log(half) + _tanh.log_slope(u)                                     # (3)
    normal = -(noise * noise + math.log(2 * math.pi)) / 2 - np.log(scale)
    return ScoredSample(action, np.sum(normal - dlog, axis=-1))                  # (4)


@contract.vectorized
def vjp(cotangent: ScoredSample, noise, loc, scale, *, low, high) -> Gradient:
    """By u, the slope of (2), and 2 tanh u for (4); the noise stays as it is drawn."""
    u, by_log = loc + scale * noise, cotangent.log_prob[..., None]
    by_u = cotangent.sample * ((high - low) / 2) * _tanh.slope(u) + by_log * 2.0 * np.tanh(u)
    return Gradient(by_u, by_u * noise - by_log / scale)
