"""The smallest value among a random subset of the critics, and the entropy: the bootstrap of REDQ.

    V(s'_t) = min_{i in M} Q_i(s'_t, a'_t) - alpha_t log pi(a'_t|s'_t)           (1)

Source    Chen et al. 2021, arXiv:2101.05982v2, Algorithm 1, equation for the target y.
Subset    M holds indices of critics, each once. The paper draws it for every update, one for the whole batch.
Masks     None. A termination cuts the entropy with the value, as both are part of V(s'_t).
Ties      Of equal values the critic named first in M owns the derivative.
Limits    M = all critics: soft_min_q.  One index: that critic's.  The larger M, the smaller V.
TorchRL   REDQLoss, with M drawn inside: sub_sample_len critics, but never all of them.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.bootstraps._next_state_value import NextStateValue


class Gradient(NamedTuple):
    """The derivative by each differentiable input: [T, *B, N] and [T, *B]."""

    next_state_action_value: np.ndarray
    next_log_prob: np.ndarray


@contract.per_sample
def loop(next_state_action_value, next_log_prob, *, alpha, subset) -> NextStateValue:
    """(1), for one step."""
    smallest = min(next_state_action_value[i] for i in subset)
    return NextStateValue(smallest - alpha * next_log_prob)                      # (1)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(next_state_action_value, next_log_prob, *, alpha, subset) -> NextStateValue:
    """(1), for all steps at once."""
    return NextStateValue(np.min(next_state_action_value[..., subset], axis=-1) - alpha * next_log_prob)  # (1)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: NextStateValue, next_state_action_value, next_log_prob, *, alpha, subset) -> Gradient:
    """The critic with the smallest value gets everything, the log-probability -alpha times it."""
    gradient = np.zeros_like(next_state_action_value)
    smallest = subset[np.argmin(next_state_action_value[..., subset], axis=-1, keepdims=True)]
    np.put_along_axis(gradient, smallest, cotangent.next_state_value[..., None], axis=-1)
    return Gradient(gradient, -alpha * cotangent.next_state_value)
