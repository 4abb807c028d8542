"""Mistakes in categorical distributions, shared by their pages."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.distributions import _categorical

LOGITS = ("logits", "other_logits")


def log_probs(x, name="logits"):
    """log p of every action, -inf where masked, and 0 there: for products with p."""
    return _categorical.log_probs(x[name], x["action_mask"])


def unmasked(x, change):
    """``x`` with every action legal and ``change`` of the logits."""
    return x | {name: change(x[name]) for name in LOGITS if name in x} | {
        "action_mask": np.ones_like(x["action_mask"])}


@mistake("a masked logit is set to 0, and its probability is not", "https://github.com/hill-a/stable-baselines/pull/505")
def masked_logit_zero(right, x):
    return right(**unmasked(x, lambda logits: np.where(x["action_mask"], logits, 0.0)))


@mistake("the mask is left out: illegal actions have their share", "folklore")
def mask_left_out(right, x):
    return right(**unmasked(x, lambda logits: np.clip(np.nan_to_num(logits), -1e6, 1e6)))


@mistake("probabilities for logits: softmax of a softmax", "folklore")
def softmax_twice(right, x):
    return right(**x | {name: np.exp(log_probs(x, name)) for name in LOGITS if name in x})
