"""Independent normal distributions, squashed by tanh and scaled to bounds: torchrl's TanhNormal.

Parameters: loc and scale of the normal distribution, [T, *B, D], scale > 0; low and high, a number or [D], low < high.
What TanhNormal does with tanh_loc=True is the page ``tanh_loc``: apply it to loc first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.distributions import _checked, _random, normal_kl, tanh_normal_log_prob, tanh_normal_rsample
from rlref.distributions._outputs import Draw, Estimate, Normal

__all__ = ["entropy", "entropy_vjp", "kl", "kl_vjp", "log_prob", "log_prob_vjp", "mode", "mode_vjp", "rsample",
           "rsample_vjp", "sample"]


def log_prob(sample: Any, loc: Any, scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> np.ndarray:
    """The log-density [T, *B] of an action [T, *B, D] that is between its bounds, or at one by rounding.

    Of an action drawn here, take the log-density that ``rsample`` gives with it: it is right however large u is.
    """
    return tanh_normal_log_prob.vectorized(sample, loc, scale, low=low, high=high).log_prob


def log_prob_vjp(cotangent: Any, sample: Any, loc: Any, scale: Any, *, low: Any = -1.0,
                 high: Any = 1.0) -> tanh_normal_log_prob.Gradient:
    """Its derivatives by sample, loc and scale, for ``cotangent`` [T, *B]."""
    return tanh_normal_log_prob.vjp((cotangent,), sample, loc, scale, low=low, high=high)


def entropy(rng: np.random.Generator, loc: Any, scale: Any, *, samples: int = 1, low: Any = -1.0,
            high: Any = 1.0) -> Estimate:
    """The mean of -log p over ``samples`` draws, [T, *B]: there is no closed form."""
    if not isinstance(samples, (int, np.integer)) or samples < 1:
        raise ValueError(f"samples: expected an integer >= 1, got {samples!r}")
    noise = _random.normal(rng, (samples, *np.shape(loc)))
    drawn = tanh_normal_rsample.vectorized(noise, *_repeated(noise, loc, scale), low=low, high=high)
    return Estimate(-drawn.log_prob.mean(axis=0), noise)


def entropy_vjp(cotangent: Any, noise: Any, loc: Any, scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> Normal:
    """The derivatives of that estimate, through the samples, with the noise as it was drawn."""
    noise = _checked.real("noise", noise)
    by = _checked.real("cotangent", cotangent, noise.shape[1:-1], "loc")
    by_log_prob = np.broadcast_to(-by / len(noise), noise.shape[:-1])
    gradient = tanh_normal_rsample.vjp((np.zeros_like(noise), by_log_prob), noise,
                                       *_repeated(noise, loc, scale), low=low, high=high)
    return Normal(gradient.loc.sum(axis=0), gradient.scale.sum(axis=0))


def kl(loc: Any, scale: Any, other_loc: Any, other_scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> np.ndarray:
    """The divergence [T, *B] from another with the same bounds: that of the normal distributions."""
    return normal_kl.vectorized(loc, scale, other_loc, other_scale).kl


def kl_vjp(cotangent: Any, loc: Any, scale: Any, other_loc: Any, other_scale: Any, *, low: Any = -1.0,
           high: Any = 1.0) -> normal_kl.Gradient:
    """Its derivatives by all four."""
    return normal_kl.vjp((cotangent,), loc, scale, other_loc, other_scale)


def rsample(rng: np.random.Generator, loc: Any, scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> Draw:
    """An action [T, *B, D], and the log-density of the very draw: torchrl's rsample_and_log_prob."""
    noise = _random.normal(rng, np.shape(loc))
    return Draw(*tanh_normal_rsample.vectorized(noise, loc, scale, low=low, high=high), noise)


def rsample_vjp(cotangent: tuple[Any, Any], noise: Any, loc: Any, scale: Any, *, low: Any = -1.0,
                high: Any = 1.0) -> Normal:
    """Derivatives through action and log-density alike; ``cotangent`` is (by sample, by log_prob)."""
    return Normal(*tanh_normal_rsample.vjp(cotangent, noise, loc, scale, low=low, high=high))


def sample(rng: np.random.Generator, loc: Any, scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> np.ndarray:
    """An action [T, *B, D]."""
    return rsample(rng, loc, scale, low=low, high=high).sample


def mode(loc: Any, scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> np.ndarray:
    """The mean, squashed, [T, *B, D]: torchrl's deterministic_sample.

    It is the median. The density has its maximum elsewhere, without a closed form; torchrl's mode raises an error.
    """
    return tanh_normal_rsample.vectorized(np.zeros(np.shape(loc)), loc, scale, low=low, high=high).sample


def mode_vjp(cotangent: Any, loc: Any, scale: Any, *, low: Any = -1.0, high: Any = 1.0) -> Normal:
    """Its derivatives: that by scale is 0."""
    nothing = np.zeros(np.shape(loc)[:-1])
    return rsample_vjp((cotangent, nothing), np.zeros(np.shape(loc)), loc, scale, low=low, high=high)


def _repeated(noise: np.ndarray, *parameters: Any) -> tuple[np.ndarray, ...]:
    """Parameters [T, *B, D] once for each of the samples [n, T, *B, D]."""
    return tuple(np.broadcast_to(np.asarray(x), noise.shape) for x in parameters)
