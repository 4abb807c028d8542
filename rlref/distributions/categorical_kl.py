"""The divergence of one categorical distribution from another, KL(p || q), with a mask of legal actions.

    log p_a = l_a - m - log(sum of exp(l_b - m) over legal b),  m = max of l_b over legal b; so q of l'   (1)
    KL      = sum of p_a (log p_a - log q_a) over the legal actions a            (2)

Source    Bishop 2006, Pattern Recognition and Machine Learning, eq. 1.113, there an integral; (1) is Sutton & Barto
          2018, eq. 13.2.
Masks     A masked logit, of either, is never read. One action of every step must be legal.
Limits    p = q: 0, and so are all derivatives.  q equal for n actions: log n less the entropy of p.
TorchRL   kl_divergence of torch.distributions, for two MaskedCategorical. It is infinite where a q rounds to 0.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions import _categorical
from rlref.distributions._outputs import KL
from rlref.scalars import exp, log


class Gradient(NamedTuple):
    """The derivative by every logit of p and of q, [T, *B, A]; 0 where masked."""

    logits: np.ndarray
    other_logits: np.ndarray


@contract.per_sample
def loop(logits, other_logits, action_mask) -> KL:
    """(1)-(2), for one step, one action at a time."""
    pairs = [(mine, theirs) for mine, theirs, allowed in zip(logits, other_logits, action_mask, strict=True) if allowed]
    most, other_most = (max(column) for column in zip(*pairs, strict=True))
    total = log(sum(exp(mine - most) for mine, _ in pairs))
    other_total = log(sum(exp(theirs - other_most) for _, theirs in pairs))
    kl = 0
    for mine, theirs in pairs:
        log_p, log_q = mine - most - total, theirs - other_most - other_total    # (1)
        p = exp(log_p)
        if p > 0:
            kl = kl + p * (log_p - log_q)                                        # (2)
    return KL(kl)


@contract.vectorized
def vectorized(logits, other_logits, action_mask) -> KL:
    """(1)-(2), for all steps at once."""
    p, _, terms = _parts(logits, other_logits, action_mask)
    return KL(np.sum(p * terms, axis=-1))                                        # (2)


@contract.vectorized
def vjp(cotangent: KL, logits, other_logits, action_mask) -> Gradient:
    """p (log p - log q - KL) by the logits of p, q - p by those of q."""
    p, q, terms = _parts(logits, other_logits, action_mask)
    kl, by = np.sum(p * terms, axis=-1, keepdims=True), cotangent.kl[..., None]
    return Gradient(by * p * (terms - kl), by * (q - p))


def _parts(logits, other_logits, action_mask):
    """p; q; log p - log q, or 0 where p is 0."""
    log_p, log_q = (_categorical.log_probs(x, action_mask) for x in (logits, other_logits))
    p = np.exp(log_p)
    return p, np.exp(log_q), np.subtract(log_p, log_q, where=p > 0, out=np.zeros_like(p))
