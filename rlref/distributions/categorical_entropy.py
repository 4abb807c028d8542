"""The entropy of a categorical distribution, with a mask of legal actions.

    log p_a = l_a - m - log(sum of exp(l_b - m) over legal b),  m = max of l_b over legal b   (1)
    H       = -sum of p_a log p_a over the legal actions a                       (2)

Source    Bishop 2006, Pattern Recognition and Machine Learning, eq. 1.98; (1) is Sutton & Barto 2018, eq. 13.2.
Masks     A masked logit is never read. One action of every step must be legal.
Limits    One legal action, or one far above the rest: 0.  Equal logits: the log of how many, the most there can be.
TorchRL   MaskedCategorical, MaskedOneHotCategorical, and OneHotCategorical with logits of -inf: entropy.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions import _categorical
from rlref.distributions._outputs import Entropy
from rlref.scalars import exp, log


class Gradient(NamedTuple):
    """The derivative by every logit, [T, *B, A]; 0 where masked."""

    logits: np.ndarray


@contract.per_sample
def loop(logits, action_mask) -> Entropy:
    """(1)-(2), for one step, one action at a time."""
    legal = [logit for logit, allowed in zip(logits, action_mask, strict=True) if allowed]
    most, entropy = max(legal), 0
    total = log(sum(exp(logit - most) for logit in legal))
    for logit in legal:
        log_p = logit - most - total                                             # (1)
        p = exp(log_p)
        if p > 0:
            entropy = entropy - p * log_p                                        # (2)
    return Entropy(entropy)


@contract.vectorized
def vectorized(logits, action_mask) -> Entropy:
    """(1)-(2), for all steps at once."""
    log_p = _categorical.log_probs(logits, action_mask)                          # (1)
    return Entropy(np.sum(-np.exp(log_p) * _categorical.finite(log_p), axis=-1))  # (2)


@contract.vectorized
def vjp(cotangent: Entropy, logits, action_mask) -> Gradient:
    """-p (log p + H)."""
    log_p = _categorical.log_probs(logits, action_mask)
    p, log_p = np.exp(log_p), _categorical.finite(log_p)
    entropy = np.sum(-p * log_p, axis=-1, keepdims=True)
    return Gradient(-cotangent.entropy[..., None] * p * (log_p + entropy))
