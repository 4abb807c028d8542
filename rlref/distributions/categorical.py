"""A categorical distribution over A actions, of which some may be illegal: torchrl's MaskedCategorical.

Parameters: logits [T, *B, A]; action_mask, bool [T, *B, A], with at least one True, or None: then a logit of minus
infinity is that of an illegal action. Actions are indices, int [T, *B].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.distributions import (
    _categorical,
    _checked,
    _random,
    categorical_entropy,
    categorical_kl,
    categorical_log_prob,
)

__all__ = ["entropy", "entropy_vjp", "kl", "kl_vjp", "log_prob", "log_prob_vjp", "log_probs", "log_probs_vjp", "mode",
           "sample"]


def log_prob(action: Any, logits: Any, action_mask: Any = None) -> np.ndarray:
    """The log-probability [T, *B] of a legal action."""
    return categorical_log_prob.vectorized(action, logits, legal(logits, action_mask)).log_prob


def log_prob_vjp(cotangent: Any, action: Any, logits: Any, action_mask: Any = None) -> categorical_log_prob.Gradient:
    """Its derivative by logits, for ``cotangent`` [T, *B]."""
    return categorical_log_prob.vjp((cotangent,), action, logits, legal(logits, action_mask))


def log_probs(logits: Any, action_mask: Any = None) -> np.ndarray:
    """The log-probability of every action, [T, *B, A]; minus infinity for an illegal one."""
    return _categorical.log_probs(*_arrays(logits, action_mask))


def log_probs_vjp(cotangent: Any, logits: Any, action_mask: Any = None) -> categorical_log_prob.Gradient:
    """Its derivative by logits, for ``cotangent`` [T, *B, A], which is not read for illegal actions."""
    logits, mask = _arrays(logits, action_mask)
    if np.shape(cotangent) != logits.shape:
        raise ValueError(f"cotangent: expected shape {logits.shape} like logits, got {np.shape(cotangent)}")
    by = _checked.real("cotangent", np.where(mask, cotangent, 0.0))
    p = np.exp(_categorical.log_probs(logits, mask))
    return categorical_log_prob.Gradient(by - p * by.sum(axis=-1, keepdims=True))


def entropy(logits: Any, action_mask: Any = None) -> np.ndarray:
    """The entropy [T, *B]."""
    return categorical_entropy.vectorized(logits, legal(logits, action_mask)).entropy


def entropy_vjp(cotangent: Any, logits: Any, action_mask: Any = None) -> categorical_entropy.Gradient:
    """Its derivative by logits."""
    return categorical_entropy.vjp((cotangent,), logits, legal(logits, action_mask))


def kl(logits: Any, other_logits: Any, action_mask: Any = None) -> np.ndarray:
    """The divergence [T, *B] from the other distribution, over the same legal actions."""
    return categorical_kl.vectorized(logits, other_logits, _common(logits, other_logits, action_mask)).kl


def kl_vjp(cotangent: Any, logits: Any, other_logits: Any, action_mask: Any = None) -> categorical_kl.Gradient:
    """Its derivatives by both."""
    mask = _common(logits, other_logits, action_mask)
    return categorical_kl.vjp((cotangent,), logits, other_logits, mask)


def sample(rng: np.random.Generator, logits: Any, action_mask: Any = None) -> np.ndarray:
    """An action, int [T, *B]."""
    return chosen(_random.gumbel(rng, np.shape(logits)), logits, action_mask)


def mode(logits: Any, action_mask: Any = None) -> np.ndarray:
    """The most probable action, of equals the first: torchrl's mode and deterministic_sample."""
    return chosen(np.zeros(np.shape(logits)), logits, action_mask)


def chosen(noise: np.ndarray, logits: Any, action_mask: Any = None) -> np.ndarray:
    """The legal action with the largest sum of logit and noise."""
    logits, mask = _arrays(logits, action_mask)
    return np.where(mask, logits + noise, -np.inf).argmax(axis=-1)


def legal(logits: Any, action_mask: Any) -> Any:
    """``action_mask``, or where there is none, what the logits say."""
    return ~np.isneginf(_checked.logits(logits)) if action_mask is None else action_mask


def _arrays(logits: Any, action_mask: Any) -> tuple[np.ndarray, np.ndarray]:
    """Logits and mask as arrays, refused where the pages refuse them."""
    mask = legal(logits, action_mask)
    categorical_entropy.vectorized(logits, mask)
    return np.asarray(logits, np.float64), np.asarray(mask)


def _common(logits: Any, other_logits: Any, action_mask: Any) -> Any:
    """The mask of both."""
    mask = legal(logits, action_mask)
    if action_mask is None and np.shape(logits) == np.shape(other_logits):
        wrong = np.asarray(mask) != legal(other_logits, None)
        if wrong.any():
            index = tuple(np.argwhere(wrong)[0].tolist())
            raise ValueError("other_logits: expected minus infinity where logits has it, and nowhere else, "
                             f"got {np.asarray(other_logits)[index]} at index {index}")
    return mask
