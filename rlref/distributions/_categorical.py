"""The probabilities of legal actions from their logits, for pages and modules of categorical distributions."""

import numpy as np


def log_probs(logits, action_mask):
    """log p of every action, [T, *B, A]; minus infinity where it is masked, whatever its logit."""
    legal = np.where(action_mask, logits, -np.inf)
    with np.errstate(over="ignore"):  # logits too far apart for float64: a probability of 0
        shifted = legal - legal.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def finite(log_p):
    """log p, or 0 where p is 0, for products with p."""
    return np.where(np.exp(log_p) > 0, log_p, 0.0)
