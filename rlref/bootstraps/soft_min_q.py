"""The smallest of several critics' values, and the entropy of the next action: the bootstrap of SAC.

    V(s'_t) = min_i Q_i(s'_t, a'_t) - alpha_t log pi(a'_t|s'_t)                  (1)

Source    Haarnoja et al. 2018, arXiv:1812.05905v2, eq. 3 for one sampled action, as in eq. 6; the minimum is in words,
          in section 6.
Time      a'_t is drawn from pi(.|s'_t) as the policy is now: neither the action stored for step t + 1, nor that of t.
Masks     None. A termination cuts the entropy with the value, as both are part of V(s'_t).
Ties      The first of the smallest values owns the derivative.
Limits    alpha = 0: min_q.  One critic: Q - alpha log pi, SAC without twins.
TorchRL   SACLoss without a value network. With skip_done_states=True a truncated step loses its entropy.
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
def loop(next_state_action_value, next_log_prob, *, alpha) -> NextStateValue:
    """(1), for one step."""
    return NextStateValue(min(next_state_action_value) - alpha * next_log_prob)  # (1)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(next_state_action_value, next_log_prob, *, alpha) -> NextStateValue:
    """(1), for all steps at once."""
    return NextStateValue(np.min(next_state_action_value, axis=-1) - alpha * next_log_prob)  # (1)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: NextStateValue, next_state_action_value, next_log_prob, *, alpha) -> Gradient:
    """The critic with the smallest value gets everything, the log-probability -alpha times it."""
    gradient = np.zeros_like(next_state_action_value)
    smallest = np.argmin(next_state_action_value, axis=-1, keepdims=True)
    np.put_along_axis(gradient, smallest, cotangent.next_state_value[..., None], axis=-1)
    return Gradient(gradient, -alpha * cotangent.next_state_value)
