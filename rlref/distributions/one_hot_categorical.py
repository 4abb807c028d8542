"""The same as ``categorical``, with one-hot actions [T, *B, A]: torchrl's OneHotCategorical, masked or not.

Parameters: logits [T, *B, A]; action_mask, bool [T, *B, A], or None: see ``categorical``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.distributions import _checked, _random, categorical, categorical_log_prob
from rlref.distributions._outputs import Draw

__all__ = ["entropy", "entropy_vjp", "kl", "kl_vjp", "log_prob", "log_prob_vjp", "log_probs", "log_probs_vjp", "mode",
           "rsample", "rsample_vjp", "sample"]

entropy, entropy_vjp = categorical.entropy, categorical.entropy_vjp
kl, kl_vjp = categorical.kl, categorical.kl_vjp
log_probs, log_probs_vjp = categorical.log_probs, categorical.log_probs_vjp


def log_prob(action: Any, logits: Any, action_mask: Any = None) -> np.ndarray:
    """The log-probability [T, *B] of a legal one-hot action."""
    return categorical.log_prob(_checked.one_hot(action), logits, action_mask)


def log_prob_vjp(cotangent: Any, action: Any, logits: Any, action_mask: Any = None) -> categorical_log_prob.Gradient:
    """Its derivative by logits, for ``cotangent`` [T, *B]."""
    return categorical.log_prob_vjp(cotangent, _checked.one_hot(action), logits, action_mask)


def rsample(rng: np.random.Generator, logits: Any, action_mask: Any = None) -> Draw:
    """A one-hot action, float64, with its log-probability and its Gumbel noise [T, *B, A]."""
    noise = _random.gumbel(rng, np.shape(logits))
    index = categorical.chosen(noise, logits, action_mask)
    return Draw(_one_hot(index, logits).astype(np.float64), categorical.log_prob(index, logits, action_mask), noise)


def rsample_vjp(cotangent: tuple[Any, Any], noise: Any, logits: Any,
                action_mask: Any = None) -> categorical_log_prob.Gradient:
    """Straight through: the action is differentiated as if it were the probabilities (torchrl's PassThrough).

    ``cotangent`` is (by sample, by log_prob). Beside it the log-probability has its own derivative.
    """
    by_sample, by_log_prob = cotangent
    index = categorical.chosen(noise, logits, action_mask)
    p = np.exp(categorical.log_probs(logits, action_mask))
    by_p = _checked.real("cotangent.sample", by_sample, p.shape, "logits")
    through = categorical.log_probs_vjp(by_p * p, logits, action_mask).logits
    scored = categorical.log_prob_vjp(by_log_prob, index, logits, action_mask).logits
    return categorical_log_prob.Gradient(through + scored)


def sample(rng: np.random.Generator, logits: Any, action_mask: Any = None) -> np.ndarray:
    """A one-hot action, int [T, *B, A]."""
    return _one_hot(categorical.sample(rng, logits, action_mask), logits)


def mode(logits: Any, action_mask: Any = None) -> np.ndarray:
    """The most probable action, int [T, *B, A], of equals the first. torchrl's mode has a 1 for each of the equals."""
    return _one_hot(categorical.mode(logits, action_mask), logits)


def _one_hot(index: np.ndarray, logits: Any) -> np.ndarray:
    return (np.arange(np.shape(logits)[-1]) == index[..., None]).astype(np.int64)
