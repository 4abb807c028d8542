"""Known mistakes in the entropy of a categorical distribution."""

from __future__ import annotations

import math

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.categoricals import (  # noqa: F401  (found by looking)
    log_probs,
    mask_left_out,
    masked_logit_zero,
    softmax_twice,
)


@mistake("the mean over the actions of -p log p, not the sum",
         "https://github.com/p-christ/Deep-Reinforcement-Learning-Algorithms-with-PyTorch/issues/54")
def discrete_sac_mean_not_expectation(right, x):
    return right(**x)._replace(entropy=right(**x).entropy / x["logits"].shape[-1])


@mistake("-log p is averaged over the legal actions, not weighed by p",
         "https://github.com/instadeepai/Mava/commit/44618dc630085835e224324899c3b5e51df47678")
def discrete_sac_alpha_unweighted(right, x):
    legal = np.where(x["action_mask"], log_probs(x), 0.0).sum(axis=-1) / x["action_mask"].sum(axis=-1)
    return right(**x)._replace(entropy=-legal)


@mistake("in bits", "folklore")
def entropy_in_bits(right, x):
    return right(**x)._replace(entropy=right(**x).entropy / math.log(2))


@mistake("sum of p log p, without its minus", "folklore")
def entropy_negative(right, x):
    return right(**x)._replace(entropy=-right(**x).entropy)


@mistake("-log p of the most probable action", "folklore")
def entropy_of_the_mode(right, x):
    return right(**x)._replace(entropy=-log_probs(x).max(axis=-1))


@gradient_mistake("-p (log p + 1): the derivative by the probabilities, not by the logits", "folklore")
def gradient_by_probabilities(right, cotangent, x):
    log_p = log_probs(x)
    wrong = np.where(np.exp(log_p) > 0, -np.exp(log_p) * (np.maximum(log_p, -1e300) + 1), 0.0)
    return right(cotangent, **x)._replace(logits=cotangent.entropy[..., None] * wrong)
