"""Independent normal distributions over the D dimensions of an action: torchrl's IndependentNormal.

Parameters: loc and scale, [T, *B, D], scale > 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.distributions import _random, normal_entropy, normal_kl, normal_log_prob, normal_rsample
from rlref.distributions._outputs import Draw, Normal

__all__ = ["entropy", "entropy_vjp", "kl", "kl_vjp", "log_prob", "log_prob_vjp", "mode", "mode_vjp", "rsample",
           "rsample_vjp", "sample"]


def log_prob(sample: Any, loc: Any, scale: Any) -> np.ndarray:
    """The log-density [T, *B] of ``sample`` [T, *B, D]."""
    return normal_log_prob.vectorized(sample, loc, scale).log_prob


def log_prob_vjp(cotangent: Any, sample: Any, loc: Any, scale: Any) -> normal_log_prob.Gradient:
    """Its derivatives by sample, loc and scale, for ``cotangent`` [T, *B]."""
    return normal_log_prob.vjp((cotangent,), sample, loc, scale)


def entropy(loc: Any, scale: Any) -> np.ndarray:
    """The entropy [T, *B], in which the mean has no part."""
    return normal_entropy.vectorized(scale).entropy


def entropy_vjp(cotangent: Any, loc: Any, scale: Any) -> Normal:
    """Its derivatives: that by loc is 0."""
    return Normal(np.zeros(np.shape(loc)), normal_entropy.vjp((cotangent,), scale).scale)


def kl(loc: Any, scale: Any, other_loc: Any, other_scale: Any) -> np.ndarray:
    """The divergence [T, *B] from the other distribution."""
    return normal_kl.vectorized(loc, scale, other_loc, other_scale).kl


def kl_vjp(cotangent: Any, loc: Any, scale: Any, other_loc: Any, other_scale: Any) -> normal_kl.Gradient:
    """Its derivatives by all four."""
    return normal_kl.vjp((cotangent,), loc, scale, other_loc, other_scale)


def rsample(rng: np.random.Generator, loc: Any, scale: Any) -> Draw:
    """A sample [T, *B, D], and its log-density by the noise itself, from which no mean is taken off again."""
    noise = _random.normal(rng, np.shape(loc))
    drawn = normal_rsample.vectorized(noise, loc, scale).sample
    return Draw(drawn, log_prob(np.asarray(scale) * noise, np.zeros_like(noise), scale), noise)


def rsample_vjp(cotangent: tuple[Any, Any], noise: Any, loc: Any, scale: Any) -> Normal:
    """Derivatives through sample and log-density alike; ``cotangent`` is (by sample, by log_prob).

    Of this noise the log-density is a number less the entropy: the mean has no part in it.
    """
    by_sample, by_log_prob = cotangent
    gradient = normal_rsample.vjp((by_sample,), noise, loc, scale)
    return Normal(gradient.loc, gradient.scale - entropy_vjp(by_log_prob, loc, scale).scale)


def sample(rng: np.random.Generator, loc: Any, scale: Any) -> np.ndarray:
    """A sample [T, *B, D]."""
    return rsample(rng, loc, scale).sample


def mode(loc: Any, scale: Any) -> np.ndarray:
    """The mean [T, *B, D]: torchrl's mode and deterministic_sample."""
    return normal_rsample.vectorized(np.zeros(np.shape(loc)), loc, scale).sample


def mode_vjp(cotangent: Any, loc: Any, scale: Any) -> Normal:
    """Its derivatives: that by scale is 0."""
    return Normal(*normal_rsample.vjp((cotangent,), np.zeros(np.shape(loc)), loc, scale))
