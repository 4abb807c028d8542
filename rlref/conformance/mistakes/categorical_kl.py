"""Known mistakes in the divergence of categorical distributions."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.categoricals import (  # noqa: F401  (found by looking)
    log_probs,
    mask_left_out,
    masked_logit_zero,
    softmax_twice,
)


@mistake("KL(q || p) for KL(p || q)", "folklore")
def kl_argument_reversed(right, x):
    return right(x["other_logits"], x["logits"], x["action_mask"])


@mistake("infinite where q rounds to 0, though log q does not", "folklore")
def infinite_where_q_rounds_to_zero(right, x):
    p, q = (np.exp(log_probs(x, name)) for name in ("logits", "other_logits"))
    return right(**x)._replace(kl=np.where(((p > 0) & (q == 0)).any(axis=-1), np.inf, right(**x).kl))


@mistake("the cross-entropy of p and q, without the entropy of p", "folklore")
def cross_entropy_for_divergence(right, x):
    log_p = log_probs(x)
    entropy = -np.sum(np.exp(log_p) * np.maximum(log_p, -1e300), axis=-1)
    return right(**x)._replace(kl=right(**x).kl + entropy)


@mistake("log p - log q is averaged over the legal actions, not weighed by p", "folklore")
def kl_unweighted(right, x):
    difference = [np.where(x["action_mask"], log_probs(x, name), 0.0) for name in ("logits", "other_logits")]
    return right(**x)._replace(kl=(difference[0] - difference[1]).sum(axis=-1) / x["action_mask"].sum(axis=-1))


@mistake("the mean over the actions, not the sum", "folklore")
def kl_averaged_over_actions(right, x):
    return right(**x)._replace(kl=right(**x).kl / x["logits"].shape[-1])


@mistake("the logits are compared as they are, not normalized", "folklore")
def logits_not_normalized(right, x):
    p = np.exp(log_probs(x))
    difference = np.where(p > 0, x["logits"], 0.0) - np.where(p > 0, x["other_logits"], 0.0)
    return right(**x)._replace(kl=np.sum(p * difference, axis=-1))


@gradient_mistake("q is held still", "folklore")
def kl_other_not_trained(right, cotangent, x):
    return right(cotangent, **x)._replace(other_logits=np.zeros_like(x["logits"]))
